import type { Ballot } from '../election/ballot.ts';
import type { SignedBallot } from '../election/entries.ts';
import { refusals } from '../election/rules.ts';
import { ballotRefusal } from './ballot-refusal.ts';
import type { AppendPlan, Appended, ElectionLog } from './election-log.ts';
import type { EventListener } from './events.ts';
import { PeerRefusal, type VoterRecord } from './ports.ts';
import { standstill } from './standstill.ts';

/**
 * Ballots a commit takes at most. Past this the cost of the fsync is already spread thin, and a larger batch would
 * only make the first voter in it wait longer.
 */
const MAX_BATCH = 256;
/** Ballots that are worth a commit as soon as they are there: a batch costs a millisecond (fsync, the checkpoint's signature). */
const ENOUGH = 64;
/**
 * How long a batch gathers at most once ballots come faster than one at a time, in ms. No voter notices this wait, and a
 * lone one never has it.
 */
const GATHER_MS = 15;
const BUSY_RETRY_MS = 1000;

/** A ballot that was checked and may become an entry. */
export interface AdmittedBallot {
  readonly ballot: Ballot;
  readonly signed: SignedBallot;
  readonly tracker: string;
  readonly record: VoterRecord;
}

interface Waiting extends AdmittedBallot {
  /** Settled with the receipt when the ballot's batch is on disk, or with the refusal or failure. */
  readonly resolve: (receipt: string) => void;
  readonly reject: (reason: Error) => void;
}

/** Writes admitted ballots to the log in batches: while one batch is being written the next one gathers (group commit). */
export class BallotBatches {
  readonly #log: ElectionLog;
  readonly #onEvent: EventListener;
  readonly #pause: (ms: number) => Promise<void>;
  #waiting: Waiting[] = [];
  /** Ballots that were added and are not answered yet. */
  #unanswered = 0;
  /** Called when there are none. */
  #onSettled: (() => void)[] = [];
  /** Ballots that were read and are being checked. */
  #checking = 0;
  /** The mean of the last two batches: as many voters are about to come again, or others in their place. */
  #usualBatch = 0;
  #lastBatch = 0;
  /** Called when the next batch has gathered. */
  #onGathered: () => void = () => undefined;
  #writing = false;

  constructor(log: ElectionLog, onEvent: EventListener, pause: (ms: number) => Promise<void>) {
    this.#log = log;
    this.#onEvent = onEvent;
    this.#pause = pause;
  }

  /** A ballot is being checked, and may be added soon. */
  checking(): void {
    this.#checking++;
  }

  /** A ballot was checked, and added if it may be cast. */
  checked(): void {
    this.#checking--;
    if (this.#isGathered()) this.#onGathered();
  }

  /** Has a ballot written; resolves to its receipt once it is on disk. Rejects with `PeerRefusal`. */
  add(admitted: AdmittedBallot): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...admitted, resolve, reject });
      this.#unanswered++;
      if (!this.#writing) void this.#write();
    });
  }

  /** Resolves when every ballot that was added is answered; the caller sees to it that none is added meanwhile. */
  async settle(): Promise<void> {
    if (this.#unanswered === 0) return;
    // Nobody else comes: what waits need not gather.
    this.#onGathered();
    await new Promise<void>((resolve) => this.#onSettled.push(resolve));
  }

  /** Hands what waits to the log, batch by batch, until nothing does. */
  async #write(): Promise<void> {
    this.#writing = true;
    let before: Promise<void> = Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, MAX_BATCH);
      this.#waiting = this.#waiting.slice(MAX_BATCH);
      this.#usualBatch = (this.#lastBatch + batch.length) / 2;
      this.#lastBatch = batch.length;
      const written = this.#writeBatch(batch);
      // One batch may be prepared while another is being written; ballots that come meanwhile make the next one larger.
      await before;
      before = written;
      if (!this.#isGathered()) await this.#gather();
    }
    // In one go with the check above: whoever comes next finds either a writer that will see them, or none.
    this.#writing = false;
  }

  /** Waits until the next batch has gathered, for GATHER_MS at most. */
  async #gather(): Promise<void> {
    const gathered = new Promise<void>((resolve) => {
      this.#onGathered = resolve;
    });
    await Promise.race([this.#pause(GATHER_MS), gathered]);
  }

  /** Whether enough ballots wait to be written, or as many as came of late and none is being checked. */
  #isGathered(): boolean {
    const { length } = this.#waiting;
    return length >= ENOUGH || (length > 0 && length >= this.#usualBatch && this.#checking === 0);
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    await this.#logBatch(batch);
    this.#unanswered -= batch.length;
    if (this.#unanswered > 0) return;
    for (const resolve of this.#onSettled) resolve();
    this.#onSettled = [];
  }

  /** Resolves when each of a batch is answered. */
  async #logBatch(batch: readonly Waiting[]): Promise<void> {
    let taken: Waiting[] = [];
    let appended: Appended;
    try {
      appended = await this.#log.appendBallots(({ seq, time }) => {
        taken = this.#stillAllowed(batch, time);
        return planOf(taken, seq, this.#log.state.rounds.length);
      });
    } catch (error) {
      // What became of the batch is unknown, so nobody in it is told that it was refused: the same ballot sent again
      // gets its receipt if it was written. The log has reported the failure.
      const busy =
        standstill(this.#log) ?? new PeerRefusal('busy', 'The ballot was not written.', BUSY_RETRY_MS);
      busy.cause = error;
      for (const { reject } of batch) reject(busy);
      return;
    }
    await this.#answer(taken, appended);
  }

  async #answer(taken: readonly Waiting[], appended: Appended): Promise<void> {
    try {
      const receipts = await this.#log.proofs.receipts(appended);
      for (const [index, { entry }] of appended.entries.entries()) {
        const item = taken[index] as Waiting;
        this.#report(item, entry.seq);
        item.resolve(receipts[index] as string);
      }
    } catch (error) {
      // The ballots are in the log, but a proof could not be read from disk; sent again, each gets its receipt.
      this.#onEvent({ type: 'defect', error });
      for (const { reject } of taken)
        reject(new PeerRefusal('busy', 'The receipt could not be made.', BUSY_RETRY_MS));
    }
  }

  /** Of a batch, the ballots that may still be cast at the time the log gives them: the round may have closed. */
  #stillAllowed(batch: readonly Waiting[], time: number): Waiting[] {
    return batch.filter((item) => {
      const found = refusals(item.ballot, this.#log.state, time, item.record);
      if (found.length > 0) item.reject(ballotRefusal(found, this.#onEvent));
      return found.length === 0;
    });
  }

  #report({ ballot, record }: AdmittedBallot, seq: number): void {
    this.#onEvent({
      type: 'ballot-accepted',
      seq,
      round: this.#log.state.rounds.length,
      voter: record.name,
      number: ballot.number,
      turnout: { ...this.#log.turnout, voters: this.#log.state.roll.voters },
    });
  }
}

function planOf(taken: readonly AdmittedBallot[], from: number, round: number): AppendPlan {
  return {
    contents: taken.map(({ signed }) => ({ kind: 'ballot', ballot: signed })),
    voters: taken.map(({ ballot, record }, index) => ({
      ...record,
      round,
      number: ballot.number,
      seq: from + index,
    })),
    ballots: taken.map(({ tracker }, index) => ({ tracker, seq: from + index })),
  };
}
