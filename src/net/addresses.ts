import { BlockList } from 'node:net';
import { isGlobalUnicast, isLinkLocal, isLoopback, isPrivate } from '@libp2p/utils';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { toHex } from '../base/bytes.ts';

/**
 * From where an address can be dialled.
 * `shared` is an address that a provider's NAT shares out (RFC 6598): it looks public to the machine, and is not.
 */
export type Reach =
  'loopback' | 'link-local' | 'local-network' | 'shared' | 'public' | 'name' | 'relayed' | 'other';

const shared = new BlockList();
shared.addSubnet('100.64.0.0', 10, 'ipv4');
const localNetwork = new BlockList();
// RFC 1918 and RFC 4193.
localNetwork.addSubnet('10.0.0.0', 8, 'ipv4');
localNetwork.addSubnet('172.16.0.0', 12, 'ipv4');
localNetwork.addSubnet('192.168.0.0', 16, 'ipv4');
localNetwork.addSubnet('fc00::', 7, 'ipv6');

// RFC 5771 and RFC 1112: multicast, and what is reserved with broadcast in it.
const nobodys = new BlockList();
nobodys.addSubnet('224.0.0.0', 3, 'ipv4');

/** From where a multiaddr can be dialled, by its IP address alone; `relayed` from wherever its relay can be reached. */
export function reachOf(address: string): Reach {
  const parsed = multiaddr(address);
  const [host, ...more] = parsed.getComponents();
  if (more.some(({ name }) => name === 'p2p-circuit')) return 'relayed';
  if (host?.name !== 'ip4' && host?.name !== 'ip6')
    return host?.name.startsWith('dns') === true ? 'name' : 'other';
  const family = host.name === 'ip4' ? 'ipv4' : 'ipv6';
  const ip = host.value ?? '';
  if (isLoopback(parsed)) return 'loopback';
  if (isLinkLocal(parsed)) return 'link-local';
  if (shared.check(ip, family)) return 'shared';
  if (localNetwork.check(ip, family)) return 'local-network';
  // What is left of the library's list is reserved: documentation, benchmarks.
  if (isPrivate(parsed) || nobodys.check(ip, family)) return 'other';
  return family === 'ipv4' || isPublicIp6(parsed) ? 'public' : 'other';
}

/**
 * Whether an address that somebody said may be dialled by who knows of others: of two that are of use in one network alone, the one means
 * another machine elsewhere. Of an address through a relay it is the relay that is dialled. `known` are multiaddrs that are in use here.
 */
export function mayMean(address: string, known: readonly string[]): boolean {
  const reach = firstReachOf(address);
  return reach === 'public' || reach === 'name' || known.some((one) => firstReachOf(one) === reach);
}

function firstReachOf(address: string): Reach {
  const [first = ''] = address.split('/p2p-circuit');
  return reachOf(first);
}

function isPublicIp6(address: Multiaddr): boolean {
  return isGlobalUnicast(address);
}

/**
 * What one machine can't choose of the multiaddr that it comes from, for counting what it takes: its IPv4 address, or of an IPv6 address the
 * network (/64), in which a machine may give itself any.
 */
export function sourceOf(address: string): string {
  const host = multiaddr(address)
    .getComponents()
    .find(({ name }) => name === 'ip4' || name === 'ip6');
  const ip = host?.value ?? '';
  if (host?.name !== 'ip6') return ip;
  // An IPv4 address where a socket takes both families: all of them are in one network of IPv6.
  const bytes = multiaddr(`/ip6/${ip}`).bytes.subarray(-16);
  const mapped =
    bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return mapped ? bytes.subarray(12).join('.') : `${toHex(bytes.subarray(0, 8))}/64`;
}

export interface Reachability {
  /** Dialable from anywhere, where no firewall is in the way. */
  readonly public: readonly string[];
  /** Dialable within the same network: private and shared addresses. */
  readonly local: readonly string[];
  /** Dialable through a relay, by whoever can dial that. */
  readonly relayed: readonly string[];
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
    relayed: of('relayed'),
    loopback: of('loopback'),
    publicIp6: open.some((address) => address.startsWith('/ip6/')),
    publicIp4: open.some((address) => address.startsWith('/ip4/')),
    behindProviderNat: of('shared').length > 0,
  };
}

/** Public addresses first, then those through relays and of the local network; loopback only where there is nothing else. */
export function dialableFirst(addresses: readonly string[]): readonly string[] {
  const { public: open, relayed, local, loopback } = describeReachability(addresses);
  const reachable = [...open, ...relayed, ...local];
  return reachable.length > 0 ? reachable : loopback;
}
