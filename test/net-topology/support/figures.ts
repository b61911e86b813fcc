import { appendFile } from 'node:fs/promises';
import type { TestContext } from 'node:test';

/** What a topology was measured to do; figures are named with their unit. */
export interface Figure {
  readonly topology: string;
  /** The way that ballots took, e.g. `direct ip6`. */
  readonly path: string;
  readonly figures: Readonly<Record<string, number>>;
}

/** Prints a figure as a line of JSON, and has whoever runs the tests collect it. */
export async function report(t: TestContext, figure: Figure): Promise<void> {
  const line = JSON.stringify(figure);
  t.diagnostic(line);
  const file = process.env['PSEPHOS_NET_FIGURES'];
  if (file !== undefined) await appendFile(file, `${line}\n`);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error('nothing was measured');
  return middle;
}
