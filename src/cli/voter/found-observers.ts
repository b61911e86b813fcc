import type { DialTarget, DialledTarget } from '../../net/index.ts';

/** For all that are heard of, in ms: who only reads does not want to wait for more. */
const FIND_MS = 5_000;

/**
 * Where an election can be read besides the places that its invite names: at observers that these know, and at those of `bootstrap`. Anybody
 * can say to be one, and what they show is checked like anybody's; none where nothing says which election it must be.
 */
export async function* foundObservers(
  target: DialTarget,
  bootstrap: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<DialledTarget> {
  const { electionId, peerId, addresses, observers } = target;
  if (electionId === undefined) return;
  const { findObservers, parseDialTarget } = await import('../../net/index.ts');
  // The organiser's addresses lead to relays, which can be asked as well.
  const entryPoints = [...observers, ...bootstrap, ...addresses];
  for await (const said of findObservers(electionId, entryPoints, { signal, timeoutMs: FIND_MS })) {
    const [first] = said.map(parseDialTarget);
    if (first?.peerId === undefined || first.peerId === peerId) continue;
    yield { peerId: first.peerId, addresses: said.flatMap((address) => parseDialTarget(address).addresses) };
  }
}
