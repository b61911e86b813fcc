import { setMaxListeners } from 'node:events';
import { deadlineAfter } from '../deadline.ts';
import { startClientHost } from '../host.ts';
import { LOOKUP_ENTRY_POINTS, LOOKUP_MS, LOOKUP_PEER_MS } from '../limits.ts';
import { askOver } from './ask.ts';
import { entryPointsAt } from './entry-points.ts';
import { search } from './search.ts';

export interface FindOptions {
  readonly signal: AbortSignal;
  /** For the whole search; LOOKUP_MS if not given. */
  readonly timeoutMs?: number;
}

/**
 * Asks those at `entryPoints` (multiaddrs that end in peer ids) and those whom they know who serves an election. Yields multiaddrs that end
 * in peer ids, each peer's together, as they are heard of: anybody can say to serve it, and at most LOOKUP_PROVIDERS are heard. Throws as
 * `parsePeerAddress` for an entry point that is no address.
 */
export async function* findObservers(
  electionId: string,
  entryPoints: readonly string[],
  { signal, timeoutMs = LOOKUP_MS }: FindOptions,
): AsyncGenerator<readonly string[]> {
  const peers = entryPointsAt(entryPoints, entryPoints, LOOKUP_ENTRY_POINTS);
  if (peers.length === 0 || signal.aborted) return;
  const ended = new AbortController();
  const { signal: limit, clear } = deadlineAfter(timeoutMs, 'the search is over', signal, ended.signal);
  setMaxListeners(0, limit, ended.signal);
  const host = await startClientHost(LOOKUP_PEER_MS);
  try {
    const question = { electionId };
    const near = peers.flatMap(({ addresses }) => addresses);
    for await (const { peerId, addresses } of search(
      question,
      peers,
      askOver(host, question, near, limit),
      limit,
    ))
      yield addresses.map((address) => `${address}/p2p/${peerId}`);
  } finally {
    // The consumer may have heard enough.
    ended.abort();
    clear();
    await host.stop();
  }
}
