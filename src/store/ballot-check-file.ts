import { join } from 'node:path';
import * as z from 'zod';
import { exists, writeFileAtomic } from './files.ts';
import { readSmallJson } from './small-file.ts';

/** What voters' programs found, in the data folder. It is in no log, and a power cut may take the last few seconds of it. */
const FILE = 'ballot-checks.json';
const MAX_BYTES = 1024 * 1024;

const count = z.int().min(0);
const schema = z.strictObject({
  psephos: z.literal('ballot-checks'),
  version: z.literal(1),
  rounds: z.array(z.strictObject({ round: count.min(1), found: count, missing: count })),
});

interface Counts {
  readonly found: number;
  readonly missing: number;
}

/** The counts of each round; none where there is no file; undefined for a file that can't be read. Throws the file system's refusal. */
export async function readBallotChecks(folder: string): Promise<Map<number, Counts> | undefined> {
  const path = join(folder, FILE);
  if (!(await exists(path))) return new Map();
  const read = schema.safeParse(await readSmallJson(path, MAX_BYTES));
  if (!read.success) return undefined;
  return new Map(read.data.rounds.map(({ round, found, missing }) => [round, { found, missing }]));
}

/** Writes all counts, in the place of those before. Throws as `writeFileAtomic`. */
export async function writeBallotChecks(folder: string, counts: ReadonlyMap<number, Counts>): Promise<void> {
  const rounds = [...counts].map(([round, { found, missing }]) => ({ round, found, missing }));
  const content: z.infer<typeof schema> = { psephos: 'ballot-checks', version: 1, rounds };
  await writeFileAtomic(join(folder, FILE), `${JSON.stringify(content, null, 2)}\n`);
}
