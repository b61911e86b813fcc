import { equalBytes, toBase64, toHex } from '../base/bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import { ballotMessage } from '../crypto/transcript.ts';
import {
  type Ballot,
  decodeSignedBallot,
  encodeSignedBallot,
  readBallot,
  readUsualBallot,
  sealedTracker,
  trackerOfHash,
} from '../election/ballot.ts';
import { maxBallotBytes } from '../election/ballot-size.ts';
import type { SignedBallot } from '../election/entries.ts';
import type { RoundState } from '../election/log-state.ts';
import { BAD_SIGNATURE, REPEATED_TEXT, badProof, refusals } from '../election/rules.ts';
import type { Refusal } from '../election/refusal.ts';
import type { AppendPlan, Appended, ElectionLog } from './election-log.ts';
import type { EventListener } from './events.ts';
import { PeerRefusal, type VoterRecord } from './ports.ts';
import { type ProofVerifier, inThreadProofs } from './proofs/verifier.ts';
import { SealedRounds } from './sealed-rounds.ts';
import { type SignatureTask, type SignatureVerifier, inThreadVerifier } from './signatures/verifier.ts';

/**
 * Ballots a commit takes at most. Past this the cost of the fsync is already spread thin, and a larger batch would
 * only make the first voter in it wait longer.
 */
const MAX_BATCH = 256;
/** Ballots that may wait for a commit before newcomers are told to come back: some seconds of work. */
const MAX_WAITING = 8192;
/** Ballots that are worth a commit as soon as they are there: a batch costs a millisecond (fsync, the checkpoint's signature). */
const ENOUGH = 64;
/**
 * How long a batch gathers at most once ballots come faster than one at a time, in ms. No voter notices this wait, and a
 * lone one never has it.
 */
const GATHER_MS = 15;
const BUSY_RETRY_MS = 1000;
const SUSPENDED_RETRY_MS = 5000;

/** A ballot's bytes as they were sent, and its tracker. */
interface Named {
  readonly tracker: string;
  readonly bytes: Uint8Array;
}

interface Admitted {
  readonly ballot: Ballot;
  readonly signed: SignedBallot;
  readonly tracker: string;
  readonly record: VoterRecord;
  /** Settled with the receipt when the ballot's batch is on disk, or with the refusal or failure. */
  readonly resolve: (receipt: string) => void;
  readonly reject: (reason: Error) => void;
}

/**
 * Takes ballots in: each is checked, joins the next batch, and is answered with its receipt once that batch is on
 * disk. While one batch is being written the next one gathers (group commit).
 */
export class PollingStation {
  readonly #log: ElectionLog;
  readonly #onEvent: EventListener;
  readonly #verifier: SignatureVerifier;
  readonly #proofs: ProofVerifier;
  readonly #sealedRounds = new SealedRounds();
  readonly #pause: (ms: number) => Promise<void>;
  /** Casts under way, by a hash of their bytes: the same ballot sent twice at once is one cast. */
  readonly #casts = new Map<string, Promise<string>>();
  /** The last cast under way of each voter, by key: a voter's ballots are taken one after another. */
  readonly #voterTails = new Map<string, Promise<unknown>>();
  #waiting: Admitted[] = [];
  /** Ballots that were read and are being checked. */
  #checking = 0;
  /** The mean of the last two batches: as many voters are about to come again, or others in their place. */
  #usualBatch = 0;
  #lastBatch = 0;
  /** Called when the next batch has gathered. */
  #onGathered: () => void = () => undefined;
  #writing = false;
  #stopped = false;

  /**
   * By default signatures, and the proofs of sealed ballots, are verified in the calling thread; the station closes nothing that it
   * is given.
   */
  constructor(
    log: ElectionLog,
    onEvent: EventListener,
    {
      verifier = inThreadVerifier(),
      proofs = inThreadProofs(),
      pause = sleep,
    }: {
      readonly verifier?: SignatureVerifier;
      readonly proofs?: ProofVerifier;
      readonly pause?: (ms: number) => Promise<void>;
    } = {},
  ) {
    this.#log = log;
    this.#onEvent = onEvent;
    this.#verifier = verifier;
    this.#proofs = proofs;
    this.#pause = pause;
  }

  /**
   * Casts an encoded signed ballot and resolves to its receipt. The same ballot again gets the same receipt. Throws
   * `PeerRefusal` with the reason; nothing is acknowledged that is not on disk.
   */
  async cast(bytes: Uint8Array, _onPromise: (promise: string) => void = () => undefined): Promise<string> {
    const hash = sha256(bytes);
    const key = toBase64(hash);
    const underWay = this.#casts.get(key);
    if (underWay !== undefined) return underWay;
    const cast = this.#cast(bytes, hash).finally(() => this.#casts.delete(key));
    this.#casts.set(key, cast);
    return cast;
  }

