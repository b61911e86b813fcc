import { once } from 'node:events';
import { type Server, type Socket, connect, createServer } from 'node:net';
import type { TestContext } from 'node:test';
import { cleanUp } from './cleanup.ts';

/**
 * A line to somebody on ::1 that a test can cut, silence, or switch: a TCP port that passes on what comes, each connection to the port
 * that `portOf` names for it. What is behind it need not know.
 */
export class Relay {
  readonly #server: Server;
  readonly #portOf: (connection: number) => number;
  readonly #sockets = new Set<Socket>();
  #connections = 0;
  #silent = false;

  /** Listens; ends with the test. `portOf` is given the number of each connection, from 0. */
  static async start(t: TestContext, portOf: (connection: number) => number): Promise<Relay> {
    const relay = new Relay(portOf);
    await new Promise<void>((resolve, reject) => {
      relay.#server.once('error', reject);
      relay.#server.listen(0, '::1', resolve);
    });
    cleanUp(t, () => relay.#close());
    return relay;
  }

  private constructor(portOf: (connection: number) => number) {
    this.#portOf = portOf;
    this.#server = createServer((socket) => {
      this.#join(socket);
    });
  }

  /** The multiaddr of what is behind it, by this way. */
  address(peerId: string): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the relay does not listen');
    return `/ip6/::1/tcp/${address.port}/p2p/${peerId}`;
  }

  /** How many connections there were. */
  get connections(): number {
    return this.#connections;
  }

  /** Resolves when there were more than so many connections. */
  async moreThan(connections: number): Promise<void> {
    while (this.#connections <= connections) await once(this.#server, 'connection');
  }

  /** Cuts every connection, as a router does that is switched off. New ones can be made. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Passes nothing on any more, on no connection, and hangs up on nobody. */
  silence(): void {
    this.#silent = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Ends the silence, for connections made from now on; those before are cut. */
  speak(): void {
    this.#silent = false;
    this.cut();
  }

  #join(from: Socket): void {
    const to = connect({ host: '::1', port: this.#portOf(this.#connections++) });
    for (const [socket, other] of [
      [from, to],
      [to, from],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('data', (data) => other.write(data));
      // Whatever ends one side ends the other.
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      if (this.#silent) socket.pause();
    }
  }

  async #close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
