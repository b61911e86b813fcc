import * as z from 'zod';
import type { LogCopy } from '../../services/log-copy.ts';
import type { Observer } from '../../services/observer.ts';
import { fingerprint } from '../../crypto/credential.ts';
import { peerIdText } from '../../crypto/peer-id.ts';
import { printable } from '../printable.ts';
import { formatTime } from '../time.ts';
import { alarmText } from './alarm-text.ts';

const count = z.int().min(0);

/** How an observer stands, as `status --json` prints it. Times are ms since 1970. */
export const statusSchema = z.strictObject({
  event: z.literal('status'),
  electionId: z.string(),
  fingerprint: z.string(),
  title: z.string(),
  phase: z.string(),
  entries: count,
  /** Entries of the largest checkpoint that was heard of: more than `entries` while the copy lags. */
  largest: count,
  lastEntry: count,
  checkpoint: z.string().nullable(),
  turnout: z.strictObject({ round: count, voters: count, voted: count, ballots: count }).nullable(),
  /** What the running observer knows; null where none runs. */
  running: z
    .strictObject({
      peerId: z.string(),
      addresses: z.array(z.string()),
      source: z.string().nullable(),
      caughtUpAt: count.nullable(),
      cosigned: count.nullable(),
      cosigners: z.array(
        z.strictObject({ peerId: z.string(), size: count, time: count, addresses: z.array(z.string()) }),
      ),
      /** Of voters' programs that told this observer, in the round that `turnout` is of: how many found their ballot, and how many did not. */
      checks: z.strictObject({ found: count, missing: count }),
      alarms: z.array(z.string()),
    })
    .nullable(),
});
export type StatusReport = z.infer<typeof statusSchema>;

/** The status of a copy, and of the observer that runs on it. */
export function statusOf(
  copy: LogCopy,
  observer: Observer | undefined,
  own: { readonly peerId: string; readonly addresses: readonly string[] } | undefined,
): StatusReport {
  const { head, state, electionId, genesis, turnout } = copy;
  return {
    event: 'status',
    electionId,
    fingerprint: fingerprint(electionId),
    title: genesis.title,
    phase: state.phase,
    entries: head.size,
    largest: Math.max(head.size, observer?.desk.largestHeard ?? 0),
    lastEntry: head.time,
    checkpoint: copy.newestCheckpoint ?? null,
    turnout:
      state.round === undefined
        ? null
        : { round: state.round.entry.round, voters: state.roll.voters, ...turnout },
    running:
      observer === undefined || own === undefined
        ? null
        : {
            peerId: own.peerId,
            addresses: [...own.addresses],
            ...observer.standing,
            cosigners: observer.desk.observers.map(({ address, cosigned }) => ({
              peerId: peerIdText(address.key),
              size: cosigned.size,
              time: cosigned.cosignature.time * 1000,
              addresses: [...address.addresses],
            })),
            checks: observer.checks.of(state.round?.entry.round ?? 0),
            alarms: observer.alarms.map(alarmText),
          },
  };
}

/** The status in words. `now` is in ms. */
export function statusText(report: StatusReport, now: number): string {
  const { running, turnout } = report;
  const rows: (readonly [string, string])[] = [
    ['Election', printable(report.title)],
    ['Fingerprint', report.fingerprint],
    ['Entries', `${report.entries}, the last of ${formatTime(report.lastEntry)}`],
    ['Lag', lagText(report, now)],
    [
      'Turnout',
      turnout === null
        ? 'no round was opened yet'
        : `${turnout.voted} of ${turnout.voters} voters in round ${turnout.round} (${turnout.ballots} ballots)`,
    ],
  ];
  if (running !== null) {
    rows.push(['Cosigned', running.cosigned === null ? 'nothing yet' : `${running.cosigned} entries`]);
    for (const { peerId, size, time } of running.cosigners)
      rows.push(['Cosigner', `${peerId}: ${size} entries, at ${formatTime(time)}`]);
    const { found, missing } = running.checks;
    if (found + missing > 0)
      rows.push([
        'Checked',
        `${found} voters' programs found their ballot in this round, ${missing} did not`,
      ]);
    for (const address of running.addresses) rows.push(['Address', address]);
  }
  const width = Math.max(...rows.map(([name]) => name.length));
  const table = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n');
  const alarms = running?.alarms ?? [];
  const last = alarms.length === 0 ? 'No alarm.' : alarms.map((alarm) => `ALARM: ${alarm}`).join('\n');
  const checkpoint = report.checkpoint === null ? '' : `\nThe newest checkpoint:\n\n${report.checkpoint}`;
  return `${table}\n${checkpoint}\n${running === null ? 'The observer is not running.' : last}\n`;
}

function lagText({ entries, largest, running }: StatusReport, now: number): string {
  if (running === null) return 'not running';
  if (running.source === null) return 'no source answers; what is here is served all the same';
  if (largest > entries) return `${largest - entries} entries behind`;
  if (running.caughtUpAt === null) return 'catching up';
  return `none: all that ${printable(running.source)} had ${Math.max(0, Math.round((now - running.caughtUpAt) / 1000))} s ago`;
}
