import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCheckpoint } from '#src/log/checkpoint.js';
import { leafHash, verifyConsistency, verifyInclusion } from '#src/log/merkle.js';
import { LogProofs } from '#src/services/log-proofs.js';
import { openLevelStore } from '#src/store/level-store.js';
import { type Figure, median } from './support/figures.ts';
import { generateDataFolder } from './support/generate-log.ts';

const BALLOTS = 1_000_000;
const VOTERS = 5_000;
const PROOFS = 1_000;
const HASH_BYTES = 32;

/** Inclusion and consistency proofs of a log of a million entries on disk, at random places: size, time to make, time to check. */
export async function proofsBench(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'psephos-bench-'));
  try {
    await generateDataFolder(folder, { voters: VOTERS, ballots: BALLOTS });
    const store = await openLevelStore(folder, { create: false, program: 'bench' });
    try {
      return await measure(new LogProofs(store));
    } finally {
      await store.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(proofs: LogProofs): Promise<readonly Figure[]> {
  const newest = parseCheckpoint(await proofs.newestCheckpoint());
  if (!newest.ok) throw new Error(newest.error);
  const { size, root } = newest.value;
  const inclusion = { bytes: [] as number[], make: [] as number[], check: [] as number[] };
  const consistency = { bytes: [] as number[], make: [] as number[], check: [] as number[] };
  for (let at = 0; at < PROOFS; at++) {
    const index = Math.floor(Math.random() * size);
    const [made, making] = await timed(() => proofs.inclusion(index));
    const [included, checking] = await timed(() =>
      Promise.resolve(
        verifyInclusion({ leafHash: leafHash(made.entry), index, size, proof: made.proof, root }),
      ),
    );
    if (!included) throw new Error(`no proof of entry ${index}`);
    inclusion.bytes.push(made.proof.length * HASH_BYTES);
    inclusion.make.push(making);
    inclusion.check.push(checking);

    const first = 1 + Math.floor(Math.random() * (size - 1));
    const [prefix, proving] = await timed(() => proofs.prefix(first, size));
    const [continued, comparing] = await timed(() =>
      Promise.resolve(
        verifyConsistency({
          first,
          second: size,
          firstRoot: prefix.root,
          secondRoot: root,
          proof: prefix.proof,
        }),
      ),
    );
    if (!continued) throw new Error(`no proof from ${first} entries`);
    consistency.bytes.push(prefix.proof.length * HASH_BYTES);
    consistency.make.push(proving);
    consistency.check.push(comparing);
  }
  return Object.entries({ inclusion, consistency }).flatMap(([name, { bytes, make, check }]) => [
    { name: `${name} proof in ${size} entries, largest`, value: Math.max(...bytes), unit: 'bytes' },
    { name: `making one, from disk`, value: median(make) * 1e6, unit: 'µs' },
    { name: `checking one`, value: median(check) * 1e6, unit: 'µs' },
  ]);
}

/** What an action gives, and the seconds that it took. */
async function timed<T>(action: () => Promise<T>): Promise<[T, number]> {
  const from = process.hrtime.bigint();
  const value = await action();
  return [value, Number(process.hrtime.bigint() - from) / 1e9];
}
