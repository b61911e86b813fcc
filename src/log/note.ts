import { equalBytes, concatBytes, fromBase64, toBase64, toHex, utf8ToBytes } from '../base/bytes.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { sha256 } from '../crypto/hash.ts';
import { sign, verify } from '../crypto/signature.ts';

/**
 * C2SP signed notes (c2sp.org/signed-note) with Ed25519 keys: a text, an empty line, and a line for each signature. Lines
 * of keys that we don't know are carried along unread, so that others can cosign a note.
 */

/** Bounds on a note from outside. The specification asks for room for 16 signatures: Ed25519 ones fit many times over. */
const MAX_NOTE_BYTES = 16 * 1024;
const MAX_SIGNATURES = 64;

const KEY_ID_BYTES = 4;
/** Signature type identifier of plain Ed25519 note signatures. */
const ED25519 = 0x01;
const SIGNATURE_PREFIX = '— ';

export interface NoteSignature {
  readonly name: string;
  /** First four bytes of a hash over name, signature type and public key: tells keys apart, proves nothing. */
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

export interface Note {
  /** What is signed: the text up to and with the newline before the empty line. */
  readonly body: string;
  readonly signatures: readonly NoteSignature[];
}

/** An Ed25519 public key (32 bytes) and the name it signs under. */
export interface NoteKey {
  readonly name: string;
  readonly publicKey: Uint8Array;
}

/** Whether `name` may name a key: not empty, no Unicode space, no plus; nor a control character, which no note may hold. */
export function isKeyName(name: string): boolean {
  return name !== '' && !/[\p{White_Space}+]/u.test(name) && !hasForbiddenCharacter(name);
}

/** Control characters other than newline, and lone surrogates, which have no UTF-8 form. */
function hasForbiddenCharacter(text: string): boolean {
  return /(?!\n)[\p{Cc}\p{Cs}]/u.test(text);
}

/** Whether `text` takes at most `limit` bytes in UTF-8; cheap on text that is far too long. */
export function fitsBytes(text: string, limit: number): boolean {
  // No UTF-16 unit takes more than three bytes.
  return text.length * 3 <= limit || (text.length <= limit && utf8ToBytes(text).length <= limit);
}

/** The id of a key that makes signatures of a type: plain Ed25519 ones (0x01) unless given. */
export function keyId({ name, publicKey }: NoteKey, type: number = ED25519): Uint8Array {
  return sha256(utf8ToBytes(`${name}\n`), Uint8Array.of(type), publicKey).subarray(0, KEY_ID_BYTES);
}

/** The key as Go's golang.org/x/mod/sumdb/note and most witness tools read it: `name+id+base64`. */
export function verifierKey(name: string, publicKey: Uint8Array, type: number = ED25519): string {
  const id = keyId({ name, publicKey }, type);
  return `${name}+${toHex(id)}+${toBase64(concatBytes(Uint8Array.of(type), publicKey))}`;
}

/** A signature line of a note, newline included. */
export function signatureLine({ name, keyId, signature }: NoteSignature): string {
  return `${SIGNATURE_PREFIX}${name} ${toBase64(concatBytes(keyId, signature))}\n`;
}

/**
 * The note of `body`, signed with the Ed25519 `seed` of `key`. Throws RangeError for a name that can't name a key and for
 * a body that doesn't end in a newline.
 */
export function signNote(body: string, key: NoteKey, seed: Uint8Array): string {
  if (!isKeyName(key.name))
    throw new RangeError('a note key needs a name without spaces, plus or control characters');
  if (!body.endsWith('\n')) throw new RangeError('the text of a note ends in a newline');
  const signature = sign(utf8ToBytes(body), seed);
  return `${body}\n${signatureLine({ name: key.name, keyId: keyId(key), signature })}`;
}

/** Takes a note apart without verifying anything. The error says which rule of the format is broken. */
export function parseNote(text: string): Result<Note, string> {
  if (!fitsBytes(text, MAX_NOTE_BYTES)) return err(`the note is longer than ${MAX_NOTE_BYTES} bytes`);
  if (hasForbiddenCharacter(text))
    return err('the note contains a control character or is not valid Unicode');
  const split = text.lastIndexOf('\n\n');
  if (split === -1 || !text.endsWith('\n')) return err('the note is cut off, or is no note');
  const lines = text.slice(split + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) return err(`the note has more than ${MAX_SIGNATURES} signatures`);
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const signature = parseSignatureLine(line);
    if (signature === undefined) return err('the note has a malformed signature line');
    signatures.push(signature);
  }
  return ok({ body: text.slice(0, split + 1), signatures });
}

function parseSignatureLine(line: string): NoteSignature | undefined {
  if (!line.startsWith(SIGNATURE_PREFIX)) return undefined;
  const [name = '', encoded = '', ...rest] = line.slice(SIGNATURE_PREFIX.length).split(' ');
  const bytes = fromBase64(encoded);
  if (!isKeyName(name) || rest.length > 0 || bytes === undefined || bytes.length <= KEY_ID_BYTES)
    return undefined;
  return { name, keyId: bytes.subarray(0, KEY_ID_BYTES), signature: bytes.subarray(KEY_ID_BYTES) };
}

/**
 * Whether `key` signed the note. Signatures of other keys are ignored, even those that share the name or the key id; one
 * that claims to be of `key` and fails rejects the whole note, whatever other signatures it carries.
 */
export function verifyNote(note: Note, key: NoteKey): Result<void, string> {
  const id = keyId(key);
  const own = note.signatures.filter(({ name, keyId }) => name === key.name && equalBytes(keyId, id));
  if (own.length === 0) return err('the note is not signed by the expected key');
  const message = utf8ToBytes(note.body);
  const valid = own.every(({ signature }) => verify(signature, message, key.publicKey));
  return valid ? ok(undefined) : err('the signature of the expected key is not valid');
}
