import { CID } from 'multiformats/cid';
import { type PsephosError, unusable } from '../base/errors.ts';
import { isEntryCid } from '../crypto/cid.ts';
import { publicKeyOfPeer } from './identity.ts';
import { parseTcpAddress } from './multiaddrs.ts';

/** Whom to dial. */
export interface DialTarget {
  /** The peer that must be there; undefined takes whoever answers. */
  readonly peerId: string | undefined;
  /** The election that it must serve: CID of the genesis, as text; undefined takes the one it serves. */
  readonly electionId: string | undefined;
  /** Multiaddrs without peer id; at least one. */
  readonly addresses: readonly string[];
}

const SCHEME = 'psephos:';
/** A QR code that a phone reads off a wall holds no more. */
const MAX_INVITE_CHARS = 2_000;
const MAX_ADDRESSES = 16;
const INVITE = /^psephos:([^/?#]+)\/([^/?#]+)\?([^#]+)$/;

/**
 * An invite: `psephos:<peer id>/<election id>?a=<multiaddr>&a=…`. It pins the authority and the election, so whoever
 * passes it on can point voters to a dead address, but not to another election.
 */
export function formatInvite(invite: {
  readonly peerId: string;
  readonly electionId: string;
  readonly addresses: readonly string[];
}): string {
  const addresses = invite.addresses.map((address) => parseTcpAddress(address).address);
  // Slash and colon may stand as they are in a query (RFC 3986, section 3.4); escaped they would swell the QR code.
  const query = addresses.map(
    (address) => `a=${encodeURIComponent(address).replace(/%2F/g, '/').replace(/%3A/g, ':')}`,
  );
  return `${SCHEME}${invite.peerId}/${invite.electionId}?${query.join('&')}`;
}

/** Reads an invite or a multiaddr with or without peer id. Throws `bad-invite`, `bad-address` or `bad-peer-id` (usage). */
export function parseDialTarget(text: string): DialTarget {
  const trimmed = text.trim();
  if (trimmed.length > MAX_INVITE_CHARS)
    throw badInvite(`it has ${trimmed.length} characters; an invite has at most ${MAX_INVITE_CHARS}`);
  if (trimmed.startsWith(SCHEME)) return parseInvite(trimmed);
  const { address, peerId } = parseTcpAddress(trimmed);
  return { peerId, electionId: undefined, addresses: [address] };
}

function parseInvite(text: string): DialTarget {
  const [, peerId, electionId, query] = INVITE.exec(text) ?? [];
  if (peerId === undefined || electionId === undefined || query === undefined) {
    throw badInvite('it is not of the form psephos:<peer id>/<election id>?a=<address>');
  }
  publicKeyOfPeer(peerId);
  checkElectionId(electionId);
  const parameters = [...new URLSearchParams(query)];
  const unknown = parameters.find(([name]) => name !== 'a');
  if (unknown !== undefined) throw badInvite(`it has an unknown part "${unknown[0]}"`);
  if (parameters.length > MAX_ADDRESSES)
    throw badInvite(`it has ${parameters.length} addresses, more than ${MAX_ADDRESSES}`);
  const addresses = parameters.map(([, value]) => {
    const found = parseTcpAddress(value);
    if (found.peerId !== undefined && found.peerId !== peerId)
      throw badInvite('its address names another peer than the invite');
    return found.address;
  });
  return { peerId, electionId, addresses: [...new Set(addresses)] };
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

function badInvite(why: string, cause?: unknown): PsephosError {
  return unusable('bad-invite', `The invite can't be used: ${why}.`, {
    hint: 'Copy it again, in full, from where you got it.',
    cause,
  });
}
