import { CID } from 'multiformats/cid';
import { Digest } from 'multiformats/hashes/digest';
import { sha256 } from './hash.ts';

const DAG_CBOR = 0x71;
const SHA2_256 = 0x12;
const DIGEST_BYTES = 32;
/** CID version, codec, hash function and digest length: each fits in one byte of a varint. */
const PREFIX = Uint8Array.of(1, DAG_CBOR, SHA2_256, DIGEST_BYTES);
/** What precedes the digest where such a CID is a DAG-CBOR item: tag 42, a byte string, the identity multibase. */
export const CID_ITEM: readonly number[] = [0xd8, 42, 0x58, 1 + PREFIX.length + DIGEST_BYTES, 0, ...PREFIX];
/** A multihash is what follows version and codec. */
const MULTIHASH_AT = 2;

/** The name of a DAG-CBOR block: CIDv1, codec dag-cbor, multihash sha2-256 (github.com/multiformats/cid). */
export function cidOf(block: Uint8Array): CID {
  return cidFromDigest(sha256(block));
}

/** The same, from the block's SHA-256 digest. Put together by hand: it is made for each entry, and the library's way takes as long as the hash. */
export function cidFromDigest(digest: Uint8Array): CID {
  if (digest.length !== DIGEST_BYTES)
    throw new RangeError(`a SHA-256 digest has 32 bytes, not ${digest.length}`);
  const bytes = new Uint8Array(PREFIX.length + DIGEST_BYTES);
  bytes.set(PREFIX);
  bytes.set(digest, PREFIX.length);
  const multihash = bytes.subarray(MULTIHASH_AT);
  return new CID(
    1,
    DAG_CBOR,
    new Digest(SHA2_256, DIGEST_BYTES, bytes.subarray(PREFIX.length), multihash),
    bytes,
  );
}

/** Whether a CID is of the one form used here; others (v0, other codecs or hashes) are refused wherever they come in. */
export function isEntryCid(cid: CID): boolean {
  return (
    cid.version === 1 &&
    cid.code === DAG_CBOR &&
    cid.multihash.code === SHA2_256 &&
    cid.multihash.digest.length === 32
  );
}
