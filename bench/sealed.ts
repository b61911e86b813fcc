import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { auditBelenios } from '#src/audit/archive/audit-file.js';
import { ballotContext, sealBallot, verifyBallot } from '#src/belenios/v1/ballot.js';
import { scalarOfSeed } from '#src/crypto/group/seed.js';
import { combine, decryptPartially } from '#src/belenios/v1/decryption.js';
import { DiscreteLog } from '#src/belenios/v1/discrete-log.js';
import type { Ballot, Election } from '#src/belenios/v1/messages.js';
import { TallySum } from '#src/belenios/v1/tally.js';
import { generateTrustee } from '#src/belenios/v1/trustees.js';
import { run as runProgram } from '../test/support/processes.ts';
import { repositoryPath } from '../test/support/repository.ts';
import { testSeed } from '../test/support/temp-election.ts';
import { type Figure, median, seconds } from './support/figures.ts';

const run = promisify(execFile);
const random = (length: number) => new Uint8Array(randomBytes(length));
/** 300 ballots on one question of 5 answers, made by Belenios' own program. */
const ARCHIVE = repositoryPath('test/fixtures/belenios/h-large/tallied.bel');
const BALLOTS = 300;
const REPEATS = 5;

/** Sealed ballots: auditing them against Belenios' own program where it is installed, making them, and counting them. */
export async function sealedBench(): Promise<readonly Figure[]> {
  return [...(await auditFigures()), ...(await sealingFigures()), ...(await tallyFigures())];
}

async function auditFigures(): Promise<Figure[]> {
  const ours: number[] = [];
  const ourProcesses: number[] = [];
  const theirs: number[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'psephos-bench-'));
  try {
    await copyFile(ARCHIVE, join(folder, 'election.bel'));
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      ours.push(await seconds(() => audit()));
      ourProcesses.push(await seconds(() => verifyLog()));
      const theirTime = await seconds(() => judge(folder)).catch(() => undefined);
      if (theirTime !== undefined) theirs.push(theirTime);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const own = median(ours) / BALLOTS;
  const process = median(ourProcesses) / BALLOTS;
  const figures: Figure[] = [
    { name: 'audit of an archive, per ballot of 5 answers', value: own * 1e3, unit: 'ms' },
    { name: 'the same, times cores', value: own * availableParallelism() * 1e3, unit: 'ms' },
    { name: 'verify-log on it, from its start to its verdict', value: process * 1e3, unit: 'ms' },
  ];
  if (theirs.length < REPEATS) return figures;
  const their = median(theirs) / BALLOTS;
  return [
    ...figures,
    { name: "the same by Belenios' own program (one core)", value: their * 1e3, unit: 'ms' },
    { name: 'how many times as fast', value: their / own, unit: '×', target: { atLeast: 2.5 } },
    {
      name: 'how many times as fast, program against program',
      value: their / process,
      unit: '×',
      target: { atLeast: 2.5 },
    },
  ];
}

async function audit(): Promise<void> {
  const { verdict } = await auditBelenios(createReadStream(ARCHIVE), {
    onProgress: () => undefined,
    signal: new AbortController().signal,
  });
  if (verdict !== 'valid') throw new Error('the archive should be valid');
}

async function verifyLog(): Promise<void> {
  const { code, stdout } = await runProgram('verify-log', [ARCHIVE]);
  if (code !== 0) throw new Error(`the archive should be valid:\n${stdout}`);
}

/** Without the variable its program (3.0) does not wait for the check of the ballots. */
async function judge(folder: string): Promise<void> {
  await run('belenios-tool', ['election', 'verify', '--dir', folder], {
    env: { ...process.env, LWT_ASYNC_METHOD: 'none', BELENIOS_USE_URANDOM: '1' },
  });
}

function electionOf(answers: number) {
  const { publicKey, secret } = generateTrustee(random);
  const election: Election = {
    description: '',
    name: 'Bench',
    publicKey: publicKey.publicKey,
    questions: [
      { answers: Array.from({ length: answers }, (_, i) => `answer ${i}`), min: 1, max: 1, question: '?' },
    ],
    uuid: 'BenchBenchBench',
  };
  return {
    election,
    secret,
    trustees: [{ kind: 'Single', key: publicKey }] as const,
    context: ballotContext(election, 'h'),
  };
}

async function sealingFigures(): Promise<Figure[]> {
  const credential = scalarOfSeed(testSeed(1));
  const figures: Figure[] = [];
  for (const answers of [5, 20, 100]) {
    const { context } = electionOf(answers);
    let ballot: Ballot | undefined;
    const sealing: number[] = [];
    for (let repeat = 0; repeat < REPEATS; repeat++)
      sealing.push(
        await seconds(() => {
          ({ ballot } = sealBallot(context, credential, [[answers - 1]], random));
          return Promise.resolve();
        }),
      );
    figures.push({
      name: `sealing a ballot of ${answers} answers`,
      value: median(sealing) * 1e3,
      unit: 'ms',
      ...(answers === 5 ? { target: { atMost: 100 } } : {}),
    });
    const sealed = ballot;
    if (sealed === undefined) throw new Error('no ballot was sealed');
    const verifying = await seconds(() => Promise.resolve(verifyBallot(context, sealed)));
    figures.push({ name: `verifying it`, value: verifying * 1e3, unit: 'ms' });
  }
  return figures;
}

async function tallyFigures(): Promise<Figure[]> {
  const { election, context, secret, trustees } = electionOf(5);
  const { ballot } = sealBallot(context, scalarOfSeed(testSeed(1)), [[0]], random);
  const choices = ballot.answers.map((answer) => answer.choices);
  const figures: Figure[] = [];
  for (const count of [1000, 10_000]) {
    const sum = new TallySum(election);
    const adding = await seconds(() => {
      for (let i = 0; i < count; i++) sum.add(choices, 1n);
      return Promise.resolve();
    });
    const opening = await seconds(() => {
      const tally = sum.value();
      const partial = decryptPartially('h', secret, tally, random);
      const combined = combine(trustees, tally, new Map([[1, partial.decryptionFactors]]));
      const log = new DiscreteLog(BigInt(count));
      if (!combined.ok || log.solve(combined.value[0]?.[0] ?? context.publicKey) !== BigInt(count))
        throw new Error('a wrong result');
      return Promise.resolve();
    });
    const named = count.toLocaleString('en');
    figures.push(
      { name: `tally of ${named} ballots of 5 answers`, value: adding, unit: 's' },
      { name: `its decryption by one trustee, and the result`, value: opening, unit: 's' },
    );
  }
  return figures;
}
