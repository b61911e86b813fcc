import { fromBase64, toBase64 } from '../base/bytes.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { HASH_BYTES, isTreeSize } from './merkle.ts';
import { isKeyName, parseNote, signNote, verifyNote } from './note.ts';
import type { Note } from './note.ts';

export { verifierKey } from './note.ts';

/**
 * A checkpoint (c2sp.org/tlog-checkpoint) says which tree the log has: a signed note of exactly three lines.
 *
 *   psephos/<election id>
 *   <number of leaves, decimal>
 *   <root, base64>
 *
 * The format allows further, opaque lines; we neither write nor accept them, since no auditor could say what they claim.
 */
export interface TreeHead {
  readonly origin: string;
  /** Number of leaves. */
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** A checkpoint as found. Only `openCheckpoint` says that the log signed it. */
export interface Checkpoint extends TreeHead {
  /** The whole note, with every signature line. */
  readonly text: string;
}

/** The log that a verifier trusts: its origin, which is also its key's name, and its Ed25519 public key (32 bytes). */
export interface LogKey {
  readonly origin: string;
  readonly publicKey: Uint8Array;
}

/** The origin line of an election's log. */
export function origin(electionId: string): string {
  return `psephos/${electionId}`;
}

/** Reads a canonical decimal from 0 to 2^53 - 1: digits only, no leading zero. */
export function parseDecimal(text: string): number | undefined {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The text that the log signs. Throws RangeError for a tree head that has no such text. */
export function formatCheckpointBody(head: TreeHead): string {
  if (!isKeyName(head.origin)) throw new RangeError('an origin has no spaces, plus or control characters');
  if (!isTreeSize(head.size)) throw new RangeError(`${head.size} is not a tree size`);
  if (head.root.length !== HASH_BYTES)
    throw new RangeError(`a root has ${HASH_BYTES} bytes, not ${head.root.length}`);
  return `${head.origin}\n${head.size}\n${toBase64(head.root)}\n`;
}

/**
 * The checkpoint as text, signed with the Ed25519 `seed` of `publicKey` under the origin's name. Throws RangeError as
 * `formatCheckpointBody` does. The caller must never sign two trees of which neither is a prefix of the other.
 */
export function signCheckpoint(head: TreeHead, seed: Uint8Array, publicKey: Uint8Array): string {
  return signNote(formatCheckpointBody(head), { name: head.origin, publicKey }, seed);
}

/** Reads a checkpoint without verifying a signature. Strict: a tree head and its signatures have one spelling. */
export function parseCheckpoint(text: string): Result<Checkpoint, string> {
  const note = parseNote(text);
  return note.ok ? readHead(note.value, text) : note;
}

function readHead(note: Note, text: string): Result<Checkpoint, string> {
  const [name, decimal, encoded, end, ...rest] = note.body.split('\n');
  if (name === undefined || decimal === undefined || encoded === undefined || end !== '' || rest.length > 0) {
    return err('a checkpoint has three lines: origin, size, root');
  }
  const size = parseDecimal(decimal);
  const root = fromBase64(encoded);
  if (!isKeyName(name)) return err('the origin line of the checkpoint is malformed');
  if (size === undefined) return err('the size line of the checkpoint is malformed');
  if (root?.length !== HASH_BYTES) return err('the root line of the checkpoint is malformed');
  return ok({ origin: name, size, root, text });
}

/** Reads a checkpoint and verifies that it is of the log `key` and signed by it; other signatures are ignored. */
export function openCheckpoint(text: string, key: LogKey): Result<Checkpoint, string> {
  const note = parseNote(text);
  if (!note.ok) return note;
  const checkpoint = readHead(note.value, text);
  if (!checkpoint.ok) return checkpoint;
  if (checkpoint.value.origin !== key.origin) return err(`the checkpoint is not of the log ${key.origin}`);
  const signed = verifyNote(note.value, { name: key.origin, publicKey: key.publicKey });
  return signed.ok ? checkpoint : signed;
}
