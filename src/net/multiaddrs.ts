import { multiaddr } from '@multiformats/multiaddr';
import { type PsephosError, unusable } from '../base/errors.ts';
import { publicKeyOfPeer } from './identity.ts';

/** A TCP address, and the peer that is expected there where the text named one. */
export interface TcpAddress {
  /** Multiaddr without a peer id, e.g. `/ip6/2001:db8::1/tcp/4000`. */
  readonly address: string;
  readonly peerId: string | undefined;
}

/** A relay, by address and key, and the peer behind it where the text names one. */
export interface RelayedAddress {
  /** Multiaddr without that peer: `/ip6/2001:db8::9/tcp/4002/p2p/12D3KooW…/p2p-circuit`. */
  readonly address: string;
  readonly peerId: string | undefined;
  readonly relay: RelayAddress;
}

/** Where a relay is, and which it must be. */
export interface RelayAddress {
  readonly address: string;
  readonly peerId: string;
}

/** Where a peer can be reached: directly, or through a relay. */
export type PeerAddress = (TcpAddress & { readonly relay?: undefined }) | RelayedAddress;

const CIRCUIT = '/p2p-circuit';
const HOSTS = ['ip4', 'ip6', 'dns', 'dns4', 'dns6'];
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}\.?)*$/;
const HINT =
  'An address looks like /ip6/2001:db8::1/tcp/4000 or /ip4/203.0.113.5/tcp/4000/p2p/12D3KooW…, and through a relay like ' +
  '/ip6/2001:db8::9/tcp/4002/p2p/12D3KooW…/p2p-circuit/p2p/12D3KooW….';

/**
 * Reads a multiaddr of the two kinds used here: a TCP address, or one through a relay. Throws `bad-address` and `bad-peer-id`
 * (usage) that say what is wrong with it.
 */
export function parsePeerAddress(text: string): PeerAddress {
  const at = text.indexOf(CIRCUIT);
  if (at === -1) return parseTcpAddress(text);
  const relay = parseRelayAddress(text.slice(0, at));
  const rest = /^(?:\/p2p\/([^/]+))?$/.exec(text.slice(at + CIRCUIT.length));
  if (rest === null) throw badAddress(text, 'after /p2p-circuit only /p2p/ and a peer id can stand');
  const peerId = rest[1];
  if (peerId !== undefined) publicKeyOfPeer(peerId);
  if (peerId === relay.peerId) throw badAddress(text, 'the relay and the peer behind it are the same');
  return { address: `${relay.address}/p2p/${relay.peerId}${CIRCUIT}`, peerId, relay };
}

/** Reads the address of a relay, which must end in its peer id. Throws as `parsePeerAddress`. */
export function parseRelayAddress(text: string): RelayAddress {
  const { address, peerId } = parseTcpAddress(text);
  if (peerId === undefined) throw badAddress(text, 'a relay’s address ends in /p2p/ and its peer id');
  return { address, peerId };
}

/**
 * Reads a multiaddr of one kind: IP address or host name, TCP port, and a peer id or none.
 * Throws `bad-address` (usage) that says what is wrong with it.
 */
export function parseTcpAddress(text: string): TcpAddress {
  let components;
  try {
    components = multiaddr(text).getComponents();
  } catch (cause) {
    throw badAddress(text, cause instanceof Error ? cause.message : String(cause), cause);
  }
  const [host, tcp, p2p, ...more] = components;
  if (host === undefined || !HOSTS.includes(host.name) || tcp?.name !== 'tcp' || tcp.value === undefined) {
    throw badAddress(text, 'it does not begin with an IP address or host name and a TCP port');
  }
  if (host.name.startsWith('dns') && !HOST_NAME.test(host.value ?? ''))
    throw badAddress(text, `"${host.value}" is not a host name`);
  if (more.length > 0 || (p2p !== undefined && p2p.name !== 'p2p')) {
    throw badAddress(
      text,
      `"/${[p2p, ...more].map((part) => part?.name).join('/')}" is not supported after the port`,
    );
  }
  if (p2p?.value !== undefined) publicKeyOfPeer(p2p.value);
  return { address: `/${host.name}/${host.value}/tcp/${tcp.value}`, peerId: p2p?.value };
}

function badAddress(text: string, why: string, cause?: unknown): PsephosError {
  return unusable('bad-address', `"${text}" is not an address that can be used: ${why}.`, {
    hint: HINT,
    cause,
  });
}
