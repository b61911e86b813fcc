import { CID } from 'multiformats/cid';
import { type PsephosError, unusable } from '../base/errors.ts';
import { isEntryCid } from '../crypto/cid.ts';
import { publicKeyOfPeer } from './identity.ts';
import { parsePeerAddress } from './multiaddrs.ts';

/** Whom to dial. */
export interface DialTarget {
  /** The peer that must be there; undefined takes whoever answers. */
  readonly peerId: string | undefined;
  /** The election that it must serve: CID of the genesis, as text; undefined takes the one it serves. */
  readonly electionId: string | undefined;
  /** Multiaddrs without the peer id, direct ones or such that end in `/p2p-circuit`, behind a relay; at least one. */
  readonly addresses: readonly string[];
  /** Where the election can be read besides: multiaddrs, each ending in the peer id of an observer; of an invite alone. */
  readonly observers: readonly string[];
}

/** Whom to dial where the election does not matter. */
export type PeerTarget = Pick<DialTarget, 'peerId' | 'addresses'>;

const SCHEME = 'psephos:';
/** A QR code that a phone reads off a wall holds no more. */
const MAX_INVITE_CHARS = 2_000;
const MAX_ADDRESSES = 16;
const MAX_OBSERVERS = 8;
const INVITE = /^psephos:([^/?#]+)\/([^/?#]+)\?([^#]+)$/;

/**
 * An invite: `psephos:<peer id>/<election id>?a=<multiaddr>&a=…&o=<observer's multiaddr>&o=…`. It pins the authority and the
 * election, so whoever passes it on can point voters to a dead address or to observers of their own, but not to another election.
 * Throws as `parseDialTarget` does for what it would not read.
 */
export function formatInvite(invite: {
  readonly peerId: string;
  readonly electionId: string;
  readonly addresses: readonly string[];
  /** Multiaddrs that end in observers' peer ids; none unless given. */
  readonly observers?: readonly string[];
}): string {
  const addresses = invite.addresses.map((address) => `a=${inQuery(parsePeerAddress(address).address)}`);
  const observers = (invite.observers ?? []).map(
    (address) => `o=${inQuery(observerAddress(address, invite.peerId))}`,
  );
  return `${SCHEME}${invite.peerId}/${invite.electionId}?${[...addresses, ...observers].join('&')}`;
}

/** Slash and colon may stand as they are in a query (RFC 3986, section 3.4); escaped they would swell the QR code. */
function inQuery(address: string): string {
  return encodeURIComponent(address).replace(/%2F/g, '/').replace(/%3A/g, ':');
}

/** Reads an invite or a multiaddr with or without peer id. Throws `bad-invite`, `bad-address` or `bad-peer-id` (usage). */
export function parseDialTarget(text: string): DialTarget {
  const trimmed = text.trim();
  if (trimmed.length > MAX_INVITE_CHARS)
    throw badInvite(`it has ${trimmed.length} characters; an invite has at most ${MAX_INVITE_CHARS}`);
  if (trimmed.startsWith(SCHEME)) return parseInvite(trimmed);
  const { address, peerId, relay } = parsePeerAddress(trimmed);
  if (relay !== undefined && peerId === undefined) throw noPeerBehind(trimmed);
  return { peerId, electionId: undefined, addresses: [address], observers: [] };
}

function parseInvite(text: string): DialTarget {
  const [, peerId, electionId, query] = INVITE.exec(text) ?? [];
  if (peerId === undefined || electionId === undefined || query === undefined) {
    throw badInvite('it is not of the form psephos:<peer id>/<election id>?a=<address>');
  }
  publicKeyOfPeer(peerId);
  checkElectionId(electionId);
  const parameters = [...new URLSearchParams(query)];
  const unknown = parameters.find(([name]) => name !== 'a' && name !== 'o');
  if (unknown !== undefined) throw badInvite(`it has an unknown part "${unknown[0]}"`);
  const addresses = valuesOf(parameters, 'a', MAX_ADDRESSES, 'addresses').map((value) => {
    const found = parsePeerAddress(value);
    if (found.peerId !== undefined && found.peerId !== peerId)
      throw badInvite('its address names another peer than the invite');
    if (found.relay?.peerId === peerId) throw badInvite('it names the organiser as a relay to itself');
    return found.address;
  });
  if (addresses.length === 0) throw badInvite("it has no address of the organiser's");
  const observers = valuesOf(parameters, 'o', MAX_OBSERVERS, 'observers').map((value) =>
    observerAddress(value, peerId),
  );
  return { peerId, electionId, addresses: [...new Set(addresses)], observers: [...new Set(observers)] };
}

function valuesOf(
  parameters: readonly (readonly [string, string])[],
  name: string,
  limit: number,
  what: string,
): string[] {
  const values = parameters.filter(([own]) => own === name).map(([, value]) => value);
  if (values.length > limit) throw badInvite(`it has ${values.length} ${what}, more than ${limit}`);
  return values;
}

/** In the one spelling that this program writes. */
function observerAddress(value: string, authority: string): string {
  const { address, peerId } = parsePeerAddress(value);
  if (peerId === undefined) throw badInvite(`its observer ${value} does not end in /p2p/ and a peer id`);
  if (peerId === authority) throw badInvite('it names the organiser as an observer');
  return `${address}/p2p/${peerId}`;
}

function checkElectionId(text: string): void {
  let cid;
  try {
    cid = CID.parse(text);
  } catch (cause) {
    throw badInvite(`"${text}" is not an election id`, cause);
  }
  if (!isEntryCid(cid) || cid.toString() !== text) throw badInvite(`"${text}" is not an election id`);
}

function noPeerBehind(text: string): PsephosError {
  return unusable('bad-address', `"${text}" leads to a relay, and does not say to whom behind it.`, {
    hint: 'It must end in /p2p-circuit/p2p/ and the peer id of whom to dial; or dial the invite.',
  });
}

function badInvite(why: string, cause?: unknown): PsephosError {
  return unusable('bad-invite', `The invite can't be used: ${why}.`, {
    hint: 'Copy it again, in full, from where you got it.',
    cause,
  });
}
