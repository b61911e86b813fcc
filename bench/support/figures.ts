/** One measured number. Ratios compare two things within one run; absolute numbers are of the machine they name. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly target?: { readonly atLeast?: number; readonly atMost?: number };
}

export type Bench = () => Promise<readonly Figure[]>;

/** Seconds that something takes. */
export async function seconds(what: () => Promise<unknown>): Promise<number> {
  const from = process.hrtime.bigint();
  await what();
  return Number(process.hrtime.bigint() - from) / 1e9;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Runs `what` for every index below `count`, at most `atOnce` at a time. */
export async function inParallel(
  count: number,
  atOnce: number,
  what: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await what(next++);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, lane));
}