  /** Takes no further ballot, and resolves when those already admitted are on disk or refused. */
  async stop(): Promise<void> {
    this.#stopped = true;
    while (this.#casts.size > 0) await Promise.allSettled(this.#casts.values());
  }

  async #cast(bytes: Uint8Array, hash: Uint8Array): Promise<string> {
    const signed = orRefuse(decodeSignedBallot(bytes), this.#onEvent);
    const { round, genesis } = this.#log.state;
    const isTooLarge =
      round !== undefined &&
      genesis !== undefined &&
      bytes.length > maxBallotBytes(round.entry.questions, genesis.policy.secrecy);
    // An earlier round may have taken such a ballot, which then gets its receipt; but nobody's bytes are worth the general decoder's time.
    const read = isTooLarge ? readUsualBallot(signed) : readBallot(signed);
    const ballot = orRefuse(read, this.#onEvent);
    const tracker = ballot.form === 'sealed' ? sealedTracker(ballot.sealed) : trackerOfHash(hash);
    if (isTooLarge) {
      return this.#receiptOr({ tracker, bytes }, [
        {
          code: 'too-large',
          about: 'encoding',
          message: `No vote on these questions needs the ballot's ${bytes.length} bytes.`,
        },
      ]);
    }
    if (this.#stopped) throw new PeerRefusal('busy', 'The polling station is stopping.', SUSPENDED_RETRY_MS);
    if (this.#log.suspended)
      throw new PeerRefusal('busy', "The organiser's disk can't be written just now.", SUSPENDED_RETRY_MS);
    if (this.#casts.size > MAX_WAITING)
      throw new PeerRefusal('busy', 'Many ballots are arriving at once.', BUSY_RETRY_MS);

    const voter = toHex(ballot.voter);
    const before = this.#voterTails.get(voter) ?? Promise.resolve();
    const receipt = before.then(() => this.#admit(ballot, signed, { tracker, bytes }));
    const tail = receipt.catch(() => undefined);
    this.#voterTails.set(voter, tail);
    try {
      return await receipt;
    } finally {
      if (this.#voterTails.get(voter) === tail) this.#voterTails.delete(voter);
    }
  }

  /** Checks a ballot against what is on disk and, if it may be cast, sees it through to its receipt. */
  async #admit(ballot: Ballot, signed: SignedBallot, named: Named): Promise<string> {
    this.#checking++;
    let record: VoterRecord | undefined;
    try {
      record = await this.#log.store.voter(ballot.voter);
      const found = refusals(ballot, this.#log.state, this.#log.logTime(), record);
      if (found.length > 0 || record === undefined) {
        const receipt = await this.#receiptOr(named, found);
        this.#checked();
        return receipt;
      }
      const message = ballotMessage(signed.body);
      const task = { signature: signed.signature, message, key: ballot.voter };
      if (ballot.form === 'sealed') await this.#checkSealed(ballot.sealed, task, named.tracker);
      else if (!(await this.#verifier.verify(task))) throw this.#refuse([BAD_SIGNATURE]);
    } catch (error) {
      this.#checked();
      throw error;
    }
    const standing = record;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ballot, signed, tracker: named.tracker, record: standing, resolve, reject });
      if (!this.#writing) void this.#write();
      this.#checked();
    });
  }

  /**
   * The receipt of a ballot that is in the log already, or the refusal. A refusal alone would frighten a voter who only
   * lost the answer.
   */
  async #receiptOr({ tracker, bytes }: Named, found: readonly Refusal[]): Promise<string> {
    const seq = await this.#log.store.ballotSeq(tracker);
    const isCast =
      seq !== undefined && equalBytes(encodeSignedBallot(await this.#log.proofs.ballot(seq)), bytes);
    if (!isCast) throw this.#refuse(found);
    return this.#log.proofs.receipt(seq);
  }

  /** Throws the refusal of a sealed ballot that is not signed, was cast before, or doesn't prove that it is a valid vote of its voter. */
  async #checkSealed(sealed: string, signature: SignatureTask, tracker: string): Promise<void> {
    const { state, store } = this.#log;
    if ((await store.ballotSeq(tracker)) !== undefined) throw this.#refuse([REPEATED_TEXT]);
    const { electionText } = this.#sealedRounds.round(state, state.round as RoundState);
    const verdict = await this.#proofs.verify({ ...signature, electionText, sealed });
    if (verdict === 'bad-signature') throw this.#refuse([BAD_SIGNATURE]);
    if (verdict !== null) throw this.#refuse([badProof(verdict.problem)]);
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

  #checked(): void {
    this.#checking--;
    if (this.#isGathered()) this.#onGathered();
  }

  async #writeBatch(batch: readonly Admitted[]): Promise<void> {
    let taken: Admitted[] = [];
    let appended: Appended;
    try {
      appended = await this.#log.appendBallots(({ seq, time }) => {
        taken = this.#stillAllowed(batch, time);
        return planOf(taken, seq, this.#log.state.rounds.length);
      });
    } catch (error) {
      // What became of the batch is unknown, so nobody in it is told that it was refused: the same ballot sent again
      // gets its receipt if it was written. The log has reported the failure.
      const busy = new PeerRefusal(
        'busy',
        "The organiser's disk can't be written just now.",
        SUSPENDED_RETRY_MS,
      );
      busy.cause = error;
      for (const { reject } of batch) reject(busy);
      return;
    }
    await this.#answer(taken, appended);
  }

  async #answer(taken: readonly Admitted[], appended: Appended): Promise<void> {
    try {
      const receipts = await this.#log.proofs.receipts(appended);
      for (const [index, { entry }] of appended.entries.entries()) {
        const item = taken[index] as Admitted;
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
  #stillAllowed(batch: readonly Admitted[], time: number): Admitted[] {
    return batch.filter((item) => {
      const found = refusals(item.ballot, this.#log.state, time, item.record);
      if (found.length > 0) item.reject(this.#refuse(found));
      return found.length === 0;
    });
  }

  #refuse(found: readonly Refusal[]): PeerRefusal {
    const code = found[0]?.code ?? 'internal';
    const reason = found.map(({ message }) => message).join(' ');
    this.#onEvent({ type: 'ballot-refused', code, reason });
    return new PeerRefusal(code, reason);
  }

  #report({ ballot, record }: Admitted, seq: number): void {
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

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function planOf(taken: readonly Admitted[], from: number, round: number): AppendPlan {
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

function orRefuse<T>(
  read: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Refusal },
  onEvent: EventListener,
): T {
  if (read.ok) return read.value;
  onEvent({ type: 'ballot-refused', code: read.error.code, reason: read.error.message });
  throw new PeerRefusal(read.error.code, read.error.message);
}
