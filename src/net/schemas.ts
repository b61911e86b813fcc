import * as z from 'zod';

/** Parts that several protocols' messages are made of. */

export const bytesUpTo = (length: number) =>
  z.custom<Uint8Array>(
    (value) => value instanceof Uint8Array && value.length <= length,
    `expected bytes, at most ${length}`,
  );

export const bytesOf = (length: number) =>
  z.custom<Uint8Array>(
    (value) => value instanceof Uint8Array && value.length === length,
    `expected ${length} bytes`,
  );

/** A count, an index or a time. */
export const uint = z.int().min(0);

/** Hashes of a Merkle proof; a tree of 2^64 leaves needs no more (RFC 6962, section 2.1). */
export const proofSchema = z.array(bytesOf(32)).max(64 * 2);

/** A checkpoint as text; whoever uses it parses and verifies it. With many cosignatures it stays below this. */
export const checkpointSchema = z
  .string()
  .min(1)
  .max(32 * 1024);

/** A ballot's tracker: base64 of a SHA-256, without padding. */
export const trackerSchema = z.string().regex(/^[A-Za-z0-9+/]{43}$/, 'expected a tracker');
