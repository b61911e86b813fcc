import type { SignatureTask } from './verifier.ts';

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const FIXED_BYTES = KEY_BYTES + SIGNATURE_BYTES;

/** Tasks for another thread: per task key, signature and message one after another. One buffer is moved, none is copied. */
export interface PackedTasks {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Length of each message. */
  readonly lengths: readonly number[];
}

/** Throws RangeError for a key or signature of another length than 32 and 64 bytes. */
export function packTasks(tasks: readonly SignatureTask[]): PackedTasks {
  const lengths = tasks.map(({ message }) => message.length);
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + FIXED_BYTES + length, 0));
  let at = 0;
  for (const { key, signature, message } of tasks) {
    if (key.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES)
      throw new RangeError('a key has 32 bytes, a signature 64');
    bytes.set(key, at);
    bytes.set(signature, at + KEY_BYTES);
    bytes.set(message, at + FIXED_BYTES);
    at += FIXED_BYTES + message.length;
  }
  return { bytes, lengths };
}

/** What `packTasks` packed, as views. */
export function unpackTasks({ bytes, lengths }: PackedTasks): SignatureTask[] {
  let at = 0;
  return lengths.map((length) => {
    const from = at;
    at += FIXED_BYTES + length;
    return {
      key: bytes.subarray(from, from + KEY_BYTES),
      signature: bytes.subarray(from + KEY_BYTES, from + FIXED_BYTES),
      message: bytes.subarray(from + FIXED_BYTES, at),
    };
  });
}
