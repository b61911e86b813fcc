import { BlockList } from 'node:net';
import { isGlobalUnicast, isLinkLocal, isLoopback, isPrivate } from '@libp2p/utils';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';

/**
 * From where an address can be dialled.
 * `shared` is an address that a provider's NAT shares out (RFC 6598): it looks public to the machine, and is not.
 */
export type Reach = 'loopback' | 'link-local' | 'local-network' | 'shared' | 'public' | 'name' | 'other';

const shared = new BlockList();
shared.addSubnet('100.64.0.0', 10, 'ipv4');
const localNetwork = new BlockList();
// RFC 1918 and RFC 4193.
localNetwork.addSubnet('10.0.0.0', 8, 'ipv4');
localNetwork.addSubnet('172.16.0.0', 12, 'ipv4');
localNetwork.addSubnet('192.168.0.0', 16, 'ipv4');
localNetwork.addSubnet('fc00::', 7, 'ipv6');

/** From where a multiaddr can be dialled, by its IP address alone. */
export function reachOf(address: string): Reach {
  const parsed = multiaddr(address);
  const host = parsed.getComponents()[0];
  if (host?.name !== 'ip4' && host?.name !== 'ip6')
    return host?.name.startsWith('dns') === true ? 'name' : 'other';
  const family = host.name === 'ip4' ? 'ipv4' : 'ipv6';
  const ip = host.value ?? '';
  if (isLoopback(parsed)) return 'loopback';
  if (isLinkLocal(parsed)) return 'link-local';
  if (shared.check(ip, family)) return 'shared';
  if (localNetwork.check(ip, family)) return 'local-network';
  // What is left of the library's list is reserved: documentation, benchmarks, multicast.
  if (isPrivate(parsed)) return 'other';
  return family === 'ipv4' || isPublicIp6(parsed) ? 'public' : 'other';
}

function isPublicIp6(address: Multiaddr): boolean {
  return isGlobalUnicast(address);
}

export interface Reachability {
  /** Dialable from anywhere, where no firewall is in the way. */
  readonly public: readonly string[];
  /** Dialable within the same network: private and shared addresses. */
  readonly local: readonly string[];
  /** Dialable from this machine alone. */
  readonly loopback: readonly string[];
  /** Whether a public address is IPv6, and whether one is IPv4: a voter may have only one of the two. */
  readonly publicIp6: boolean;
  readonly publicIp4: boolean;
  /** A provider's NAT stands between this machine and the internet, so IPv4 needs a relay or port forwarding there. */
  readonly behindProviderNat: boolean;
}

/** Sorts a node's addresses by who can dial them, for people to be told in words. */
export function describeReachability(addresses: readonly string[]): Reachability {
  const withReach = addresses.map((address) => ({ address, reach: reachOf(address) }));
  const of = (...reaches: readonly Reach[]): string[] =>
    withReach.filter(({ reach }) => reaches.includes(reach)).map(({ address }) => address);
  const open = of('public', 'name');
  return {
    public: open,
    local: of('local-network', 'shared'),
    loopback: of('loopback'),
    publicIp6: open.some((address) => address.startsWith('/ip6/')),
    publicIp4: open.some((address) => address.startsWith('/ip4/')),
    behindProviderNat: of('shared').length > 0,
  };
}
