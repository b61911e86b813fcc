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
import { BallotBatches } from './ballot-batches.ts';
import { ballotRefusal } from './ballot-refusal.ts';
import type { ElectionLog } from './election-log.ts';
import type { EventListener } from './events.ts';
import { PeerRefusal, type VoterRecord } from './ports.ts';
import { GivenPromise, type PromiseListener, promisedBy } from './promising.ts';
import { type ProofVerifier, inThreadProofs } from './proofs/verifier.ts';
import { SealedRounds } from './sealed-rounds.ts';
import { standstill } from './standstill.ts';
import { type SignatureTask, type SignatureVerifier, inThreadVerifier } from './signatures/verifier.ts';

/** Ballots that may wait for a commit before newcomers are told to come back: some seconds of work. */
const MAX_WAITING = 8192;
const BUSY_RETRY_MS = 1000;
const STOPPING_RETRY_MS = 5000;
/** Closing takes a moment, after which the same ballot hears that the round is closed. */
const CLOSING_RETRY_MS = 500;

/** A ballot's bytes as they were sent, and their SHA-256. */
interface Sent {
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
  /** For everybody who sent them. */
  readonly promise: GivenPromise;
}

interface Named extends Sent {
  readonly tracker: string;
}

/** A cast under way. */
interface UnderWay {
  readonly promise: GivenPromise;
  readonly receipt: Promise<string>;
}

/**
 * Takes ballots in: each is checked, promised to be in the log soon, joins the next batch (`BallotBatches`), and is answered with its
 * receipt once that batch is on disk.
 */
export class PollingStation {
  readonly #log: ElectionLog;
  readonly #onEvent: EventListener;
  readonly #verifier: SignatureVerifier;
  readonly #proofs: ProofVerifier;
  readonly #sealedRounds = new SealedRounds();
  readonly #batches: BallotBatches;
  /** Casts under way, by a hash of their bytes: the same ballot sent twice at once is one cast. */
  readonly #casts = new Map<string, UnderWay>();
  /** The last cast under way of each voter, by key: a voter's ballots are taken one after another. */
  readonly #voterTails = new Map<string, Promise<unknown>>();
  /**
   * Ballots that were promised, and not written since the disk failed, by a hash of their bytes: the log owes them an entry, whether their
   * voters send them again or not.
   */
  readonly #owed = new Map<string, Uint8Array>();
  /** The casting of what is owed that is under way. */
  #redeeming: Promise<void> | undefined;
  /** Actions under way, or due, that no ballot may be admitted beside. */
  #holds = 0;
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
    this.#batches = new BallotBatches(log, onEvent, pause);
    // Also when its disk can be written again.
    log.onGrowth(() => void this.#redeem());
  }

  /**
   * Casts an encoded signed ballot and resolves to its receipt. Once the ballot is admitted, and before it is on disk, `onPromise` gets
   * the authority's signed promise (log/promise) that it will be in the log; at most once, and not where it is there already or the round
   * is about to close. The same ballot again gets the same receipt. Throws `PeerRefusal` with the reason; nothing is acknowledged that is
   * not on disk.
   */
  async cast(bytes: Uint8Array, onPromise: PromiseListener = () => undefined): Promise<string> {
    const hash = sha256(bytes);
    const key = toBase64(hash);
    let cast = this.#casts.get(key);
    if (cast === undefined) {
      const promise = new GivenPromise();
      const receipt = this.#cast({ bytes, hash, promise }).finally(() => this.#casts.delete(key));
      cast = { promise, receipt };
      this.#casts.set(key, cast);
    }
    cast.promise.tell(onPromise);
    return cast.receipt;
  }

