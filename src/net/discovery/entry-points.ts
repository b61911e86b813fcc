import { LOOKUP_ADDRESSES } from '../limits.ts';
import { parsePeerAddress } from '../multiaddrs.ts';
import type { SaidPeer } from './messages.ts';

/**
 * Who can be asked where others are: the peers at the end of `addresses`, and the relays that lead to those of `through`. At most `most`
 * peers, each once. Throws as `parsePeerAddress`; of an address that names no peer nobody can be asked.
 */
export function entryPointsAt(
  addresses: readonly string[],
  through: readonly string[],
  most: number,
): SaidPeer[] {
  const peers = new Map<string, string[]>();
  const add = (peerId: string | undefined, address: string): void => {
    if (peerId === undefined || (peers.size >= most && !peers.has(peerId))) return;
    const known = peers.get(peerId) ?? [];
    if (known.length < LOOKUP_ADDRESSES && !known.includes(address)) known.push(address);
    peers.set(peerId, known);
  };
  for (const text of addresses) {
    const { address, peerId } = parsePeerAddress(text);
    add(peerId, address);
  }
  for (const text of through) {
    const { relay } = parsePeerAddress(text);
    if (relay !== undefined) add(relay.peerId, relay.address);
  }
  return [...peers].map(([peerId, known]) => ({ peerId, addresses: known }));
}
