import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseReceipt } from '#src/log/receipt.js';
import { parseDialTarget } from '#src/net/invite.js';
import { type DialledPeer, dialPeer } from '#src/net/peer-client.js';
import { meetElection } from '#src/services/voter-session.js';
import { type Running, run, start } from '../test/support/processes.ts';
import { type Figure, median, seconds } from './support/figures.ts';
import { generateDataFolder } from './support/generate-log.ts';
import { type BenchKey, benchBallot, benchKeys } from './support/keys.ts';
import { ServerProcess } from './support/server-process.ts';

const VOTERS = 5_000;
const BALLOTS = 100_000;
const REPEATS = 3;
const RATE = 200;
const SECONDS = 20;
const CONNECTIONS = 16;
const OBSERVERS = [0, 1, 5] as const;

/** Observers as programs: how fast they catch up, how far behind they are under load, and what they cost the organiser. */
export async function observerBench(): Promise<readonly Figure[]> {
  return [...(await catchUp()), ...(await underLoad())];
}

/** From empty, against `verify-log` on the folder; the source of the log runs on the same machine and takes its share. */
async function catchUp(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'psephos-bench-'));
  try {
    const log = join(folder, 'log');
    await generateDataFolder(log, { voters: VOTERS, ballots: BALLOTS });
    const audits: number[] = [];
    const copies: number[] = [];
    const shares: number[] = [];
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      audits.push(BALLOTS / (await seconds(() => audited(log))));
      const source = await ServerProcess.serving(log);
      const before = await source.usage();
      const observer = startObserver(join(folder, `observer-${repeat}`), source.ready.address);
      const following = await momentOf(observer, /"event":"following"/);
      const caughtUp = await momentOf(observer, new RegExp(`"event":"caught-up","size":${BALLOTS + 9}`));
      copies.push(BALLOTS / (caughtUp - following));
      shares.push(((await source.usage()).cpu - before.cpu) / (caughtUp - following));
      await observer.kill('SIGINT');
      await source.stop();
    }
    const ratios = copies.map((copy, at) => copy / (audits[at] as number));
    return [
      {
        name: `verify-log on ${BALLOTS} ballots, its start included`,
        value: median(audits),
        unit: 'ballots/s',
      },
      { name: 'an observer catching up from empty, over loopback', value: median(copies), unit: 'ballots/s' },
      { name: 'ratio', value: median(ratios), unit: '×', target: { atLeast: 0.8 } },
      { name: 'cores that the source took meanwhile', value: median(shares), unit: '' },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function audited(folder: string): Promise<void> {
  const done = await run('verify-log', [folder]);
  if (done.code !== 0)
    throw new Error(`verify-log ended with code ${done.code}:\n${done.stdout}${done.stderr}`);
}

function startObserver(data: string, address: string): Running {
  return start('observer', ['--data', data, '--dial', address, '--listen', '/ip6/::1/tcp/0', '--json']);
}

/** When a process prints something, in seconds of a clock of this process. */
async function momentOf(process: Running, pattern: RegExp): Promise<number> {
  await process.waitFor(pattern);
  return performance.now() / 1000;
}

interface Load {
  /** Seconds between a voter's receipt and the entry's being on the observer's disk. */
  readonly lags: readonly number[];
  /** CPU seconds of the organiser's node, and bytes over loopback, per ballot. */
  readonly cpu: number;
  readonly bytes: number;
}

async function underLoad(): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  const loads: Load[] = [];
  for (const observers of OBSERVERS) loads.push(await load(observers));
  const [none, one, five] = loads as [Load, Load, Load];
  const lags = [...one.lags].sort((a, b) => a - b);
  figures.push(
    { name: `lag of an observer at ${RATE} ballots/s, median`, value: median(lags) * 1e3, unit: 'ms' },
    {
      name: `lag of an observer at ${RATE} ballots/s, p99`,
      value: (lags[Math.floor(lags.length * 0.99)] as number) * 1e3,
      unit: 'ms',
    },
    { name: 'CPU of the node per ballot without observers', value: none.cpu * 1e6, unit: 'µs' },
    { name: 'CPU per ballot and further observer', value: ((five.cpu - none.cpu) / 5) * 1e6, unit: 'µs' },
    { name: 'bytes over loopback per ballot without observers', value: none.bytes, unit: 'bytes' },
    { name: 'bytes per ballot and further observer', value: (five.bytes - none.bytes) / 5, unit: 'bytes' },
  );
  return figures;
}

