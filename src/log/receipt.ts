import { fromBase64, toBase64 } from '../base/bytes.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { openCheckpoint, parseCheckpoint, parseDecimal } from './checkpoint.ts';
import type { Checkpoint, LogKey } from './checkpoint.ts';
import { HASH_BYTES, isTreeSize, leafHash, verifyInclusion } from './merkle.ts';
import { fitsBytes } from './note.ts';

/**
 * A receipt shows, offline, that an entry is in the log: a C2SP transparency log proof (c2sp.org/tlog-proof, file
 * extension `.tlog-proof`).
 *
 *   c2sp.org/tlog-proof@v1
 *   extra <base64>             left out when there is none; Psephos puts the entry's bytes here
 *   index <decimal>
 *   <base64 of 32 bytes>       the inclusion proof, none to 64 lines, leaf's sibling first
 *   (empty line)
 *   <checkpoint, verbatim>
 */
const HEADER = 'c2sp.org/tlog-proof@v1';

/** An entry of MAX_ENTRY_BYTES takes two thirds of this in base64. */
const MAX_RECEIPT_BYTES = 1024 * 1024;
const MAX_PROOF_LINES = 64;

export interface Receipt {
  /** The entry's position in the log, from 0. */
  readonly index: number;
  readonly proof: readonly Uint8Array[];
  readonly checkpoint: Checkpoint;
  /** Nobody signed this: good for finding the entry, never for trusting it before `checkReceipt`. */
  readonly extra?: Uint8Array;
  readonly text: string;
}

/** What a receipt is made of. */
export interface ReceiptParts {
  readonly index: number;
  readonly proof: readonly Uint8Array[];
  readonly checkpoint: { readonly text: string };
  readonly extra?: Uint8Array;
}

/** The text of a receipt. Throws RangeError for parts that `parseReceipt` would refuse, the checkpoint's text excepted. */
export function formatReceipt(parts: ReceiptParts): string {
  return format(parts, proofLine);
}

/**
 * The texts of several receipts, as `formatReceipt` makes each. Hashes that are one object in many proofs, as `inclusionProofs`
 * gives them, are written out once.
 */
export function formatReceipts(receipts: readonly ReceiptParts[]): string[] {
  const lines = new Map<Uint8Array, string>();
  const lineOf = (hash: Uint8Array): string => {
    let line = lines.get(hash);
    if (line === undefined) lines.set(hash, (line = proofLine(hash)));
    return line;
  };
  return receipts.map((parts) => format(parts, lineOf));
}

function proofLine(hash: Uint8Array): string {
  if (hash.length !== HASH_BYTES) throw new RangeError(`a hash of a proof has ${HASH_BYTES} bytes`);
  return `${toBase64(hash)}\n`;
}

function format(
  { index, proof, checkpoint, extra }: ReceiptParts,
  lineOf: (hash: Uint8Array) => string,
): string {
  if (!isTreeSize(index)) throw new RangeError(`${index} is not an index`);
  if (proof.length > MAX_PROOF_LINES)
    throw new RangeError(`an inclusion proof has at most ${MAX_PROOF_LINES} hashes`);
  if (extra?.length === 0) throw new RangeError('extra data without bytes is left out');
  let text = `${HEADER}\n`;
  if (extra) text += `extra ${toBase64(extra)}\n`;
  text += `index ${index}\n`;
  for (const hash of proof) text += lineOf(hash);
  text += `\n${checkpoint.text}`;
  if (!fitsBytes(text, MAX_RECEIPT_BYTES))
    throw new RangeError(`a receipt has at most ${MAX_RECEIPT_BYTES} bytes`);
  return text;
}

/** Reads a receipt without verifying it. Strict: formatting what was read gives the same text. */
export function parseReceipt(text: string): Result<Receipt, string> {
  if (!fitsBytes(text, MAX_RECEIPT_BYTES))
    return err(`the receipt is longer than ${MAX_RECEIPT_BYTES} bytes`);
  const split = text.indexOf('\n\n');
  if (split === -1) return err('the receipt is cut off, or is no receipt');
  // Header, extra, index, the longest proof, and one line more to notice a longer one.
  const [header, ...lines] = text.slice(0, split).split('\n', MAX_PROOF_LINES + 4);
  if (header !== HEADER) return err(`the receipt does not begin with "${HEADER}"`);

  let extra: Uint8Array | undefined;
  if (lines[0]?.startsWith('extra ')) {
    extra = fromBase64(lines[0].slice('extra '.length));
    if (extra === undefined || extra.length === 0) return err('the extra line of the receipt is malformed');
    lines.shift();
  }
  const indexLine = lines.shift();
  const index = indexLine?.startsWith('index ') ? parseDecimal(indexLine.slice('index '.length)) : undefined;
  if (index === undefined) return err('the index line of the receipt is malformed');
  if (lines.length > MAX_PROOF_LINES)
    return err(`the inclusion proof has more than ${MAX_PROOF_LINES} hashes`);
  const proof: Uint8Array[] = [];
  for (const line of lines) {
    const hash = fromBase64(line);
    if (hash?.length !== HASH_BYTES) return err('the inclusion proof has a malformed line');
    proof.push(hash);
  }

  const checkpoint = parseCheckpoint(text.slice(split + 2));
  if (!checkpoint.ok) return checkpoint;
  return ok({ index, proof, checkpoint: checkpoint.value, ...(extra ? { extra } : {}), text });
}

/**
 * Whether the receipt proves that `entry` (its exact bytes) is in the log: the checkpoint is signed by `publicKey` for
 * `origin`, and the inclusion proof leads from the entry at the receipt's index to the checkpoint's root.
 */
export function checkReceipt(
  receipt: Receipt,
  expected: LogKey & { readonly entry: Uint8Array },
): Result<void, string> {
  // Opened anew from the text: what was signed decides, not the fields beside it.
  const checkpoint = openCheckpoint(receipt.checkpoint.text, expected);
  if (!checkpoint.ok) return checkpoint;
  const included = verifyInclusion({
    leafHash: leafHash(expected.entry),
    index: receipt.index,
    size: checkpoint.value.size,
    proof: receipt.proof,
    root: checkpoint.value.root,
  });
  return included ? ok(undefined) : err('the inclusion proof does not lead from the entry to the checkpoint');
}
