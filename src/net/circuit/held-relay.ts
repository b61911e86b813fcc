import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@libp2p/interface';
import type { Libp2p } from 'libp2p';
import { PsephosError } from '../../base/errors.ts';
import { reachOf } from '../addresses.ts';
import { deadlineAfter } from '../deadline.ts';
import { dialTarget } from '../dial.ts';
import { reasonOf } from '../dial-failure.ts';
import { DIAL_TIMEOUT_MS, type RelayTiming } from '../limits.ts';
import { parsePeerAddress, parseTcpAddress } from '../multiaddrs.ts';
import { RelayFailure } from './failure.ts';
import type { RelayTarget } from './relay-target.ts';
import { reserve } from './reserve.ts';

export type RelayEvent =
  /** The peer can be reached through the relay at `addresses`, `again` after that was lost. */
  | {
      readonly type: 'relay-held';
      readonly relay: string;
      readonly addresses: readonly string[];
      readonly again: boolean;
    }
  /** It can't, for a reason in words; `before` says whether it could. It is tried again until it can. */
  | {
      readonly type: 'relay-lost';
      readonly relay: string;
      readonly reason: string;
      readonly before: boolean;
    };

export interface HeldRelayInit {
  readonly host: Libp2p;
  readonly target: RelayTarget;
  readonly timing: RelayTiming;
  readonly onEvent: (event: RelayEvent) => void;
}

/**
 * A reservation at a relay, looked after: it is renewed every few seconds, so that a relay that was restarted, forgot it or does
 * not answer any more is noticed, and taken anew until it is held again.
 */
export class HeldRelay {
  readonly #init: HeldRelayInit;
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;
  /** Resolves when it is known for the first time whether the relay can be had. */
  readonly settled: Promise<void>;
  #settle: () => void = () => undefined;
  #held = false;
  #connection: Connection | undefined;
  /** The addresses that were good the last time. */
  #addresses: readonly string[] = [];
  #told = '';

  /** Begins at once. */
  constructor(init: HeldRelayInit) {
    this.#init = init;
    this.settled = new Promise((resolve) => (this.#settle = resolve));
    this.#done = this.#run();
  }

  get peerId(): string {
    return this.#init.target.peerId;
  }

  /**
   * Multiaddrs through the relay, each ending in `/p2p-circuit`; none before it was held once. They stay when it is lost, since
   * they are good again when it is back.
   */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** Multiaddrs of the relay itself, ending in its peer id. */
  get dialable(): readonly string[] {
    const { addresses, peerId } = this.#init.target;
    return addresses.map((address) => `${address}/p2p/${peerId}`);
  }

  /** Takes the reservation over a new connection, since the old one is dead; what went through it is lost in any case. */
  renew(): void {
    this.#connection?.abort(new RelayFailure('this machine has other addresses now'));
  }

  /** Where the relay itself can be dialled, as far as is known. */
  get relay(): RelayTarget {
    const { peerId, addresses } = this.#init.target;
    const told = this.#addresses.flatMap((address) => parsePeerAddress(address).relay?.address ?? []);
    return { peerId, addresses: told.length > 0 ? told : addresses };
  }

  /** Gives the reservation up. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the node is stopping'));
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { retryFirstMs, retryLongestMs } = this.#init.timing;
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        await this.#hold(signal);
      } catch (error) {
        if (this.#held) failures = 0;
        this.#lost(error);
      }
      const wait = Math.min(retryFirstMs * 2 ** failures, retryLongestMs);
      // Spread, or all that a restarted relay served would come back in the same moment.
      await sleep(wait * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
    }
    this.#settle();
  }

  /** Takes the reservation and keeps it; rejects when it is lost. */
  async #hold(signal: AbortSignal): Promise<never> {
    const { host, target, timing } = this.#init;
    const { connection } = await dialTarget(host, target, { timeoutMs: DIAL_TIMEOUT_MS, signal });
    this.#connection = connection;
    try {
      for (;;) {
        const answered = deadlineAfter(timing.answerMs, 'no answer', signal);
        this.#renewed(await reserve(connection, answered.signal).finally(answered.clear));
        await openFor(connection, timing.checkMs, signal);
      }
    } finally {
      this.#connection = undefined;
      connection.abort(new Error('the relay is given up'));
    }
  }

  #renewed(told: readonly string[]): void {
    const { target, onEvent } = this.#init;
    const again = this.#addresses.length > 0;
    this.#addresses = [...target.addresses, ...otherFamily(target.addresses, told)].map(
      (address) => `${address}/p2p/${target.peerId}/p2p-circuit`,
    );
    if (this.#held) return;
    this.#held = true;
    this.#told = '';
    onEvent({ type: 'relay-held', relay: target.peerId, addresses: this.#addresses, again });
    this.#settle();
  }

  #lost(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const reason = wordsFor(error);
    const before = this.#held;
    this.#held = false;
    this.#settle();
    // It is tried again every few seconds: once is enough.
    if (reason === this.#told) return;
    this.#told = reason;
    this.#init.onEvent({ type: 'relay-lost', relay: this.peerId, reason, before });
  }
}

/** Resolves after so long; rejects when the connection is lost before, or the signal aborts. */
async function openFor(connection: Connection, ms: number, signal: AbortSignal): Promise<void> {
  const closed = new AbortController();
  const onClose = (): void => {
    closed.abort();
  };
  connection.addEventListener('close', onClose);
  try {
    if (connection.status !== 'open') onClose();
    await sleep(ms, undefined, { signal: AbortSignal.any([signal, closed.signal]) });
  } catch (error) {
    signal.throwIfAborted();
    throw closed.signal.aborted ? new RelayFailure('the connection to the relay was lost') : error;
  } finally {
    connection.removeEventListener('close', onClose);
  }
}

/**
 * An IPv4 address of a relay that is known by IPv6 alone, or the other way round, for voters who have only that: one as public as
 * a known one. It may be wrong, which costs whoever tries it time and no more.
 */
function otherFamily(known: readonly string[], told: readonly string[]): string[] {
  const familyOf = (address: string): string => /^\/(ip[46])\//.exec(address)?.[1] ?? 'name';
  const families = new Set(known.map(familyOf));
  if (families.size !== 1 || families.has('name')) return [];
  const reaches = new Set(known.map(reachOf));
  const found = told
    .flatMap((text) => {
      try {
        return [parseTcpAddress(text).address];
      } catch (error) {
        // Of another transport, for others.
        if (error instanceof PsephosError) return [];
        throw error;
      }
    })
    .find(
      (address) =>
        !families.has(familyOf(address)) && familyOf(address) !== 'name' && reaches.has(reachOf(address)),
    );
  return found === undefined ? [] : [found];
}

function wordsFor(error: unknown): string {
  return error instanceof PsephosError ? error.message : reasonOf(error);
}
