import { unusable } from '../../base/errors.ts';
import { MAX_RELAYS } from '../limits.ts';
import { parseRelayAddress } from '../multiaddrs.ts';

/** A relay, and where it can be dialled: TCP multiaddrs without its peer id, at least one. */
export interface RelayTarget {
  readonly peerId: string;
  readonly addresses: readonly string[];
}

/**
 * Reads relays' addresses, each ending in `/p2p/` and its peer id; several of one peer are of one relay. Throws `bad-address`,
 * `bad-peer-id` and `too-many-relays` (usage).
 */
export function parseRelays(texts: readonly string[]): RelayTarget[] {
  const relays = new Map<string, Set<string>>();
  for (const text of texts) {
    const { address, peerId } = parseRelayAddress(text.trim());
    relays.set(peerId, (relays.get(peerId) ?? new Set()).add(address));
  }
  if (relays.size > MAX_RELAYS) {
    throw unusable('too-many-relays', `${relays.size} relays are named; at most ${MAX_RELAYS} are of use.`, {
      hint: 'Name two that different people run: one is enough while it works.',
    });
  }
  return [...relays].map(([peerId, addresses]) => ({ peerId, addresses: [...addresses] }));
}
