import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cleanUp } from '../../support/cleanup.ts';
import type { NetNode } from './net-node.ts';
import type { Arrival, Command, Endpoint, FromProbe } from './probe-messages.ts';

const PROGRAM = fileURLToPath(new URL('probe-child.js', import.meta.url));

/** Plain sockets on a computer of a topology, with which a test sees what a network does to packets. */
export class Probe {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (port: number) => void; reject: (error: Error) => void }>();
  /** Datagrams and connections that arrived so far. */
  readonly arrivals: Arrival[] = [];
  readonly #watchers = new Set<() => void>();
  #commands = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (message) => {
      this.#hear(message as FromProbe);
    });
    child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the probe ended'));
    });
  }

  static start(t: TestContext, node: NetNode): Probe {
    const [command, ...args] = node.under;
    const child = spawn(command, [...args, process.execPath, PROGRAM], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    cleanUp(t, async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    });
    return new Probe(child);
  }

  /** Opens a UDP socket of both families; resolves to its port. */
  openUdp(port = 0): Promise<number> {
    return this.#do({ do: 'open-udp', port });
  }

  /** Sends a datagram. It is where it goes to, or dropped, when this resolves: links here have no delay. */
  async sendUdp(port: number, to: Endpoint, text: string): Promise<void> {
    await this.#do({ do: 'send-udp', port, to, text });
  }

  /** Listens for connections on both families; resolves to the port. */
  listenTcp(port = 0): Promise<number> {
    return this.#do({ do: 'listen-tcp', port });
  }

  /** Connects, from a local port if one is given. Rejects with the system's reason. */
  connectTcp(to: Endpoint, port = 0): Promise<number> {
    return this.#do({ do: 'connect-tcp', port, to });
  }

  /** The first arrival with this text at this port, also one from before. */
  async arrival(port: number, text: string | RegExp = ''): Promise<Arrival> {
    const isIt = (found: string) => (typeof text === 'string' ? found === text : text.test(found));
    for (;;) {
      const found = this.arrivals.find((one) => one.port === port && isIt(one.text));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#watchers.add(resolve);
      });
    }
  }

  #do(command: Command): Promise<number> {
    const id = this.#commands++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, command });
    });
  }

  #hear(message: FromProbe): void {
    if ('arrival' in message) {
      this.arrivals.push(message.arrival);
      for (const watcher of [...this.#watchers]) watcher();
      this.#watchers.clear();
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('port' in message) waiting?.resolve(message.port);
    else waiting?.reject(new Error(message.failed));
  }
}
