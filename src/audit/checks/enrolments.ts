import type { EnrolmentEntry } from '../../election/entries.ts';
import { KeyTable } from '../key-table.ts';
import type { Findings } from '../report.ts';
import type { VoterTable } from '../voter-table.ts';

/** Puts voters' own keys in the place of those on the roll; each voter may enrol one, and each key stands for one voter. */
export class EnrolmentCheck {
  readonly #voters: VoterTable;
  readonly #findings: Findings;
  /** Both keys of every enrolment: none of them may be in another one. */
  readonly #used = new KeyTable();
  #count = 0;

  constructor(voters: VoterTable, findings: Findings) {
    this.#voters = voters;
    this.#findings = findings;
  }

  /** How many voters enrolled. */
  get count(): number {
    return this.#count;
  }

  /** `sound` says whether keys and signatures hold by themselves (`enrolmentProblems`); else its key is nobody's. */
  entry(entry: EnrolmentEntry, sound: boolean): void {
    const voter = this.#voters.find(entry.voter);
    const problems: string[] = [];
    if (this.#used.find(entry.voter) !== -1) problems.push('its voter enrolled before');
    else if (voter === -1) problems.push('it is by a key that is not on the roll');
    if (this.#used.find(entry.key) !== -1) problems.push('the new key is in an earlier enrolment');
    else if (this.#voters.find(entry.key) !== -1) problems.push('the new key is on the roll already');
    for (const message of problems) this.#findings.add({ check: 'enrolments', seq: entry.seq, message });
    if (!sound || problems.length > 0) return;
    this.#voters.enrol(voter, entry.key);
    this.#used.add(entry.voter);
    this.#used.add(entry.key);
    this.#count++;
  }
}
