import { toBase64, toHex } from '../../base/bytes.ts';
import { parseCheckpoint } from '../../log/checkpoint.ts';
import { parseReceipt } from '../../log/receipt.ts';
import type { KeptReceipt, ObserverAddress, Remembered } from '../ports.ts';

/** An invite names eight at most; twice as many outlast those that go. */
export const MAX_REMEMBERED_OBSERVERS = 16;
/** A household's computer casts a few; of a longer row of voters on one machine the last ones are remembered. */
export const MAX_REMEMBERED_RECEIPTS = 64;
/** All receipts together: sealed ballots on many questions take some 300 KB each. */
export const MAX_REMEMBERED_CHARS = 8 * 1024 * 1024;

/**
 * What two programs remember together: the larger checkpoint, the receipts of both, each once, and the observers that were heard of
 * last. Beyond the bounds above what is known to be in the log goes first, then the oldest.
 */
export function together(before: Remembered, news: Remembered): Remembered {
  return {
    checkpoint: larger(before.checkpoint, news.checkpoint),
    observers: firstOfEach([...news.observers, ...before.observers]).slice(0, MAX_REMEMBERED_OBSERVERS),
    receipts: withinBounds(eachOnce([...before.receipts, ...news.receipts])),
  };
}

function larger(before: string | null, news: string | null): string | null {
  if (before === null || news === null) return before ?? news;
  const [old, next] = [parseCheckpoint(before), parseCheckpoint(news)];
  if (!old.ok || !next.ok) return old.ok ? before : news;
  // Of one size, the one with more signatures is worth more to others.
  const wins =
    next.value.size === old.value.size ? news.length > before.length : next.value.size > old.value.size;
  return wins ? news : before;
}

function firstOfEach(observers: readonly ObserverAddress[]): ObserverAddress[] {
  const byKey = new Map<string, ObserverAddress>();
  for (const observer of observers) {
    const key = toHex(observer.key);
    if (!byKey.has(key)) byKey.set(key, observer);
  }
  return [...byKey.values()];
}

/** By the entry that they are for: a receipt that was made again differs, and says nothing more. */
function eachOnce(receipts: readonly KeptReceipt[]): KeptReceipt[] {
  const byEntry = new Map<string, KeptReceipt>();
  for (const receipt of receipts) {
    const id = entryOf(receipt);
    const same = byEntry.get(id);
    byEntry.set(id, same === undefined ? receipt : { ...same, found: largest(same.found, receipt.found) });
  }
  return [...byEntry.values()];
}

function entryOf({ text }: KeptReceipt): string {
  const parsed = parseReceipt(text);
  return parsed.ok && parsed.value.extra !== undefined ? toBase64(parsed.value.extra) : text;
}

function largest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

function withinBounds(receipts: readonly KeptReceipt[]): KeptReceipt[] {
  const kept = [...receipts];
  const tooMuch = () =>
    kept.length > MAX_REMEMBERED_RECEIPTS ||
    kept.reduce((sum, { text }) => sum + text.length, 0) > MAX_REMEMBERED_CHARS;
  while (tooMuch())
    kept.splice(
      Math.max(
        0,
        kept.findIndex(({ found }) => found !== null),
      ),
      1,
    );
  return kept;
}
