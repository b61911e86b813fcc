import { decodeEnrolment, enrolmentProblems, equalEnrolments } from '../election/enrolment.ts';
import type { Enrolment } from '../election/entries.ts';
import { decodeEntry } from '../log/entry-codec.ts';
import type { ElectionLog } from './election-log.ts';
import type { EventListener } from './events.ts';
import { PeerRefusal, type VoterRecord, type WireCode } from './ports.ts';
import { standstill } from './standstill.ts';

const BUSY_RETRY_MS = 1000;
/** Enrolments that may be under way before newcomers are told to come back: some seconds of work, a commit each. */
const MAX_WAITING = 1024;

/** Takes voters' own keys in, in the place of those that the roll came with, until the first round opens. */
export class EnrolmentDesk {
  readonly #log: ElectionLog;
  readonly #onEvent: EventListener;
  #waiting = 0;

  constructor(log: ElectionLog, onEvent: EventListener) {
    this.#log = log;
    this.#onEvent = onEvent;
  }

  /**
   * Logs an encoded enrolment and resolves to its receipt once it is on disk. The same enrolment again gets the same receipt, at any
   * time. Throws `PeerRefusal`: `malformed`, `wrong-election`, `too-late` once a round was opened, `unknown-voter` for a key that is not
   * on the roll, `already-enrolled`, `bad-signature`, `busy`.
   */
  async enrol(bytes: Uint8Array): Promise<string> {
    if (this.#waiting >= MAX_WAITING)
      throw new PeerRefusal('busy', 'Many voters are enrolling at once.', BUSY_RETRY_MS);
    const still = standstill(this.#log);
    if (still !== undefined) throw still;
    this.#waiting++;
    try {
      return await this.#enrol(bytes);
    } finally {
      this.#waiting--;
    }
  }

  async #enrol(bytes: Uint8Array): Promise<string> {
    const decoded = decodeEnrolment(bytes);
    if (!decoded.ok) throw this.#refuse('malformed', `The enrolment can't be read: ${decoded.error}.`);
    const enrolment = decoded.value;
    const { genesisCid } = this.#log.state;
    if (genesisCid?.equals(enrolment.election) !== true)
      throw this.#refuse('wrong-election', 'The enrolment is for another election.');
    const before = await this.#receiptOf(enrolment);
    if (before !== undefined) return before;
    // Asked before the signatures are verified too, since that costs more.
    await this.#voterFor(enrolment);
    const [problem] = enrolmentProblems(genesisCid.bytes, enrolment);
    if (problem !== undefined) throw this.#refuse('bad-signature', `The enrolment is not sound: ${problem}.`);
    return this.#write(enrolment);
  }

  async #write(enrolment: Enrolment): Promise<string> {
    const { voter, key, voterSignature, keySignature } = enrolment;
    let name = '';
    const { entries } = await this.#append(async ({ seq }) => {
      // The same enrolment may have come twice at once.
      if (await this.#isLogged(enrolment)) return { contents: [] };
      const record = await this.#voterFor(enrolment);
      name = record.name;
      return {
        contents: [{ kind: 'enrolment', voter, key, voterSignature, keySignature }],
        voters: [{ ...record, key }],
        enrolments: [{ voter, key, seq }],
      };
    });
    const seq = entries[0]?.entry.seq;
    if (seq !== undefined) {
      const { enrolled, roll } = this.#log.state;
      this.#onEvent({ type: 'voter-enrolled', seq, voter: name, enrolled, voters: roll.voters });
    }
    const receipt = await this.#receiptOf(enrolment);
    if (receipt === undefined) throw new Error('an enrolment that was written is not in the log');
    return receipt;
  }

  async #receiptOf(enrolment: Enrolment): Promise<string | undefined> {
    const seq = await this.#log.store.enrolmentSeq(enrolment.voter);
    return seq !== undefined && (await this.#isLogged(enrolment)) ? this.#log.proofs.receipt(seq) : undefined;
  }

  /** Whether this very enrolment is in the log. */
  async #isLogged(enrolment: Enrolment): Promise<boolean> {
    const { store } = this.#log;
    const seq = await store.enrolmentSeq(enrolment.voter);
    const bytes = seq === undefined ? undefined : await store.entry(seq);
    const entry = bytes === undefined ? undefined : decodeEntry(bytes);
    return entry?.ok === true && entry.value.kind === 'enrolment' && equalEnrolments(entry.value, enrolment);
  }

  /** The voter who may enrol this key now. */
  async #voterFor({ voter, key }: Enrolment): Promise<VoterRecord> {
    const { state, store } = this.#log;
    if (state.phase !== 'ready' || state.rounds.length > 0) {
      throw this.#refuse(
        'too-late',
        'Own keys can be enrolled only before the first round opens, and it was opened.',
      );
    }
    if ((await store.enrolmentSeq(voter)) !== undefined) {
      throw this.#refuse(
        'already-enrolled',
        'The key on the roll was replaced before: its voter has enrolled another one.',
      );
    }
    const record = await store.voter(voter);
    if (record === undefined)
      throw this.#refuse('unknown-voter', 'The key that the new one should replace is not on the roll.');
    if ((await store.enrolmentSeq(key)) !== undefined || (await store.voter(key)) !== undefined)
      throw this.#refuse('already-enrolled', 'The new key is on the roll already, or was enrolled before.');
    return record;
  }

  async #append(plan: Parameters<ElectionLog['append']>[0]): ReturnType<ElectionLog['append']> {
    try {
      return await this.#log.append(plan);
    } catch (error) {
      const busy = standstill(this.#log);
      if (error instanceof PeerRefusal || busy === undefined) throw error;
      // What became of it is unknown; sent again, it gets its receipt if it was written.
      busy.cause = error;
      throw busy;
    }
  }

  #refuse(code: WireCode, reason: string): PeerRefusal {
    this.#onEvent({ type: 'enrolment-refused', code, reason });
    return new PeerRefusal(code, reason);
  }
}