  /** Takes no further ballot, and resolves when those already admitted are on disk or refused. */
  async stop(): Promise<void> {
    this.#stopped = true;
    while (this.#casts.size > 0)
      await Promise.allSettled(Array.from(this.#casts.values(), ({ receipt }) => receipt));
  }

  /**
   * Does what must not overtake a promise, such as closing the round: casts what is owed, admits no ballot from then on until it is done, and
   * begins when all that were admitted are answered. Not to be called from within an append, which they would wait for.
   */
  async settled<T>(action: () => Promise<T>): Promise<T> {
    await this.#redeem();
    this.#holds++;
    try {
      await this.#batches.settle();
      return await action();
    } finally {
      this.#holds--;
    }
  }

  async #cast(sent: Sent): Promise<string> {
    const { bytes, hash } = sent;
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
      return this.#receiptOr({ ...sent, tracker }, [
        {
          code: 'too-large',
          about: 'encoding',
          message: `No vote on these questions needs the ballot's ${bytes.length} bytes.`,
        },
      ]);
    }
    if (this.#stopped) throw new PeerRefusal('busy', 'The polling station is stopping.', STOPPING_RETRY_MS);
    const still = standstill(this.#log);
    if (still !== undefined) return this.#receiptOrStandstill({ ...sent, tracker }, still);
    this.#expectNoHold();
    if (this.#casts.size > MAX_WAITING)
      throw new PeerRefusal('busy', 'Many ballots are arriving at once.', BUSY_RETRY_MS);

    const voter = toHex(ballot.voter);
    const before = this.#voterTails.get(voter) ?? Promise.resolve();
    const receipt = before.then(() => this.#admit(ballot, signed, { ...sent, tracker }));
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
    this.#batches.checking();
    let record: VoterRecord | undefined;
    let isPromised: boolean;
    try {
      record = await this.#log.store.voter(ballot.voter);
      const found = refusals(ballot, this.#log.state, this.#log.logTime(), record);
      if (found.length > 0 || record === undefined) {
        const receipt = await this.#receiptOr(named, found);
        this.#batches.checked();
        return receipt;
      }
      const message = ballotMessage(signed.body);
      const task = { signature: signed.signature, message, key: ballot.voter };
      if (ballot.form === 'sealed') await this.#checkSealed(ballot.sealed, task, named.tracker);
      else if (!(await this.#verifier.verify(task))) throw this.#refuse([BAD_SIGNATURE]);
      this.#expectStillOpen(ballot, record);
      isPromised = this.#promise(named);
    } catch (error) {
      this.#batches.checked();
      throw error;
    }
    const receipt = this.#batches.add({ ballot, signed, tracker: named.tracker, record });
    this.#batches.checked();
    try {
      return await receipt;
    } catch (error) {
      if (isPromised && isBusy(error)) this.#owed.set(toBase64(named.hash), named.bytes);
      throw error;
    }
  }

  /** Casts what is owed, as its voters would who sent it again. What can't be written yet stays owed; what is refused can't be kept. */
  #redeem(): Promise<void> {
    if (this.#owed.size === 0) return Promise.resolve();
    this.#redeeming ??= this.#castOwed().finally(() => (this.#redeeming = undefined));
    return this.#redeeming;
  }

  async #castOwed(): Promise<void> {
    await Promise.all(
      [...this.#owed].map(async ([key, bytes]) => {
        try {
          await this.cast(bytes);
        } catch (error) {
          if (!(error instanceof PeerRefusal)) this.#onEvent({ type: 'defect', error });
          if (isBusy(error)) return;
        }
        this.#owed.delete(key);
      }),
    );
  }

  /** Throws `busy` while nothing may be admitted. */
  #expectNoHold(): void {
    if (this.#holds > 0)
      throw new PeerRefusal('busy', 'The round is being closed just now.', CLOSING_RETRY_MS);
  }

  /** The round may have closed, or be about to, since the check of a ballot began: then it is not admitted, and nothing is promised. */
  #expectStillOpen(ballot: Ballot, record: VoterRecord): void {
    this.#expectNoHold();
    const found = refusals(ballot, this.#log.state, this.#log.logTime(), record);
    if (found.length > 0) throw this.#refuse(found);
  }

  /** Gives everybody who sent a ballot the promise that it will be in the log, where that can be promised; whether it can. */
  #promise({ hash, promise }: Named): boolean {
    const by = promisedBy(this.#log.logTime(), this.#log.state.round?.entry.closes ?? null);
    const text = by === undefined ? undefined : this.#log.promise(hash, by);
    if (text !== undefined) promise.give(text);
    return text !== undefined;
  }

  /**
   * The receipt of a ballot that is in the log already, or the refusal. A refusal alone would frighten a voter who only
   * lost the answer.
   */
  async #receiptOr(named: Named, found: readonly Refusal[]): Promise<string> {
    const receipt = await this.#receiptOf(named);
    if (receipt === undefined) throw this.#refuse(found);
    return receipt;
  }

  /** As `#receiptOr`, where the log takes nothing in; one that is suspended can't be read either. */
  async #receiptOrStandstill(named: Named, still: PeerRefusal): Promise<string> {
    const receipt = this.#log.suspended ? undefined : await this.#receiptOf(named);
    if (receipt === undefined) throw still;
    return receipt;
  }

  /** Undefined for a ballot that is not in the log. */
  async #receiptOf({ tracker, bytes }: Named): Promise<string | undefined> {
    const seq = await this.#log.store.ballotSeq(tracker);
    const isCast =
      seq !== undefined && equalBytes(encodeSignedBallot(await this.#log.proofs.ballot(seq)), bytes);
    return isCast ? this.#log.proofs.receipt(seq) : undefined;
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

  #refuse(found: readonly Refusal[]): PeerRefusal {
    return ballotRefusal(found, this.#onEvent);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function isBusy(error: unknown): boolean {
  return error instanceof PeerRefusal && error.code === 'busy';
}

function orRefuse<T>(
  read: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Refusal },
  onEvent: EventListener,
): T {
  if (read.ok) return read.value;
  onEvent({ type: 'ballot-refused', code: read.error.code, reason: read.error.message });
  throw new PeerRefusal(read.error.code, read.error.message);
}
