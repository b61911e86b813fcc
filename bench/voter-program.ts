import { readFile, rm, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, start } from '../test/support/processes.ts';
import { type Figure, median, seconds } from './support/figures.ts';

const VOTERS = 9;

/** `node dist/voter.js` as a voter meets it, from the start of the process to its end with a checked receipt on disk. */
export async function voterProgramBench(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'psephos-bench-'));
  const common = ['--data', join(folder, 'election'), '--keys', join(folder, 'keys')];
  const candidates = join(folder, 'candidates.txt');
  const voters = join(folder, 'voters.txt');
  await writeFile(candidates, 'a\nb\nc\n');
  await writeFile(voters, Array.from({ length: VOTERS }, (_, i) => `voter${i}\n`).join(''));
  const made = await run('admin', [
    ...common,
    ...['init', '--title', 'Bench', '--candidates', candidates, '--voters', voters, '--open'],
  ]);
  if (made.code !== 0) throw new Error(made.stderr);
  const admin = start('admin', [...common, '--listen', '/ip6/::1/tcp/0'], { cwd: folder });
  try {
    const [address] = await admin.waitFor(/\/ip6\/::1\/tcp\/\d+\/p2p\/\w+/);
    const csv = await readFile(join(folder, 'election', 'credentials', 'credentials.csv'), 'utf8');
    const secrets = csv.match(/(?:[0-9A-Z]{4}-){5}[0-9A-Z]{4}/g) ?? [];
    const times: number[] = [];
    for (const [index, secret] of secrets.entries()) {
      const file = join(folder, `${index}.secret`);
      await writeFile(file, secret, { mode: 0o600 });
      const args = [
        '--dial',
        address,
        '--username',
        `voter${index}`,
        '--secret-file',
        file,
        '--choose',
        'a',
        '--yes',
      ];
      times.push(
        await seconds(async () => {
          const done = await run('voter', [...args, '--receipt', join(folder, `${index}.tlog-proof`)]);
          if (done.code !== 0) throw new Error(done.stderr);
        }),
      );
    }
    const starts: number[] = [];
    for (let i = 0; i < VOTERS; i++) starts.push(await seconds(() => run('voter', ['--help'])));
    return [
      { name: 'voter program, from start to receipt (median)', value: median(times) * 1000, unit: 'ms' },
      { name: 'of that, merely starting (median of --help)', value: median(starts) * 1000, unit: 'ms' },
    ];
  } finally {
    await admin.kill('SIGINT');
    await rm(folder, { recursive: true, force: true });
  }
}
