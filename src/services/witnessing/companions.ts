import { peerIdText } from '../../crypto/peer-id.ts';
import { type ObserverAddress, type PeerClient, isForeseen } from '../ports.ts';

/** An observer that can be asked: where it may be, and whom it must be. */
export interface Companion {
  readonly peerId: string;
  /** Multiaddrs, each ending in the peer id. */
  readonly addresses: readonly string[];
}

export interface CompanionsInit {
  /** Connects to a multiaddr until the signal is aborted. Fails as `dialPeer` does. */
  readonly dial: (address: string, signal: AbortSignal) => Promise<PeerClient>;
  readonly signal: AbortSignal;
  /** Peer ids of those who are not asked. */
  readonly except: ReadonlySet<string>;
}

/** Observers asked at a time: an invite names as many at most, and each is a connection. */
export const MAX_COMPANIONS = 8;

/** Connections to observers, for as long as notes are compared with them. Whoever makes them closes them. */
export class Companions {
  readonly #init: CompanionsInit;
  readonly #asked = new Map<string, Promise<void>>();
  readonly #clients = new Map<string, { readonly client: PeerClient; readonly address: string }>();

  constructor(init: CompanionsInit) {
    this.#init = init;
  }

  /** Those that answered. */
  get clients(): readonly PeerClient[] {
    return [...this.#clients.values()].map(({ client }) => client);
  }

  /** Where those that answered were reached. */
  get reached(): readonly ObserverAddress[] {
    return [...this.#clients.values()].map(({ client, address }) => ({
      key: client.peerKey,
      addresses: [address],
    }));
  }

  /** Peer ids of those that could not be reached. */
  get missed(): readonly string[] {
    return [...this.#asked.keys()].filter((peerId) => !this.#clients.has(peerId));
  }

  /** Connects to an observer, unless that was tried or there are enough, and tells it by `tell`. */
  ask({ peerId, addresses }: Companion, tell: (client: PeerClient) => Promise<void>): void {
    if (this.#asked.has(peerId) || this.#asked.size >= MAX_COMPANIONS) return;
    if (this.#init.except.has(peerId)) return;
    this.#asked.set(peerId, this.#reach(peerId, addresses, tell));
  }

  /** Resolves when all that were asked have answered or failed, those that were asked meanwhile too. */
  async settled(): Promise<void> {
    for (let done = 0; done < this.#asked.size;) {
      const all = [...this.#asked.values()];
      await Promise.all(all);
      done = all.length;
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
  }

  async #reach(
    peerId: string,
    addresses: readonly string[],
    tell: (client: PeerClient) => Promise<void>,
  ): Promise<void> {
    // One after another: many voters are told of the same addresses, which may be those of somebody who never asked for it.
    for (const address of addresses) {
      const client = await this.#dial(address);
      if (client === undefined) continue;
      this.#clients.set(peerId, { client, address });
      await tell(client);
      return;
    }
  }

  async #dial(address: string): Promise<PeerClient | undefined> {
    try {
      return await this.#init.dial(address, this.#init.signal);
    } catch (error) {
      // An observer that is not there is missed; others are asked as well.
      if (isForeseen(error)) return undefined;
      throw error;
    }
  }
}

/** An observer that was named by its multiaddr. */
export function companionAt(address: string): Companion {
  return { peerId: address.slice(address.lastIndexOf('/') + 1), addresses: [address] };
}

/** An observer that a peer told of, at those of its addresses that end in its peer id and `mayDial` allows. */
export function companionTold(
  { key, addresses }: ObserverAddress,
  mayDial: (address: string) => boolean,
): Companion {
  const peerId = peerIdText(key);
  return {
    peerId,
    addresses: addresses.filter((address) => address.endsWith(`/p2p/${peerId}`) && mayDial(address)),
  };
}

/** Whether a companion is the observer with this key. */
export function isCompanion({ peerId }: Companion, key: Uint8Array): boolean {
  return peerId === peerIdText(key);
}
