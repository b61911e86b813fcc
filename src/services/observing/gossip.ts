import { equalBytes, toHex } from '../../base/bytes.ts';
import { PsephosError } from '../../base/errors.ts';
import { type Exchange, type PeerClient, PeerRefusal } from '../ports.ts';
import type { WitnessDesk } from '../witness-desk.ts';
import { MAX_EVIDENCE } from '../witness-limits.ts';

export interface GossipInit {
  readonly desk: WitnessDesk;
  /** The key of whoever gossips, who does not dial itself. */
  readonly own: Uint8Array;
  /** Addresses, ending in peer ids, of observers that are asked in every round. */
  readonly named: readonly string[];
  /** Connects to a multiaddr that ends in a peer id. Fails as `dialPeer` does. */
  readonly dial: (address: string) => Promise<PeerClient>;
  /** Told of a peer whose answer doesn't hold. */
  readonly onBadPeer: (peer: string, reason: string) => void;
}

/** Observers asked in one round: with each asking some, all hear of a fork within a few. */
const ASKED_PER_ROUND = 4;

/** Compares notes with other observers, over connections that are kept while they answer. */
export class Gossip {
  readonly #init: GossipInit;
  readonly #clients = new Map<string, PeerClient>();
  /** Who is asked next: all have their turn. */
  #turn = 0;
  #closed = false;

  constructor(init: GossipInit) {
    this.#init = init;
  }

  /** Tells one peer, and takes its answer to heart. Whether it answered. */
  async tell(client: PeerClient, given: Exchange): Promise<boolean> {
    try {
      const answer = await client.exchange({ ...given, evidence: given.evidence.slice(0, MAX_EVIDENCE) });
      const problem = await this.#init.desk.heed(given.checkpoint, answer);
      if (problem !== undefined) this.#init.onBadPeer(client.name, problem);
      return true;
    } catch (error) {
      // A peer that doesn't answer is asked again in its turn; what it has to say is missed until then.
      if (error instanceof PsephosError || error instanceof PeerRefusal) return false;
      throw error;
    }
  }

  /** Tells some of the observers that are known. */
  async round(given: Exchange): Promise<void> {
    const others = this.#init.desk.observers
      .map(({ address }) => address)
      .filter(({ key }) => !equalBytes(key, this.#init.own));
    const count = Math.min(ASKED_PER_ROUND, others.length);
    const asked = Array.from({ length: count }, (_, i) => others[(this.#turn + i) % others.length]);
    this.#turn += count;
    await Promise.all([
      ...this.#init.named.map((address) => this.#tellAt(address, [address], given)),
      ...asked.flatMap((one) =>
        one === undefined ? [] : [this.#tellAt(toHex(one.key), one.addresses, given)],
      ),
    ]);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
    this.#clients.clear();
  }

  /** `id` is what the connection is kept under. */
  async #tellAt(id: string, addresses: readonly string[], given: Exchange): Promise<void> {
    const client = this.#clients.get(id) ?? (await this.#reach(addresses));
    if (client === undefined) return;
    if (this.#closed) {
      await client.close();
      return;
    }
    this.#clients.set(id, client);
    if (await this.tell(client, given)) return;
    this.#clients.delete(id);
    await client.close();
  }

  async #reach(addresses: readonly string[]): Promise<PeerClient | undefined> {
    for (const address of addresses) {
      try {
        return await this.#init.dial(address);
      } catch (error) {
        // Another of its addresses may do; else it is tried again in its turn.
        if (!(error instanceof PsephosError)) throw error;
      }
    }
    return undefined;
  }
}
