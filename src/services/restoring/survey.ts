import { equalBytes } from '../../base/bytes.ts';
import { PsephosError } from '../../base/errors.ts';
import { peerIdText } from '../../crypto/peer-id.ts';
import type { CosignedCheckpoint } from '../../log/cosignature.ts';
import { type ForkEvidence, judgeEvidence, parseEvidence } from '../../log/evidence.ts';
import type { KnownGenesis } from '../observing/known-genesis.ts';
import { type ExchangeAnswer, type ObserverAddress, type PeerClient, isForeseen } from '../ports.ts';
import { MAX_OBSERVERS } from '../witness-limits.ts';
import { forkBetween } from './fork.ts';
import type { HeldCheckpoints } from './held-checkpoints.ts';

export interface SurveyInit {
  readonly genesis: KnownGenesis;
  /** Where what is heard goes. */
  readonly held: HeldCheckpoints;
  /** The newest checkpoint of the log at hand, of which those who are asked are told; null for none. */
  readonly own: string | null;
  /** Connects to an observer by any of its addresses, which end in its peer id. Fails as `dialPeer` does. */
  readonly dial: (addresses: readonly string[]) => Promise<PeerClient>;
  /** Told of whoever doesn't answer, or whose answer doesn't hold. */
  readonly onProblem: (peer: string, reason: string) => void;
}

export interface Answered {
  readonly client: PeerClient;
  readonly addresses: readonly string[];
  /** Entries that its newest checkpoint covers. */
  readonly size: number;
}

/** Observers that are dialled at a time. */
const AT_ONCE = 8;

/** Asks who has a log, and the observers that they know of, which checkpoints its authority signed. */
export class Survey {
  readonly #init: SurveyInit;
  /** Peer ids of those who were asked or are to be. */
  readonly #known = new Set<string>();
  /** Addresses of observers that are to be asked. */
  #next: (readonly string[])[] = [];
  readonly #dialled: PeerClient[] = [];
  readonly #answered: Answered[] = [];
  #fork: ForkEvidence | undefined;

  constructor(init: SurveyInit) {
    this.#init = init;
  }

  /** Those whose answers hold. */
  get answered(): readonly Answered[] {
    return this.#answered;
  }

  /** Evidence that the authority signed two histories, where there is any. */
  get fork(): ForkEvidence | undefined {
    return this.#fork;
  }

  /** Takes evidence that somebody found; what proves no fork of this log is passed over. */
  takeEvidence(text: string): void {
    const evidence = parseEvidence(text);
    if (!evidence.ok || evidence.value.kind !== 'fork') return;
    const judged = judgeEvidence(evidence.value);
    if (judged.ok && judged.value.electionId === this.#init.genesis.electionId) this.#fork ??= evidence.value;
  }

  /** Asks a peer, which stays the caller's to close. */
  async ask(client: PeerClient, addresses: readonly string[]): Promise<void> {
    this.#known.add(peerIdText(client.peerKey));
    const { own, onProblem } = this.#init;
    try {
      const answer = await client.exchange({ checkpoint: own, observer: null, evidence: [] });
      const problem = this.#take(client, addresses, answer);
      if (problem !== undefined) onProblem(client.name, problem);
    } catch (error) {
      if (!isForeseen(error)) throw error;
      onProblem(client.name, error.message);
    }
  }

  /** Has an observer asked by `askObservers`; its addresses end in its peer id. */
  add(addresses: readonly string[]): void {
    const peerId = addresses[0]?.split('/').at(-1);
    if (peerId === undefined || this.#known.has(peerId) || this.#known.size >= MAX_OBSERVERS) return;
    this.#known.add(peerId);
    this.#next.push(addresses);
  }

  /** Dials and asks the observers that were added or heard of, and those that they know of. */
  async askObservers(): Promise<void> {
    while (this.#next.length > 0) {
      const some = this.#next.slice(0, AT_ONCE);
      this.#next = this.#next.slice(AT_ONCE);
      await Promise.all(
        some.map(async (addresses) => {
          const client = await this.#reach(addresses);
          if (client === undefined) return;
          this.#dialled.push(client);
          await this.ask(client, addresses);
        }),
      );
    }
  }

  /** Closes the connections that it made. */
  async close(): Promise<void> {
    await Promise.all(this.#dialled.map((client) => client.close()));
  }

  async #reach(addresses: readonly string[]): Promise<PeerClient | undefined> {
    try {
      return await this.#init.dial(addresses);
    } catch (error) {
      if (!(error instanceof PsephosError)) throw error;
      this.#init.onProblem(addresses[0] ?? '', error.message);
      return undefined;
    }
  }

  /** What is wrong with an answer. */
  #take(client: PeerClient, addresses: readonly string[], answer: ExchangeAnswer): string | undefined {
    const { genesis, held, own } = this.#init;
    for (const text of answer.evidence) this.takeEvidence(text);
    const newest = held.add(answer.checkpoint, client.name);
    if (!newest.ok) return `its checkpoint is not good: ${newest.error}`;
    if (own !== null && answer.prefix !== null) {
      const { prefix } = answer;
      this.#fork ??= forkBetween(genesis, { earlier: own, later: answer.checkpoint, prefix });
    }
    for (const text of answer.cosigned) {
      const cosigned = held.add(text, client.name);
      if (!cosigned.ok) return `a checkpoint that it passes on is not good: ${cosigned.error}`;
      this.#hearOf(cosigned.value, answer.observers);
    }
    this.#answered.push({ client, addresses, size: newest.value.size });
    return undefined;
  }

  /** Observers make themselves known by cosigning. */
  #hearOf(checkpoint: CosignedCheckpoint, observers: readonly ObserverAddress[]): void {
    for (const { observer: key } of checkpoint.cosignatures) {
      const found = observers.find((one) => equalBytes(one.key, key));
      const addresses = found?.addresses.filter((address) => address.endsWith(`/p2p/${peerIdText(key)}`));
      this.#init.held.alsoHeldBy(checkpoint, addresses?.[0] ?? peerIdText(key));
      if (addresses !== undefined) this.add(addresses);
    }
  }
}
