import type { RollEntry } from '../../election/entries.ts';
import type { Findings } from '../report.ts';
import type { VoterTable } from '../voter-table.ts';

/**
 * Enters a roll chunk's voters into the table; a key that is there already is a finding. `bad` are the places of voters
 * found unfit before, who are left out: ballots by unacceptable keys must not pass for a voter's.
 */
export function enrol(
  entry: RollEntry,
  bad: readonly number[],
  voters: VoterTable,
  findings: Findings,
): void {
  const unfit = new Set(bad);
  for (const [place, { name, key, weight }] of entry.voters.entries()) {
    if (unfit.has(place) || voters.add(key, weight)) continue;
    findings.add({
      check: 'roll',
      seq: entry.seq,
      message: `the public key of voter "${name}" is on the roll twice`,
    });
  }
}
