import { toHex } from '../../base/bytes.ts';
import type { BallotChecks } from '../ballot-checks.ts';
import { type Exchange, type ObserverAddress, type PeerClient, isForeseen } from '../ports.ts';
import type { WitnessDesk } from '../witness-desk.ts';
import { MAX_EVIDENCE } from '../witness-limits.ts';

export interface GossipInit {
  readonly desk: WitnessDesk;
  /** Addresses, ending in peer ids, of observers that are asked in every round. */
  readonly named: readonly string[];
  /** Connects to a multiaddr that ends in a peer id. Fails as `dialPeer` does. */
  readonly dial: (address: string) => Promise<PeerClient>;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Told of a peer whose answer doesn't hold. */
  readonly onBadPeer: (peer: string, reason: string) => void;
  readonly onDefect: (error: unknown) => void;
}

/** Observers asked in one round: with each asking some, all hear of a fork within a few. */
const ASKED_PER_ROUND = 4;
/** How long a round waits for those it asked, in ms. Who is slower, or stalls, keeps nobody from asking the others. */
const PATIENCE_MS = 10_000;

/** Compares notes with peers: never more than one question to each at a time, over connections that are kept while they answer. */
export class Gossip {
  readonly #init: GossipInit;
  readonly #clients = new Map<string, PeerClient>();
  /** Who has not answered yet, or is being dialled. */
  readonly #asked = new Map<string | PeerClient, Promise<void>>();
  /** Who is asked one last time. */
  readonly #parting = new Set<PeerClient>();
  /** Who is asked next: all have their turn. */
  #turn = 0;
  #closed = false;

  constructor(init: GossipInit) {
    this.#init = init;
  }

  /** Tells one peer, and takes its answer to heart. Resolves after that, or when it took too long. Never rejects. */
  async tell(client: PeerClient, given: Exchange): Promise<void> {
    await this.#patiently(this.#once(client, () => this.#exchange(client, given)));
  }

  /** Tells a peer one last time, and hangs up when it has answered, or does not: nobody need wait for that. Never rejects. */
  async part(client: PeerClient, given: Exchange): Promise<void> {
    this.#parting.add(client);
    await this.#asked.get(client);
    await this.#once(client, () => this.#exchange(client, given));
    if (this.#parting.delete(client)) await client.close();
  }

  /** Passes on what voters' programs found, in sums. As `tell`. */
  async passOn(client: PeerClient, checks: BallotChecks): Promise<void> {
    await this.#patiently(this.#once(client, () => this.#report(client, checks)));
  }

  /** Tells everybody who was named and some of the `others`, as `tell` does. */
  async round(given: Exchange, others: readonly ObserverAddress[]): Promise<void> {
    const known = new Map([
      ...this.#init.named.map((address) => [address, [address]] as const),
      ...others.map(({ key, addresses }) => [toHex(key), addresses] as const),
    ]);
    await this.#dropAllBut(known);
    const turns = Array.from(
      { length: Math.min(ASKED_PER_ROUND, others.length) },
      () => others[this.#turn++ % others.length] as ObserverAddress,
    );
    const asked = new Set([...this.#init.named, ...turns.map(({ key }) => toHex(key))]);
    const tell = (id: string) =>
      this.#once(id, () => this.#tellAt(id, known.get(id) as readonly string[], given));
    await this.#patiently(Promise.all([...asked].map(tell)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    const parting = [...this.#parting];
    this.#parting.clear();
    await Promise.all([...parting.map((client) => client.close()), this.#dropAllBut(new Map())]);
  }

  async #once(who: string | PeerClient, ask: () => Promise<unknown>): Promise<void> {
    if (this.#asked.has(who)) return;
    const asked = ask().then(
      () => undefined,
      (error: unknown) => {
        this.#init.onDefect(error);
      },
    );
    this.#asked.set(who, asked);
    await asked;
    this.#asked.delete(who);
  }

  async #patiently(answer: Promise<unknown>): Promise<void> {
    const answered = new AbortController();
    const tooLong = this.#init.pause(PATIENCE_MS, answered.signal);
    await Promise.race([answer, tooLong]);
    answered.abort();
  }

  /** Whether the peer answered. */
  async #exchange(client: PeerClient, given: Exchange): Promise<boolean> {
    let answer;
    try {
      answer = await client.exchange({ ...given, evidence: given.evidence.slice(0, MAX_EVIDENCE) });
    } catch (error) {
      // It is asked again in its turn; what it has to say is missed until then.
      if (isForeseen(error)) return false;
      throw error;
    }
    const problem = await this.#init.desk.heed(given.checkpoint, answer);
    if (problem !== undefined) this.#init.onBadPeer(client.name, problem);
    return true;
  }

  async #report(client: PeerClient, checks: BallotChecks): Promise<void> {
    try {
      for (const report of checks.toPassOn()) {
        await client.reportChecks(report);
        checks.notePassedOn(report);
      }
    } catch (error) {
      // What it did not take stays to be passed on.
      if (!isForeseen(error)) throw error;
    }
  }

  /** `id` is what the connection is kept under. */
  async #tellAt(id: string, addresses: readonly string[], given: Exchange): Promise<void> {
    const client = this.#clients.get(id) ?? (await this.#reach(addresses));
    if (client === undefined) return;
    if (!this.#closed) {
      this.#clients.set(id, client);
      if (await this.#exchange(client, given)) return;
      this.#clients.delete(id);
    }
    await client.close();
  }

  async #reach(addresses: readonly string[]): Promise<PeerClient | undefined> {
    for (const address of addresses) {
      try {
        return await this.#init.dial(address);
      } catch (error) {
        // Another of its addresses may do; else it is tried again in its turn.
        if (!isForeseen(error)) throw error;
      }
    }
    return undefined;
  }

  /** Hangs up on those who are forgotten. */
  async #dropAllBut(known: ReadonlyMap<string, unknown>): Promise<void> {
    const forgotten = [...this.#clients].filter(([id]) => !known.has(id));
    for (const [id] of forgotten) this.#clients.delete(id);
    await Promise.all(forgotten.map(([, client]) => client.close()));
  }
}
