import { peerIdFromMultihash, peerIdFromString } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import { CID } from 'multiformats/cid';
import * as Digest from 'multiformats/hashes/digest';
import { PsephosError } from '../../base/errors.ts';
import { type Result, ok } from '../../base/result.ts';
import { type Field, decodeFields, encodeFields } from '../circuit/protobuf.ts';
import { LOOKUP_ADDRESSES, LOOKUP_ANSWER_PEERS } from '../limits.ts';
import { parsePeerAddress } from '../multiaddrs.ts';

/** What is asked of those who take part in the distributed hash table (libp2p specifications, kad-dht): the part that a search needs. */

/** What is looked for: where a peer is, or who observes an election. */
export type Question = { readonly peer: string } | { readonly electionId: string };

/** A peer, and where somebody says that it is: multiaddrs without its id. Nothing of it is known to be true. */
export interface SaidPeer {
  readonly peerId: string;
  readonly addresses: readonly string[];
}

export interface Answer {
  /** Peers that may know more. */
  readonly closer: readonly SaidPeer[];
  /** Who says to observe the election. */
  readonly providers: readonly SaidPeer[];
}

const ADD_PROVIDER = 2;
const GET_PROVIDERS = 3;
const FIND_NODE = 4;

/** The bytes that a question is about: distances are measured to their hash. */
export function keyOf(question: Question): Uint8Array {
  return 'peer' in question
    ? peerIdFromString(question.peer).toMultihash().bytes
    : CID.parse(question.electionId).multihash.bytes;
}

export function encodeQuestion(question: Question): Uint8Array {
  return encodeFields([
    [1, 'peer' in question ? FIND_NODE : GET_PROVIDERS],
    [2, keyOf(question)],
  ]);
}

/** Says that a peer serves an election, and where: multiaddrs. Whoever is told believes it of the peer at the other end alone. */
export function encodeProvider(electionId: string, peer: SaidPeer): Uint8Array {
  const addresses = peer.addresses.map((address): Field => [2, multiaddr(address).bytes]);
  return encodeFields([
    [1, ADD_PROVIDER],
    [2, keyOf({ electionId })],
    [9, encodeFields([[1, keyOf({ peer: peer.peerId })], ...addresses])],
  ]);
}

/** An error says what is wrong with the message. Peers and addresses of other kinds are left out, as are those beyond the limits. */
export function decodeAnswer(bytes: Uint8Array): Result<Answer, string> {
  const fields = decodeFields(bytes);
  if (!fields.ok) return fields;
  return ok({ closer: readPeers(fields.value, 8), providers: readPeers(fields.value, 9) });
}

function readPeers(fields: readonly Field[], number: number): SaidPeer[] {
  return fields
    .filter(([own]) => own === number)
    .slice(0, LOOKUP_ANSWER_PEERS)
    .flatMap(([, value]) => (typeof value === 'number' ? [] : readPeer(value)));
}

function readPeer(bytes: Uint8Array): SaidPeer[] {
  const fields = decodeFields(bytes);
  if (!fields.ok) return [];
  const id = fields.value.find(([number]) => number === 1)?.[1];
  if (id === undefined || typeof id === 'number') return [];
  let peerId;
  try {
    peerId = peerIdFromMultihash(Digest.decode(id)).toString();
  } catch {
    // The library throws for whatever is no peer id, and for nothing else.
    return [];
  }
  const addresses = fields.value
    .flatMap(([number, value]) => (number === 2 && typeof value !== 'number' ? [value] : []))
    .slice(0, LOOKUP_ADDRESSES)
    .flatMap(readAddress);
  return [{ peerId, addresses: [...new Set(addresses)] }];
}

function readAddress(bytes: Uint8Array): string[] {
  let text;
  try {
    text = multiaddr(bytes).toString();
  } catch {
    // The library throws for whatever is no multiaddr.
    return [];
  }
  try {
    return [parsePeerAddress(text).address];
  } catch (error) {
    // Of another transport.
    if (error instanceof PsephosError) return [];
    throw error;
  }
}
