import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { reachOf } from '../addresses.ts';
import { deadlineAfter } from '../deadline.ts';
import { FORWARD_SECONDS, ROUTER_ANSWER_MS, ROUTER_RETRY_MS } from '../limits.ts';
import { type FoundRouter, findRouters } from './discover.ts';
import { CONFLICT, PERMANENT_ONLY, Router, RouterRefusal } from './router.ts';

export type ForwardingEvent =
  /** The router forwards a port of its public address: a multiaddr without peer id. */
  | { readonly type: 'port-forwarded'; readonly address: string }
  /** It does not, for a reason in words; it is asked again now and then. */
  | { readonly type: 'port-not-forwarded'; readonly reason: string };

/** Ports that may be tried where the wanted one is another computer's. */
const OTHER_PORTS = { from: 20_000, to: 60_000 };
const TRIES = 3;

export interface ForwardingInit {
  /** That this computer listens on, by IPv4; the router is asked for the same one. */
  readonly port: number;
  readonly onEvent: (event: ForwardingEvent) => void;
  /** Told of a failure that is not the router's; nothing is forwarded after it. */
  readonly onDefect: (error: unknown) => void;
}

interface Held {
  readonly router: Router;
  readonly from: number;
  readonly address: string;
}

/** Has the router forward a TCP port to this computer (UPnP), for as long as it runs. */
export class Forwarding {
  readonly #port: number;
  readonly #onEvent: (event: ForwardingEvent) => void;
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;
  #held: Held | undefined;
  #told = '';

  /** Begins at once. */
  constructor({ port, onEvent, onDefect }: ForwardingInit) {
    this.#port = port;
    this.#onEvent = onEvent;
    this.#done = this.#run().catch(onDefect);
  }

  /** What the router forwards from: a multiaddr without peer id. */
  get address(): string | undefined {
    return this.#held?.address;
  }

  /** The port of that. */
  get from(): number | undefined {
    return this.#held?.from;
  }

  /** Has the router forward nothing any more, if it answers. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the node is stopping'));
    await this.#done;
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return;
    const { signal, clear } = deadlineAfter(ROUTER_ANSWER_MS, 'the router does not answer');
    await held.router.release(held.from, signal).catch(() => {
      // It forgets it by itself after FORWARD_SECONDS.
    });
    clear();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let wait = ROUTER_RETRY_MS;
      try {
        this.#held = await this.#ask(signal);
        this.#tell({ type: 'port-forwarded', address: this.#held.address });
        wait = (FORWARD_SECONDS * 1000) / 2;
      } catch (error) {
        if (!(error instanceof RouterRefusal)) {
          if (error === signal.reason) return;
          throw error;
        }
        this.#held = undefined;
        this.#tell({ type: 'port-not-forwarded', reason: error.message });
      }
      await sleep(wait, undefined, { signal }).catch(() => undefined);
    }
  }

  /** The first router that does it; rejects with what the last one said. */
  async #ask(signal: AbortSignal): Promise<Held> {
    let refusal = new RouterRefusal(
      'no router in this network answers to UPnP: it may be switched off there',
    );
    for (const found of await findRouters(signal)) {
      try {
        return await this.#forwardAt(found, signal);
      } catch (error) {
        if (!(error instanceof RouterRefusal)) throw error;
        refusal = error;
      }
    }
    signal.throwIfAborted();
    throw refusal;
  }

  async #forwardAt({ description, own }: FoundRouter, signal: AbortSignal): Promise<Held> {
    const router = await Router.at(description, signal);
    const ip = await router.externalAddress(signal);
    if (!/^[0-9.]{7,15}$/.test(ip) || reachOf(`/ip4/${ip}/tcp/1`) !== 'public') {
      throw new RouterRefusal(
        `the router has no public address itself (${ip}): it is behind another one, of the provider or in the house`,
      );
    }
    const from = await this.#forward(router, own, signal);
    return { router, from, address: `/ip4/${ip}/tcp/${from}` };
  }

  async #forward(router: Router, to: string, signal: AbortSignal): Promise<number> {
    let from = this.#held?.from ?? this.#port;
    let seconds = FORWARD_SECONDS;
    for (let tries = 1; ; tries += 1) {
      try {
        await router.forward({ from, to, port: this.#port }, seconds, signal);
        return from;
      } catch (error) {
        if (!(error instanceof RouterRefusal) || tries === TRIES) throw error;
        if (error.code === PERMANENT_ONLY) seconds = 0;
        else if (error.code === CONFLICT) from = randomInt(OTHER_PORTS.from, OTHER_PORTS.to);
        else throw error;
      }
    }
  }

  #tell(event: ForwardingEvent): void {
    const text = JSON.stringify(event);
    if (text === this.#told) return;
    this.#told = text;
    this.#onEvent(event);
  }
}
