import { concatBytes, equalBytes, fromHex, toHex, utf8ToBytes } from '../base/bytes.ts';
import { type Result, ok } from '../base/result.ts';
import { sign, verify } from '../crypto/signature.ts';
import { MAX_TIME } from '../election/limits.ts';
import {
  type Checkpoint,
  type LogKey,
  formatCheckpointBody,
  openCheckpoint,
  parseCheckpoint,
} from './checkpoint.ts';
import { keyId, parseNote, signatureLine, verifierKey } from './note.ts';

/**
 * C2SP cosignatures (c2sp.org/tlog-cosignature, type `cosignature/v1`, Ed25519): an observer says that, at a time, the
 * checkpoint was the largest that it had seen of this log, and that it continues all that it had seen before. Ours have
 * verified and stored every entry under it, too. What is signed:
 *
 *   cosignature/v1
 *   time <seconds since 1970, decimal>
 *   <the checkpoint's three lines>
 *
 * An observer signs under the name `psephos/observer/<its public key, hex>`, so that a cosignature can be checked by
 * itself; whether its observer is one to be trusted is another question, which only whoever reads it can answer.
 */
const COSIGNATURE_V1 = 0x04;
const NAME_PREFIX = 'psephos/observer/';
const TIME_BYTES = 8;
const SIGNATURE_BYTES = 64;
/** Later ones have no date to show people. The specification lets verifiers refuse times of the future. */
const MAX_SECONDS = Math.floor(MAX_TIME / 1000);

/** Of one note we keep no more: bounds what it costs to verify one from a stranger. */
export const MAX_COSIGNATURES = 32;

export interface Cosignature {
  /** The observer's Ed25519 public key, 32 bytes. */
  readonly observer: Uint8Array;
  /** When it was made, as its observer says, in seconds since 1970. */
  readonly time: number;
  /** Its line of the note, newline included. */
  readonly line: string;
}

/** Whether a cosignature is worth its verification, which is most of what reading a checkpoint costs. */
export type Wanted = (observer: Uint8Array, line: string) => boolean;

/** The name that the observer with this key signs under. */
export function cosignerName(publicKey: Uint8Array): string {
  return `${NAME_PREFIX}${toHex(publicKey)}`;
}

/** The key as tools for C2SP cosignatures read it: `name+id+base64`, with signature type 0x04. */
export function cosignerVerifierKey(publicKey: Uint8Array): string {
  return verifierKey(cosignerName(publicKey), publicKey, COSIGNATURE_V1);
}

/**
 * The cosignature line of the observer with `seed` on a checkpoint. Throws RangeError for a text that is none, and for a time that
 * is no whole number of seconds up to the year 9999. The caller must have made sure that the checkpoint continues every one that it cosigned before.
 */
export function cosign(
  checkpoint: Pick<Checkpoint, 'text'>,
  observer: { readonly seed: Uint8Array; readonly publicKey: Uint8Array },
  seconds: number,
): string {
  if (!Number.isSafeInteger(seconds) || seconds < 0 || seconds > MAX_SECONDS)
    throw new RangeError(`${seconds} is no time in seconds`);
  const read = parseCheckpoint(checkpoint.text);
  if (!read.ok) throw new RangeError(`what is to be cosigned is no checkpoint: ${read.error}`);
  const name = cosignerName(observer.publicKey);
  const time = new Uint8Array(TIME_BYTES);
  new DataView(time.buffer).setBigUint64(0, BigInt(seconds));
  const signature = concatBytes(
    time,
    sign(message(formatCheckpointBody(read.value), seconds), observer.seed),
  );
  const id = keyId({ name, publicKey: observer.publicKey }, COSIGNATURE_V1);
  return signatureLine({ name, keyId: id, signature });
}

function message(body: string, seconds: number): Uint8Array {
  return utf8ToBytes(`cosignature/v1\ntime ${seconds}\n${body}`);
}

/**
 * The valid cosignatures of observers on a checkpoint: the newest of each, of at most MAX_COSIGNATURES observers; of those that
 * are `wanted` alone, by observer and line, where that is given. Lines of other signers, and lines that are not valid, are passed over:
 * anybody can add one to a note.
 */
export function cosignaturesOf(
  checkpoint: Pick<Checkpoint, 'text'>,
  wanted: Wanted = () => true,
): Cosignature[] {
  const note = parseNote(checkpoint.text);
  if (!note.ok) return [];
  const found = new Map<string, Cosignature>();
  // Each line costs one verification at most, and a note has a bounded number of lines.
  for (const { name, keyId: id, signature } of note.value.signatures) {
    const observer = name.startsWith(NAME_PREFIX) ? fromHex(name.slice(NAME_PREFIX.length)) : undefined;
    if (observer?.length !== 32 || signature.length !== TIME_BYTES + SIGNATURE_BYTES) continue;
    const line = signatureLine({ name, keyId: id, signature });
    const before = found.get(name);
    if ((before === undefined && found.size === MAX_COSIGNATURES) || !wanted(observer, line)) continue;
    if (!equalBytes(id, keyId({ name, publicKey: observer }, COSIGNATURE_V1))) continue;
    const seconds = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
    if (seconds > BigInt(MAX_SECONDS)) continue;
    const time = Number(seconds);
    if (before !== undefined && before.time >= time) continue;
    if (!verify(signature.subarray(TIME_BYTES), message(note.value.body, time), observer)) continue;
    found.set(name, { observer, time, line });
  }
  return [...found.values()];
}

/** A checkpoint of which both the log's signature and the cosignatures were verified. */
export interface CosignedCheckpoint extends Checkpoint {
  /** With the log's own signature alone. */
  readonly bare: string;
  readonly cosignatures: readonly Cosignature[];
}

/**
 * Reads a checkpoint as `openCheckpoint` does, with its valid cosignatures, as `cosignaturesOf` finds them. The result's text has
 * the log's own signature and these alone.
 */
export function openCosigned(text: string, key: LogKey, wanted?: Wanted): Result<CosignedCheckpoint, string> {
  const opened = openCheckpoint(text, key);
  if (!opened.ok) return opened;
  const bare = withoutCosignatures(opened.value, key);
  const cosignatures = cosignaturesOf(opened.value, wanted);
  return ok({ ...opened.value, bare, cosignatures, text: withCosignatures(bare, cosignatures) });
}

/** The checkpoint's text with the lines of cosignatures after it. They must be of this very checkpoint. */
export function withCosignatures(text: string, cosignatures: readonly Pick<Cosignature, 'line'>[]): string {
  return text + cosignatures.map(({ line }) => line).join('');
}

/**
 * The text with the log's own signature alone, the first where it signed more than once: `openCheckpoint` has found them all good. A
 * reader of cosignatures that refused what `openCheckpoint` takes would let a log that forks sign twice to escape comparison.
 */
function withoutCosignatures({ text }: Checkpoint, { origin, publicKey }: LogKey): string {
  const note = parseNote(text);
  const id = keyId({ name: origin, publicKey });
  const own = note.ok
    ? note.value.signatures.find(({ name, keyId }) => name === origin && equalBytes(keyId, id))
    : undefined;
  if (!note.ok || own === undefined)
    throw new Error('a checkpoint that was opened has no signature of its log');
  return `${note.value.body}\n${signatureLine(own)}`;
}
