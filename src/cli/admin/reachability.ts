import { PsephosError } from '../../base/errors.ts';
import { describeReachability, formatInvite, parseDialTarget } from '../../net/index.ts';
import type { ObserverAddress } from '../../services/ports.ts';

/** Addresses an invite holds at most of each sort, and observers: more would make its QR code hard to read. */
const PER_SORT = 3;
/** Of two relays, by IPv6 and IPv4. Each names the relay's key, and is three times as long as a direct one. */
const RELAYED = 4;

/**
 * The invite for voters: public addresses before those of the local network, loopback where there is neither, and last those through
 * relays; and of the observers some that can be dialled from as far, those that are known for longest, by one address each.
 */
export function inviteFor(
  election: { readonly peerId: string; readonly electionId: string },
  addresses: readonly string[],
  observers: readonly Pick<ObserverAddress, 'addresses'>[] = [],
): string {
  const { public: open, local, loopback, relayed } = describeReachability(addresses);
  const chosen = [...open.slice(0, PER_SORT), ...local.slice(0, PER_SORT)];
  // An invite names the peer once, so its addresses go without.
  const bare = [...(chosen.length > 0 ? chosen : loopback), ...relayed.slice(0, RELAYED)].flatMap(
    (address) => parseDialTarget(address).addresses,
  );
  const onThisMachine = chosen.length === 0;
  return formatInvite({
    ...election,
    addresses: bare,
    observers: observersFor(observers, election.peerId, onThisMachine),
  });
}

/** Those with a public address first; loopback addresses only where the organiser has no others either. */
function observersFor(
  observers: readonly Pick<ObserverAddress, 'addresses'>[],
  authority: string,
  onThisMachine: boolean,
): string[] {
  const best = observers.flatMap(({ addresses }) => {
    const reach = describeReachability(addresses.filter((address) => isObserver(address, authority)));
    const [open, relayed, local, loopback] = [
      reach.public[0],
      reach.relayed[0],
      reach.local[0],
      reach.loopback[0],
    ];
    if (open !== undefined) return [{ address: open, rank: 0 }];
    if (relayed !== undefined) return [{ address: relayed, rank: 1 }];
    if (local !== undefined) return [{ address: local, rank: 2 }];
    return loopback !== undefined && onThisMachine ? [{ address: loopback, rank: 3 }] : [];
  });
  return best
    .sort((a, b) => a.rank - b.rank)
    .slice(0, PER_SORT)
    .map(({ address }) => address);
}

/** An observer says itself where it is, so that it may be anything. */
function isObserver(address: string, authority: string): boolean {
  if (!address.startsWith('/')) return false;
  try {
    const { peerId } = parseDialTarget(address);
    return peerId !== undefined && peerId !== authority;
  } catch (error) {
    if (error instanceof PsephosError) return false;
    throw error;
  }
}

/** Who can reach the election at which address, and what to do where that isn't everybody; in an organiser's words. */
export function reachabilityText(addresses: readonly string[]): string {
  const reach = describeReachability(addresses);
  const lines: string[] = [];
  const group = (title: string, group: readonly string[]) => {
    if (group.length > 0) lines.push(title, ...group.map((address) => `  ${address}`));
  };
  group('Public: everybody can dial', reach.public);
  group('In the same network (Wi-Fi, hotspot, cable) only', reach.local);
  group('Through a relay: everybody who can dial the relay', reach.relayed);
  group('On this machine only', reach.loopback);
  const told = [...reach.public, ...reach.local, ...reach.relayed, ...reach.loopback];
  group(
    'Of no use to voters (reserved or link-local)',
    addresses.filter((address) => !told.includes(address)),
  );
  lines.push(...warnings(reach));
  return lines.join('\n');
}

function warnings(reach: ReturnType<typeof describeReachability>): string[] {
  if (reach.public.length === 0 && reach.relayed.length > 0)
    return ['No address of this computer is public: voters elsewhere come through the relay, while it runs.'];
  if (reach.public.length === 0) {
    const who =
      reach.local.length > 0
        ? 'Only people in the same network as this computer'
        : 'Only programs on this computer';
    const nat = reach.behindProviderNat
      ? [
          ' - Your provider shares one IPv4 address among customers, so port forwarding will not help: IPv6 is the way.',
        ]
      : [];
    return [
      `WARNING: no address here is public. ${who} can vote.`,
      'For voters elsewhere:',
      ' - Use a connection with IPv6: most phone hotspots have it. Switch it on in the router if it is off there.',
      ' - Or let the router forward the port to this computer (and open its firewall), and tell voters the public address.',
      ' - Or have somebody with a public address run a relay, and start this program with --relay and its address.',
      ' - Or run this program on a machine with a public address.',
      ...nat,
    ];
  }
  const hint = 'A firewall can still be in the way: try it once from a phone that is not in this network.';
  if (!reach.publicIp4)
    return [hint, 'Public by IPv6 only: voters whose network has no IPv6 can use a phone hotspot.'];
  return [hint];
}
