import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../test/support/processes.ts';
import { type Figure, median, seconds } from './support/figures.ts';
import { generateDataFolder } from './support/generate-log.ts';
import { type VerificationCost, rateOfAllCores, verificationCost } from './support/verification-rate.ts';

const VOTERS = 5_000;
const SMALL = 100_000;
const LARGE = 1_000_000;
const REPEATS = 5;

/**
 * `verify-log` as a process, from its start to its verdict, on data folders of two sizes: its rate against what all
 * cores could do if checking a ballot were one native Ed25519 verification and nothing else, and its peak memory.
 */
export async function auditBench(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'psephos-bench-'));
  try {
    const small = join(folder, 'small');
    await generateDataFolder(small, { voters: VOTERS, ballots: SMALL });
    const runs: { readonly single: VerificationCost; readonly all: number; readonly audit: Audit }[] = [];
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      const single = verificationCost();
      const before = await rateOfAllCores();
      const audit = await auditFolder(small);
      // The machine's speed drifts within seconds, so the yardstick is laid on both sides.
      runs.push({ single, audit, all: (before + (await rateOfAllCores())) / 2 });
    }
    const large = join(folder, 'large');
    await generateDataFolder(large, { voters: VOTERS, ballots: LARGE });
    const million = await auditFolder(large);

    const cores = availableParallelism();
    const rate = median(runs.map(({ single }) => 1 / single.wall));
    const all = median(runs.map((one) => one.all));
    const ballots = median(runs.map(({ audit }) => SMALL / audit.wall));
    const share = median(runs.map(({ audit, single }) => (SMALL / audit.wall) * (single.wall / cores)));
    const shareOfAll = median(runs.map((one) => SMALL / one.audit.wall / one.all));
    const cpu = median(runs.map(({ audit, single }) => audit.cpu / SMALL / single.cpu));
    const peak = Math.max(...runs.map(({ audit }) => audit.peak));
    return [
      { name: 'native Ed25519 verification, one thread', value: rate, unit: '/s' },
      { name: `native Ed25519 verification, ${cores} threads at once`, value: all, unit: '/s' },
      { name: `verify-log on ${SMALL} ballots of ${VOTERS} voters`, value: ballots, unit: 'ballots/s' },
      {
        name: `share of ${cores} × one thread's verification rate`,
        value: share,
        unit: '',
        target: { atLeast: 0.6 },
      },
      {
        name: `share of ${cores} threads' verification rate`,
        value: shareOfAll,
        unit: '',
        target: { atLeast: 0.6 },
      },
      { name: 'CPU time per ballot, in verifications', value: cpu, unit: '×', target: { atMost: 1.6 } },
      { name: `peak memory at ${SMALL} ballots`, value: peak, unit: 'MB', target: { atMost: 300 } },
      { name: `verify-log on ${LARGE} ballots`, value: LARGE / million.wall, unit: 'ballots/s' },
      { name: `peak memory at ${LARGE} ballots`, value: million.peak, unit: 'MB', target: { atMost: 300 } },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Audit {
  /** Seconds from start to verdict, and seconds of processor time. */
  readonly wall: number;
  readonly cpu: number;
  /** In MB. */
  readonly peak: number;
}

/** Loaded into the program before its own code: it tells its use of resources when it ends. */
const TELL = `import { isMainThread } from 'node:worker_threads';
if (isMainThread) process.on('exit', () => process.stderr.write(JSON.stringify(process.resourceUsage()) + '\\n'));`;
const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(TELL)}`;

async function auditFolder(folder: string): Promise<Audit> {
  let told = '';
  const wall = await seconds(async () => {
    const done = await run('verify-log', [folder], { env: { NODE_OPTIONS } });
    if (done.code !== 0)
      throw new Error(`verify-log ended with code ${done.code}:\n${done.stdout}${done.stderr}`);
    told = done.stderr;
  });
  const usage = JSON.parse(told.trimEnd().split('\n').at(-1) ?? '') as NodeJS.ResourceUsage;
  return { wall, cpu: (usage.userCPUTime + usage.systemCPUTime) / 1e6, peak: usage.maxRSS / 1024 };
}
