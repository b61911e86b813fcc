import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Libp2p } from 'libp2p';
import { deadlineAfter } from '../deadline.ts';
import { type DialLimits, type Dialled, dialTarget } from '../dial.ts';
import type { PeerTarget } from '../invite.ts';
import { LOOKUP_AFTER_MS, LOOKUP_MS } from '../limits.ts';
import { askOver } from './ask.ts';
import type { SaidPeer } from './messages.ts';
import { search } from './search.ts';

/**
 * As `dialTarget`; where no known address leads to the peer within LOOKUP_AFTER_MS, `entryPoints` and those whom they know are asked
 * where it is now, and what they say is tried besides. A peer whose id is not known can't be asked for. Rejects as `dialTarget` does for the
 * known addresses.
 */
export async function dialOrFind(
  host: Libp2p,
  target: PeerTarget,
  limits: DialLimits,
  entryPoints: readonly SaidPeer[],
): Promise<Dialled> {
  const { peerId } = target;
  if (peerId === undefined || entryPoints.length === 0) return dialTarget(host, target, limits);
  const settled = new AbortController();
  const signal = AbortSignal.any([limits.signal, settled.signal]);
  // Several ways are tried at once, in several steps each.
  setMaxListeners(0, signal, settled.signal);
  const first = new FirstOnly(settled);
  const known = first.of(dialTarget(host, target, { ...limits, signal }));
  try {
    return await Promise.any([
      known,
      first.of(
        find(host, { peerId, addresses: target.addresses, known, entryPoints }, { ...limits, signal }, first),
      ),
    ]);
  } catch {
    limits.signal.throwIfAborted();
    // It says why of each known address.
    return await known;
  } finally {
    settled.abort();
  }
}

/** Of several connections, the first: those that come later are hung up. */
class FirstOnly {
  readonly #settled: AbortController;
  #winner: Dialled['connection'] | undefined;

  constructor(settled: AbortController) {
    this.#settled = settled;
  }

  async of(dialling: Promise<Dialled>): Promise<Dialled> {
    const dialled = await dialling;
    this.take(dialled);
    return dialled;
  }

  take({ connection }: Dialled): void {
    if (this.#winner === connection) return;
    if (this.#winner !== undefined) {
      const late = new Error('connected by another address');
      connection.abort(late);
      throw late;
    }
    this.#winner = connection;
    this.#settled.abort();
  }
}

interface Sought {
  readonly peerId: string;
  readonly addresses: readonly string[];
  readonly known: Promise<Dialled>;
  readonly entryPoints: readonly SaidPeer[];
}

/** Rejects where nobody knows an address that leads there. */
async function find(
  host: Libp2p,
  { peerId, addresses, known, entryPoints }: Sought,
  limits: DialLimits,
  first: FirstOnly,
): Promise<Dialled> {
  const { timeoutMs, signal } = limits;
  const head = new AbortController();
  await Promise.race([
    sleep(LOOKUP_AFTER_MS, undefined, { signal: AbortSignal.any([signal, head.signal]) }),
    // Connected or not, there is nothing more to wait for.
    known.then(
      () => undefined,
      () => undefined,
    ),
  ]).finally(() => {
    head.abort();
  });
  const { signal: limit, clear } = deadlineAfter(
    Math.min(timeoutMs, LOOKUP_MS),
    'the search is over',
    signal,
  );
  setMaxListeners(0, limit);
  const tries: Promise<Dialled>[] = [];
  try {
    for await (const said of search(
      { peer: peerId },
      entryPoints,
      askOver(host, { peer: peerId }, addresses, limit),
      limit,
    )) {
      const found = { peerId, addresses: said.addresses };
      const tried = first.of(dialTarget(host, found, limits));
      // It is waited for below.
      tried.catch(() => undefined);
      tries.push(tried);
    }
  } finally {
    clear();
  }
  return Promise.any(tries);
}
