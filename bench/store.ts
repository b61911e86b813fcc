import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Level } from 'level';
import { toBase64 } from '#src/base/bytes.js';
import { sha256 } from '#src/crypto/hash.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { createElection } from '#src/services/create-election.js';
import { ElectionLog } from '#src/services/election-log.js';
import { openLevelStore } from '#src/store/level-store.js';
import { AUTHORITY, QUESTION } from '../test/support/temp-election.ts';
import { type Figure, median, seconds } from './support/figures.ts';

const BATCH = 256;
const BATCHES = 40;
const SINGLE_PUTS = 1000;
const BODY_BYTES = 170;
const REPEATS = 5;
/** Repeats before those that count: a polling station runs for hours, with its code long compiled. */
const WARM_UP = 2;

/**
 * Durable appends of batches of 256 ballots through the whole log (place, chain, hashes, tree, checkpoint, indexes, one
 * synced batch) against one synced `put` of an entry-sized value after another.
 */
export async function storeBench(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'psephos-bench-'));
  try {
    const singles: number[] = [];
    const grouped: number[] = [];
    for (let repeat = -WARM_UP; repeat < REPEATS; repeat++) {
      const single = SINGLE_PUTS / (await seconds(() => singlePuts(join(folder, `single-${repeat}`))));
      const group = await groupedRate(join(folder, `grouped-${repeat}`));
      if (repeat < 0) continue;
      singles.push(single);
      grouped.push(group);
    }
    const single = median(singles);
    const group = median(grouped);
    return [
      { name: 'one synced put after another', value: single, unit: 'entries/s' },
      { name: `durable appends at ${BATCH} concurrent ballots`, value: group, unit: 'entries/s' },
      { name: 'ratio', value: group / single, unit: '×', target: { atLeast: 10 } },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function singlePuts(folder: string): Promise<void> {
  const db = new Level<string, Uint8Array>(folder, { valueEncoding: 'view' });
  const value = new Uint8Array(350).fill(7);
  for (let i = 0; i < SINGLE_PUTS; i++)
    await db.put(`entry/${String(i).padStart(12, '0')}`, value, { sync: true });
  await db.close();
}

async function groupedRate(folder: string): Promise<number> {
  const log = await ElectionLog.open({
    openStore: () => openLevelStore(folder, { create: true, program: 'bench' }),
    loadSeed: () => Promise.resolve(AUTHORITY),
    clock: { now: () => Date.now() },
    onEvent: () => undefined,
    onProgress: () => undefined,
  });
  const key = publicKeyOf(AUTHORITY);
  await createElection(
    log,
    {
      uuid: '01234567-89ab-4cde-8f01-23456789abcd',
      title: 'Bench',
      description: '',
      policy: { secrecy: 'open', revote: 'last', names: 'public' },
      voters: [{ name: 'v', key, weight: 1 }],
      firstRound: { title: 'Round', questions: [QUESTION], opens: null, closes: null },
    },
    AUTHORITY,
    () => undefined,
  );
  await log.append(() => ({
    contents: [{ kind: 'round', round: 1, title: 'Round', questions: [QUESTION], closes: null }],
  }));
  // Made beforehand: a ballot's own encoding is the voter's work, and its tracker is worked out on admission.
  const ballots = Array.from({ length: BATCH * BATCHES }, (_, index) => {
    const body = new Uint8Array(BODY_BYTES).fill(index);
    new DataView(body.buffer).setUint32(0, index);
    const voter = new Uint8Array(32);
    new DataView(voter.buffer).setUint32(0, index);
    return {
      content: { kind: 'ballot', ballot: { body, signature: new Uint8Array(64) } } as const,
      tracker: toBase64(sha256(body)),
      name: `voter${index}`,
      voter,
    };
  });
  const time = await seconds(async () => {
    // As the polling station does: the next batch is handed over while the one before is being written.
    let before: Promise<unknown> = Promise.resolve();
    for (let from = 0; from < ballots.length; from += BATCH) {
      const batch = ballots.slice(from, from + BATCH);
      const written = log.appendBallots(({ seq }) => ({
        contents: batch.map(({ content }) => content),
        voters: batch.map(({ name, voter: key }, index) => ({
          name,
          key,
          weight: 1,
          round: 1,
          number: 1,
          seq: seq + index,
        })),
        ballots: batch.map(({ tracker }, index) => ({ tracker, seq: seq + index })),
      }));
      await before;
      before = written;
    }
    await before;
  });
  await log.close();
  return ballots.length / time;
}