/** Casts ballots at a steady rate, with so many observers following. */
async function load(observers: number): Promise<Load> {
  const count = RATE * SECONDS;
  const keys = benchKeys(count);
  const folder = await mkdtemp(join(tmpdir(), 'psephos-bench-'));
  const server = await ServerProcess.start(count);
  const watching: Running[] = [];
  const clients: DialledPeer[] = [];
  try {
    for (let at = 0; at < observers; at++) {
      const one = startObserver(join(folder, String(at)), server.ready.address);
      watching.push(one);
      await one.waitFor(/"event":"caught-up"/);
    }
    const target = parseDialTarget(server.ready.address);
    for (let at = 0; at < CONNECTIONS; at++) clients.push(await dialPeer(target));
    const before = { cpu: (await server.usage()).cpu, bytes: await loopbackBytes() };
    const arrivals = watching[0] === undefined ? undefined : new Arrivals(watching[0]);
    const receipts = await castSteadily(clients, keys);
    const last = Math.max(...receipts.map(({ index }) => index));
    if (arrivals !== undefined) await arrivals.reach(last);
    const after = { cpu: (await server.usage()).cpu, bytes: await loopbackBytes() };
    arrivals?.stop();
    return {
      lags:
        arrivals === undefined ? [] : receipts.map(({ index, at }) => Math.max(0, arrivals.of(index) - at)),
      cpu: (after.cpu - before.cpu) / count,
      bytes: (after.bytes - before.bytes) / count,
    };
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await Promise.all(watching.map((one) => one.kill('SIGINT')));
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function castSteadily(clients: readonly DialledPeer[], keys: readonly BenchKey[]) {
  const { round } = await meetElection(clients[0] as DialledPeer);
  if (round === null) throw new Error('no round is open');
  const begun = performance.now();
  return Promise.all(
    keys.map(async (key, at) => {
      await sleep(begun + (at * 1000) / RATE - performance.now());
      const ballot = benchBallot({ form: 'open', round: round.cid, number: 1, choices: [[0]] }, key);
      const receipt = parseReceipt(await (clients[at % CONNECTIONS] as DialledPeer).cast(ballot));
      if (!receipt.ok) throw new Error(receipt.error);
      return { index: receipt.value.index, at: performance.now() / 1000 };
    }),
  );
}

/** When an observer's copy reached which size, as it says while it runs. */
class Arrivals {
  readonly #observer: Running;
  readonly #reached: { readonly size: number; readonly at: number }[] = [];
  readonly #timer: NodeJS.Timeout;
  #read = 0;

  constructor(observer: Running) {
    this.#observer = observer;
    // Its lines arrive in this process whenever they arrive; a millisecond's grain is enough.
    this.#timer = setInterval(() => {
      this.#take();
    }, 1);
  }

  async reach(index: number): Promise<void> {
    while (!this.#reached.some(({ size }) => size > index)) await sleep(5);
  }

  of(index: number): number {
    return this.#reached.find(({ size }) => size > index)?.at ?? Number.NaN;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #take(): void {
    const end = this.#observer.stdout.lastIndexOf('\n') + 1;
    if (end <= this.#read) return;
    const lines = this.#observer.stdout.slice(this.#read, end);
    this.#read = end;
    for (const [, size] of lines.matchAll(/"event":"caught-up","size":(\d+)/g))
      this.#reached.push({ size: Number(size), at: performance.now() / 1000 });
  }
}

/** Bytes sent over the loopback interface so far; of all programs, so that nothing else must run beside a bench. */
async function loopbackBytes(): Promise<number> {
  const table = await readFile('/proc/net/dev', 'utf8');
  const [, fields = ''] = /^\s*lo:(.*)$/m.exec(table) ?? [];
  return Number(fields.trim().split(/\s+/)[8]);
}
