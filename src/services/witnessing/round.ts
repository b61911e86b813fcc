import type { CosignedCheckpoint } from '../../log/cosignature.ts';
import type { ProvenPrefix } from '../../log/evidence.ts';
import { type ExchangeAnswer, type PeerClient, isForeseen } from '../ports.ts';
import type { KnownElection } from '../voter-session.ts';
import { MAX_EVIDENCE } from '../witness-limits.ts';
import { type CheckpointChain, type ShownPrefix, openHeard } from './chain.ts';
import { type Companion, Companions, companionTold } from './companions.ts';
import { type Patience, untilAborted, withDeadline } from './deadline.ts';

export interface RoundInit {
  /** The peer that was met, and the election as it showed it. */
  readonly peer: PeerClient;
  readonly election: KnownElection;
  /** What all answers are compared with, and become part of. */
  readonly chain: CheckpointChain;
  /** Observers to ask, the most important first; those that peers tell of follow. */
  readonly observers: readonly Companion[];
  /** Connects to a multiaddr that ends in a peer id. Fails as `dialPeer` does. */
  readonly dial: (address: string, signal: AbortSignal) => Promise<PeerClient>;
  /** Peer ids of those who are not asked. */
  readonly except: ReadonlySet<string>;
  /** Whether an address that a peer told of is one to dial. */
  readonly mayDial: (address: string) => boolean;
  readonly patience: Patience;
  /** Told of a peer whose word was worth nothing. */
  readonly onBadPeer: (client: PeerClient, reason: string) => void;
}

/** For one proof from an observer, in ms: one that stalls is not asked again. */
const PROOF_MS = 2_000;
/** Peers asked for one proof. */
const MAX_PROVERS = 4;

/** One stretch of comparing notes: the peer and observers are told of the largest checkpoint, and their answers weighed. */
export class NotesRound {
  readonly #init: RoundInit;
  readonly #companions: Companions;
  readonly #stalled = new Set<PeerClient>();
  readonly #answering = new Set<PeerClient>();
  readonly signal: AbortSignal;

  /** For `ms` at most; connections end with it. Resolves to where observers were reached, and to the peer ids of those who were not. */
  static async during(
    ms: number,
    init: RoundInit,
    work: (round: NotesRound) => Promise<void>,
  ): Promise<Pick<Companions, 'reached' | 'missed'>> {
    return withDeadline(ms, init.patience, async (signal) => {
      const round = new NotesRound(init, signal);
      try {
        await work(round);
        const { reached, missed } = round.#companions;
        return { reached, missed };
      } finally {
        await round.#companions.close();
      }
    });
  }

  private constructor(init: RoundInit, signal: AbortSignal) {
    this.#init = init;
    this.signal = signal;
    this.#companions = new Companions({ ...init, signal });
  }

  /** Whoever answered when it was told last. */
  get answering(): readonly PeerClient[] {
    return [...this.#answering];
  }

  /** Tells the peer, and all observers but those already connected to that are to be left in peace. */
  async askAll(isDone: (observer: Uint8Array) => boolean = () => false): Promise<void> {
    const again = this.#companions.clients.filter(({ peerKey }) => !isDone(peerKey));
    for (const observer of this.#init.observers)
      this.#companions.ask(observer, (client) => this.#tell(client));
    await Promise.all([this.#tell(this.#init.peer), ...again.map((client) => this.#tell(client))]);
    await this.#companions.settled();
  }

  /** As `CheckpointChain.link`, by proofs of whoever can be asked. */
  async link(one: CosignedCheckpoint, source: PeerClient, shown?: ShownPrefix): Promise<boolean> {
    const { chain } = this.#init;
    return chain.link(one, source, (preferred, first, second) => this.#ask(preferred, first, second), shown);
  }

  async #tell(client: PeerClient): Promise<void> {
    const { chain, mayDial } = this.#init;
    const given = chain.top;
    const evidence = chain.forks.map((fork) => fork.evidence).slice(0, MAX_EVIDENCE);
    try {
      const exchange = { checkpoint: given.text, observer: null, evidence };
      const answer = await untilAborted(client.exchange(exchange), this.signal);
      this.#answering.add(client);
      for (const observer of answer.observers)
        this.#companions.ask(companionTold(observer, mayDial), (next) => this.#tell(next));
      await this.#heed(client, given, answer);
    } catch (error) {
      // Whoever doesn't answer is missed; what the others say holds without it.
      if (!isForeseen(error)) throw error;
      this.#answering.delete(client);
    }
  }

  async #heed(client: PeerClient, given: CosignedCheckpoint, answer: ExchangeAnswer): Promise<void> {
    const { chain, election, onBadPeer } = this.#init;
    for (const text of answer.evidence) chain.takeEvidence(text);
    const newest = openHeard(election, answer.checkpoint);
    if (!newest.ok) {
      onBadPeer(client, `its checkpoint is not good: ${newest.error}`);
      return;
    }
    const shown = answer.prefix === null ? undefined : { given, prefix: answer.prefix };
    const linked = await this.link(newest.value, client, shown);
    if (!linked && shown !== undefined && chain.forks.length === 0)
      onBadPeer(client, 'it can not prove how its log goes on');
    for (const text of answer.cosigned) {
      const cosigned = openHeard(election, text);
      if (cosigned.ok) await this.link(cosigned.value, client);
      else onBadPeer(client, `a checkpoint that it passes on is not good: ${cosigned.error}`);
    }
  }

  /** Asks one peer after another, as far as they answer: any proof will do, whoever gives it. */
  async *#ask(preferred: PeerClient, first: number, second: number): AsyncIterable<ProvenPrefix> {
    const all = new Set([preferred, this.#init.peer, ...this.#companions.clients]);
    const provers = [...all].filter((client) => !this.#stalled.has(client)).slice(0, MAX_PROVERS);
    for (const client of provers) {
      const prefix = await this.#askOne(client, first, second);
      if (prefix !== undefined) yield prefix;
    }
  }

  async #askOne(client: PeerClient, first: number, second: number): Promise<ProvenPrefix | undefined> {
    const patience = { pause: this.#init.patience.pause, signal: this.signal };
    try {
      return await withDeadline(PROOF_MS, patience, (signal) =>
        untilAborted(client.consistency(first, second), signal),
      );
    } catch (error) {
      // One whose log is too short says so at once; one that says nothing would keep all others waiting.
      if (!isForeseen(error)) throw error;
      if (error.code !== 'not-found') this.#stalled.add(client);
      return undefined;
    }
  }
}
