import { equalBytes, toHex } from '../base/bytes.ts';
import { peerIdText } from '../crypto/peer-id.ts';
import type { CosignedCheckpoint } from '../log/cosignature.ts';
import { formatEvidence } from '../log/evidence.ts';
import type { Receipt } from '../log/receipt.ts';
import {
  type KeptReceipt,
  NOTHING_REMEMBERED,
  type ObserverAddress,
  type PeerClient,
  type Remembered,
  type VoterMemory,
  isForeseen,
} from './ports.ts';
import { LogConflict, type ReceiptVerdict, examineReceipt, roundOf, subjectOf } from './receipt-check.ts';
import {
  type KnownElection,
  badAnswer,
  ballotInReceipt,
  entryInReceipt,
  openReceipt,
} from './voter-session.ts';
import { type Challenged, challenge, proofsOf } from './witnessing/challenge.ts';
import { CheckpointChain, type ObserverWord, openHeard } from './witnessing/chain.ts';
import { companionAt, companionTold, isCompanion } from './witnessing/companions.ts';
import type { BadPeer, EarlierReceipt, ReceiptSubject, Visit, VoterAlarm } from './witnessing/findings.ts';
import { goodReceipt, isForSameEntry, isOpenQuestion } from './witnessing/kept.ts';
import { type Patience, untilAborted, withDeadline } from './witnessing/deadline.ts';
import { together } from './witnessing/remembered.ts';
import { type BallotCheck, reportChecks } from './witnessing/reports.ts';
import { NotesRound } from './witnessing/round.ts';

export interface VoterWitnessInit {
  /** The peer that was met, and the election as it showed it. */
  readonly peer: PeerClient;
  readonly election: KnownElection;
  readonly memory: VoterMemory;
  /** Observers' multiaddrs, each ending in a peer id: where the voter named any, these alone are counted. */
  readonly named: readonly string[];
  /** Those in the invite. */
  readonly invited: readonly string[];
  /** Connects to such a multiaddr under a key that nobody knows. Fails as `dialPeer` does. */
  readonly dial: (address: string, signal: AbortSignal) => Promise<PeerClient>;
  /** Connects to the peer that was met once more, likewise. */
  readonly dialAgain: (signal: AbortSignal) => Promise<PeerClient>;
  /** Whether an address that a peer told of is one to dial. */
  readonly mayDial: (address: string) => boolean;
  readonly patience: Patience;
}

/** For comparing notes before a vote, in ms: a dead observer must not keep anybody from voting. */
const VISIT_MS = 5_000;
/** For passing on that the authority signed two histories, in ms. */
const SPREAD_MS = 5_000;
/** For observers to cosign what was just cast, in ms: most do within a second or two, all that follow within six. */
const CONFIRM_MS = 3_000;
const CONFIRM_REQUIRED_MS = 8_000;
/** Between two questions whether they have. */
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 1_000;
/** Questions after the last observer that can be reached has answered: the peer may hear of others. */
const IDLE_ROUNDS = 4;
/** For the authority to prove what observers could not, in ms. */
const CHALLENGE_MS = 5_000;
/** Observers asked because they answered at an earlier visit: the others that may be asked are heard of now. */
const MAX_FROM_MEMORY = 4;
/** Observers tried with a report before the peer itself. */
const MAX_REPORTED_TO = 2;

/**
 * A voter's program as a witness: compares what it is shown with what it saw before and with what observers saw, looks for ballots
 * that were cast from here, and finds out who confirms a new one. Nobody needs to be trusted for that but one honest observer.
 */
export class VoterWitness {
  readonly #init: VoterWitnessInit;
  readonly #alarms: VoterAlarm[] = [];
  readonly #badPeers = new Map<string, BadPeer>();
  readonly #reached = new Map<string, ObserverAddress>();
  /** Peer ids of observers that were not there, by anybody's word but the voter's: nobody waits for them twice. */
  readonly #missed = new Set<string>();
  #chain: CheckpointChain;
  #before: Remembered = NOTHING_REMEMBERED;

  constructor(init: VoterWitnessInit) {
    this.#init = init;
    this.#chain = new CheckpointChain(init.election, this.#shown(), init.peer);
  }

