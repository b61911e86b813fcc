import * as dagCbor from '@ipld/dag-cbor';
import { equalBytes } from './bytes.ts';
import { type Result, err, ok } from './result.ts';

/** Encodes a value as DAG-CBOR, whose encoding of a value is unique (ipld.io/specs/codecs/dag-cbor). */
export function encodeDagCbor(value: unknown): Uint8Array {
  return dagCbor.encode(value);
}

/**
 * Decodes DAG-CBOR strictly: at most `maxBytes` long, nothing left over, and exactly the bytes that the value encodes
 * to. The library alone lets a few second spellings pass (unsorted keys, `undefined`, ill-formed UTF-8).
 */
export function decodeDagCbor(bytes: Uint8Array, maxBytes: number): Result<unknown, string> {
  if (bytes.length > maxBytes) return err(`${bytes.length} bytes, more than the ${maxBytes} allowed`);
  try {
    const value: unknown = dagCbor.decode(bytes);
    return equalBytes(dagCbor.encode(value), bytes)
      ? ok(value)
      : err('not in the one canonical DAG-CBOR form');
  } catch (error) {
    // The decoder throws on any malformed input, and on nothing else: that is its verdict on the bytes. The encoder needs
    // more stack than the decoder, and so throws on arrays nested thousands deep that were decoded.
    return err(`not DAG-CBOR: ${error instanceof Error ? error.message : String(error)}`);
  }
}
