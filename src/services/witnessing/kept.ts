import { equalBytes } from '../../base/bytes.ts';
import { type Receipt, parseReceipt } from '../../log/receipt.ts';
import { type KeptReceipt, isForeseen } from '../ports.ts';
import { type KnownElection, entryInReceipt, openReceipt } from '../voter-session.ts';

/** A receipt that holds; undefined for another. */
export function goodReceipt(text: string, election: KnownElection): Receipt | undefined {
  try {
    const receipt = openReceipt(text, election);
    entryInReceipt(receipt);
    return receipt;
  } catch (error) {
    if (isForeseen(error)) return undefined;
    throw error;
  }
}

/** Whether two receipts are for one entry. */
export function isForSameEntry(one: string, other: string): boolean {
  const [a, b] = [parseReceipt(one), parseReceipt(other)];
  if (!a.ok || !b.ok || a.value.extra === undefined || b.value.extra === undefined) return false;
  return equalBytes(a.value.extra, b.value.extra);
}

/**
 * Whether it is still to be found out that a log which went on has the entry. Once it has, it is enough that the log goes on from
 * there, which every visit makes sure of.
 */
export function isOpenQuestion({ text, found }: KeptReceipt): boolean {
  const parsed = parseReceipt(text);
  return parsed.ok && (found === null || found <= parsed.value.checkpoint.size);
}