  /** All alarms so far; those of forks last. */
  get alarms(): readonly VoterAlarm[] {
    return [...this.#alarms, ...this.#chain.forks.map((fork) => ({ type: 'fork', ...fork }) as const)];
  }

  /** Observers that answered so far. */
  get observersReached(): number {
    return this.#reached.size;
  }

  get badPeers(): readonly BadPeer[] {
    return [...this.#badPeers.values()];
  }

  /**
   * What every visit begins with: the log must go on from what was seen before, earlier ballots must be in it, and others must have seen
   * the same. The receipt `except`, which is looked at by itself, is not among the earlier ones. Throws `bad-answer` where the peer can't
   * prove the first, and what asking it throws.
   */
  async visit(except?: string): Promise<Visit> {
    this.#before = await this.#init.memory.recall();
    const behind = await this.#compareWithKept();
    const [looked] = await Promise.all([this.#lookForKept(except), this.#compareNotes()]);
    await this.#challengeAuthority();
    await this.#spread();
    await this.#report(looked.flatMap(({ check }) => (check === undefined ? [] : [check])));
    await this.#remember(looked.map(({ kept }) => kept));
    return { earlier: looked.map(({ earlier }) => earlier), behind };
  }

  /** Remembers a new receipt, before anything else can fail. */
  async keep(receipt: Receipt, round: number | null): Promise<void> {
    await this.#remember([{ text: receipt.text, round, found: null }]);
  }

  /**
   * The observers that cosigned a checkpoint of the log that a receipt's ballot is in, as far as they count: waits a few seconds for
   * those that can be reached, and longer until there are as many as `required`.
   */
  async confirm(receipt: Receipt, required: number): Promise<readonly ObserverWord[]> {
    const opened = openHeard(this.#init.election, receipt.checkpoint.text);
    if (!opened.ok) throw new Error(`a receipt that was checked is not good: ${opened.error}`);
    const ms = required > 0 ? CONFIRM_REQUIRED_MS : CONFIRM_MS;
    await this.#round(ms, async (round) => {
      let idle = 0;
      for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
        await round.link(opened.value, this.#init.peer);
        await round.askAll((observer) => this.#wordsOn(opened.value).some(isBy(observer)));
        const words = this.#wordsOn(opened.value);
        if (required > 0 && words.length >= required) return;
        if (!this.#awaitsMore(round, words) && (required === 0 || ++idle > IDLE_ROUNDS)) return;
        await this.#init.patience.pause(pause, round.signal);
        if (round.signal.aborted) return;
      }
    });
    await this.#challengeAuthority();
    await this.#spread();
    await this.#remember([]);
    return this.#wordsOn(opened.value);
  }

  /** As `verifyReceipt`; what it comes to is remembered, told and raised as with a receipt that was kept. */
  async verify(text: string): Promise<ReceiptVerdict> {
    const { election } = this.#init;
    const kept = this.#before.receipts.find((one) => isForSameEntry(one.text, text));
    try {
      const { verdict, known } = await this.#find(text, kept ?? { text, round: null, found: null });
      if ((kept?.found ?? null) === null) await this.#reportOne(text, true);
      if (kept !== undefined) await this.#remember([known]);
      return verdict;
    } catch (error) {
      if (!(error instanceof LogConflict)) throw error;
      this.#raise(error, subjectOf(openReceipt(text, election)));
      await this.#spread();
      await this.#reportOne(text, false);
      throw error;
    }
  }

  async #reportOne(text: string, found: boolean): Promise<void> {
    const { peer, election } = this.#init;
    const receipt = openReceipt(text, election);
    if (entryInReceipt(receipt).kind !== 'ballot') return;
    try {
      const { round } = await roundOf(ballotInReceipt(receipt).ballot, peer, election);
      await this.#report([{ round, found }]);
    } catch (error) {
      // A peer that does not show the round would not count the ballot either.
      if (!isForeseen(error)) throw error;
    }
  }

  async #report(checks: readonly BallotCheck[]): Promise<void> {
    const { dial, dialAgain, patience } = this.#init;
    const observers = [...this.#reached.values()].flatMap(({ addresses }) => addresses);
    const ways = observers
      .slice(0, MAX_REPORTED_TO)
      .map((address) => (signal: AbortSignal) => dial(address, signal));
    await reportChecks(checks, [...ways, dialAgain], patience);
  }

  /** The peer's newest checkpoint as it came with the election, which was checked then. */
  #shown(): CosignedCheckpoint {
    const { election } = this.#init;
    const opened = openHeard(election, election.checkpoint.text);
    if (!opened.ok) throw new Error(`a checkpoint that was checked is not good: ${opened.error}`);
    return opened.value;
  }

  async #compareWithKept(): Promise<Visit['behind']> {
    const { election, peer } = this.#init;
    const kept = this.#before.checkpoint === null ? undefined : openHeard(election, this.#before.checkpoint);
    // What the disk made of it is no fault of the peer's.
    if (kept?.ok !== true) return null;
    this.#chain = new CheckpointChain(election, kept.value, peer);
    const linked = await this.#chain.link(this.#shown(), peer, proofsOf(peer));
    if (linked || this.#chain.forks.length > 0) return null;
    // Another program may have seen a larger one after this one met the peer, so that it is asked again.
    const outcome = await challenge(peer, election, this.#chain, kept.value);
    if (election.servedBy === 'authority') this.#judge(kept.value, outcome);
    else if (outcome.kind === 'shorter') return { shown: outcome.shown, kept: kept.value.size };
    else if (outcome.kind === 'unproven')
      throw badAnswer('it can not prove that its log goes on from what was seen before');
    return null;
  }

  /**
   * The authority has all that it signed: its log must go on from whatever anybody saw, and it must prove that where observers don't.
   */
  async #challengeAuthority(): Promise<void> {
    const { election, peer, patience } = this.#init;
    if (election.servedBy === 'observer') return;
    const { top, loose } = this.#chain;
    const seen = top.size > election.checkpoint.size ? [top, ...loose] : loose;
    try {
      await withDeadline(CHALLENGE_MS, patience, async (signal) => {
        for (const one of seen)
          this.#judge(one, await untilAborted(challenge(peer, election, this.#chain, one), signal));
      });
    } catch (error) {
      // A peer that is gone, or answers nonsense, shows no log at all; whatever needs it fails for that.
      if (!isForeseen(error)) throw error;
    }
  }

  #judge({ size, bare }: CosignedCheckpoint, outcome: Challenged): void {
    const isAlarmed = this.#alarms.some(({ type }) => type === 'rolled-back' || type === 'unproven');
    if (outcome.kind === 'settled' || isAlarmed) return;
    this.#alarms.push(
      outcome.kind === 'shorter'
        ? { type: 'rolled-back', kept: size, shown: outcome.shown, checkpoint: bare }
        : { type: 'unproven', size, checkpoint: bare },
    );
  }

  async #lookForKept(except: string | undefined): Promise<Looked[]> {
    const asked = this.#before.receipts.filter(
      (kept) => isOpenQuestion(kept) && (except === undefined || !isForSameEntry(kept.text, except)),
    );
    const looked = await Promise.all(asked.map((kept) => this.#lookFor(kept)));
    return looked.filter((one) => one !== undefined);
  }

  /** Undefined for a receipt that is not good: what the disk made of it is no fault of the peer's. */
  async #lookFor(kept: KeptReceipt): Promise<Looked | undefined> {
    const receipt = goodReceipt(kept.text, this.#init.election);
    if (receipt === undefined) return undefined;
    const about = { subject: subjectOf(receipt), round: kept.round, index: receipt.index };
    const check = (found: boolean) => (kept.round === null ? {} : { check: { round: kept.round, found } });
    try {
      const { known } = await this.#find(kept.text, kept);
      const first = kept.found === null ? check(true) : {};
      return { kept: known, earlier: { ...about, found: 'found', reason: null }, ...first };
    } catch (error) {
      if (!isForeseen(error)) throw error;
      const reason = error.message;
      if (!(error instanceof LogConflict)) return { kept, earlier: { ...about, found: 'unknown', reason } };
      this.#raise(error, about.subject);
      return { kept, earlier: { ...about, found: 'missing', reason }, ...check(false) };
    }
  }

  /** As `verifyReceipt`; the log in which it was found must be the one that is compared with others'. */
  async #find(text: string, kept: KeptReceipt): Promise<{ verdict: ReceiptVerdict; known: KeptReceipt }> {
    const { peer, election } = this.#init;
    const { verdict, shown } = await examineReceipt(peer, text, election);
    const opened = openHeard(election, shown.text);
    const linked = opened.ok && (await this.#chain.link(opened.value, peer, proofsOf(peer)));
    return { verdict, known: linked ? { ...kept, found: verdict.currentSize } : kept };
  }

  #raise({ evidence, message }: LogConflict, subject: ReceiptSubject): void {
    const text = formatEvidence(evidence);
    if (evidence.kind === 'fork') this.#chain.takeEvidence(text);
    else this.#alarms.push({ type: 'omission', ...subject, reason: message, evidence: text });
  }

