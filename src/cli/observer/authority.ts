import type { DialledPeer } from '../../net/index.ts';

/** The connections to the organiser, which are given up when the organiser says to be elsewhere: nothing else ends them for a while. */
export class Authority {
  readonly #peerId: string;
  readonly #clients = new Set<WeakRef<DialledPeer>>();

  constructor(peerId: string) {
    this.#peerId = peerId;
  }

  /** Takes note of a peer that was dialled. */
  note(client: DialledPeer): DialledPeer {
    for (const reference of this.#clients)
      if (reference.deref() === undefined) this.#clients.delete(reference);
    if (client.peerId === this.#peerId) this.#clients.add(new WeakRef(client));
    return client;
  }

  /** Told where a peer says to be, over a connection by which it proved its key. */
  readonly isAt = (peerId: string, addresses: readonly string[]): void => {
    if (peerId !== this.#peerId) return;
    for (const reference of this.#clients) {
      const client = reference.deref();
      if (client === undefined) continue;
      if (client.way.path !== 'relayed' && !addresses.includes(client.way.address)) client.hangUp();
    }
  };
}
