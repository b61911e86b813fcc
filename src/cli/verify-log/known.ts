import { unusable } from '../../base/errors.ts';
import { parseCheckpoint } from '../../log/checkpoint.ts';
import { leafHash, verifyInclusion } from '../../log/merkle.ts';
import { type Receipt, parseReceipt } from '../../log/receipt.ts';
import { readReceiptFile } from '../receipt-file.ts';

export interface KnownReceipt {
  readonly file: string;
  readonly receipt: Receipt;
}

/**
 * Reads a receipt. It must prove by itself that its entry is under its checkpoint; whether the log continues that
 * checkpoint is the audit's to say. Throws `bad-receipt`, or as `readReceiptFile` does.
 */
export async function readReceipt(file: string): Promise<KnownReceipt> {
  const parsed = parseReceipt(await readReceiptFile(file));
  if (!parsed.ok) throw unusable('bad-receipt', `The receipt ${file} can't be read: ${parsed.error}.`);
  const receipt = parsed.value;
  const { extra, index, proof, checkpoint } = receipt;
  const { size, root } = checkpoint;
  if (extra !== undefined && !verifyInclusion({ leafHash: leafHash(extra), index, size, proof, root })) {
    throw unusable(
      'bad-receipt',
      `The receipt ${file} proves nothing: its proof does not lead from its entry to its checkpoint.`,
      {
        hint: 'It was altered or damaged after it was made. Use another copy.',
      },
    );
  }
  return { file, receipt };
}

/** Reads a checkpoint's text. Throws `bad-checkpoint`, or the file system's refusal. */
export async function readCheckpoint(file: string): Promise<string> {
  const text = await readReceiptFile(file);
  const parsed = parseCheckpoint(text);
  if (!parsed.ok) throw unusable('bad-checkpoint', `The checkpoint ${file} can't be read: ${parsed.error}.`);
  return text;
}
