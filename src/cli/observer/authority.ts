import type { DialledPeer } from '../../net/index.ts';

type Connected = Pick<DialledPeer, 'peerId' | 'way' | 'hangUp'>;

/** The connections to the organiser, which are given up when the organiser says to be elsewhere: nothing else ends them for a while. */
export class Authority {
  readonly #peerId: string;
  readonly #clients = new Set<WeakRef<Connected>>();
  /** Where it said to be the last time. */
  #addresses: readonly string[] = [];

  constructor(peerId: string) {
    this.#peerId = peerId;
  }

  /** Takes note of a peer that was dialled. */
  note<Client extends Connected>(client: Client): Client {
    for (const reference of this.#clients)
      if (reference.deref() === undefined) this.#clients.delete(reference);
    if (client.peerId === this.#peerId) this.#clients.add(new WeakRef(client));
    return client;
  }

  /** Told where a peer says to be, over a connection by which it proved its key. */
  readonly isAt = (peerId: string, addresses: readonly string[]): void => {
    if (peerId !== this.#peerId) return;
    // It does not know of an address that its router forwards, or of a name: only one that it had can be gone.
    const gone = this.#addresses.filter((address) => !addresses.includes(address));
    this.#addresses = addresses;
    for (const reference of this.#clients) {
      const client = reference.deref();
      if (client === undefined) continue;
      if (gone.includes(client.way.address)) client.hangUp();
    }
  };
}