  #compareNotes(): Promise<void> {
    return this.#round(VISIT_MS, (round) => round.askAll());
  }

  /** Passes forks on to whoever can be reached. */
  async #spread(): Promise<void> {
    if (this.#chain.forks.length > 0) await this.#round(SPREAD_MS, (round) => round.askAll());
  }

  async #round(ms: number, work: (round: NotesRound) => Promise<void>): Promise<void> {
    const { peer, election, named, invited, mayDial } = this.#init;
    const remembered = this.#before.observers
      .slice(0, MAX_FROM_MEMORY)
      .map((observer) => companionTold(observer, mayDial));
    const { reached, missed } = await NotesRound.during(
      ms,
      {
        ...this.#init,
        chain: this.#chain,
        except: new Set([...this.#missed, ...[peer.peerKey, election.genesis.authority].map(peerIdText)]),
        observers: [...[...named, ...invited].map(companionAt), ...remembered],
        onBadPeer: ({ name }, reason) => this.#badPeers.set(name, { peer: name, reason }),
      },
      work,
    );
    for (const observer of reached) this.#reached.set(toHex(observer.key), observer);
    const insistedOn = named.map((address) => companionAt(address).peerId);
    for (const peerId of missed) if (!insistedOn.includes(peerId)) this.#missed.add(peerId);
  }

  /** What observers that count cosigned, as far as it covers a checkpoint that is proven to be of the same history. */
  #wordsOn(checkpoint: CosignedCheckpoint): ObserverWord[] {
    if (!this.#chain.has(checkpoint)) return [];
    return this.#chain.words.filter(
      ({ observer, size }) => size >= checkpoint.size && this.#counts(observer),
    );
  }

  /** Whether somebody can be reached who may still give a word. */
  #awaitsMore({ answering }: NotesRound, words: readonly ObserverWord[]): boolean {
    const { authority } = this.#init.election.genesis;
    return answering.some(
      ({ peerKey }) => !equalBytes(peerKey, authority) && this.#counts(peerKey) && !words.some(isBy(peerKey)),
    );
  }

  #counts(observer: Uint8Array): boolean {
    const named = this.#init.named.map(companionAt);
    return named.length === 0 || named.some((companion) => isCompanion(companion, observer));
  }

  /** After an alarm what was seen before stays, so that the next visit finds out again. */
  async #remember(receipts: readonly KeptReceipt[]): Promise<void> {
    const checkpoint = this.alarms.length === 0 ? this.#chain.top.text : null;
    const news = { checkpoint, observers: [...this.#reached.values()], receipts };
    await this.#init.memory.change((before) => together(this.#withoutDamage(before), news));
  }

  /** What the disk made of a checkpoint must not stay as the largest one: nothing would be compared with what was seen ever after. */
  #withoutDamage(before: Remembered): Remembered {
    const isGood = before.checkpoint !== null && openHeard(this.#init.election, before.checkpoint).ok;
    return isGood ? before : { ...before, checkpoint: null };
  }
}

function isBy(key: Uint8Array): (word: ObserverWord) => boolean {
  return ({ observer }) => equalBytes(observer, key);
}

interface Looked {
  readonly kept: KeptReceipt;
  readonly earlier: EarlierReceipt;
  readonly check?: BallotCheck;
}
