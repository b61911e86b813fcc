import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '#src/base/bytes.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { type Running, run, start } from './processes.ts';
import { testSeed } from './temp-election.ts';

/** An election made by `admin init` as a process, whose voters v0, v1, … hold the keys of `testSeed(0)`, …. */
export interface OrganisedElection {
  readonly folder: string;
  readonly data: string;
  readonly common: readonly string[];
}

export const ANSWERS = ['a', 'b', 'c'];

/** Makes an election with open ballots in `folder`; its round is open unless `options` says otherwise. */
export async function organise(
  folder: string,
  voters: number,
  options: readonly string[] = ['--open'],
): Promise<OrganisedElection> {
  const data = join(folder, 'election');
  const common = ['--data', data, '--keys', join(folder, 'keys')];
  await writeFile(join(folder, 'candidates.txt'), ANSWERS.join('\n'));
  const rows = Array.from({ length: voters }, (_, i) => `v${i},${toHex(publicKeyOf(testSeed(i)))}`);
  await writeFile(join(folder, 'voters.csv'), ['username,publicKey', ...rows].join('\n'));
  const made = await run('admin', [
    ...common,
    ...['init', '--title', 'Board', '--candidates', join(folder, 'candidates.txt')],
    ...['--voters', join(folder, 'voters.csv'), '--secrecy', 'open', ...options],
  ]);
  if (made.code !== 0) throw new Error(`admin init failed:\n${made.stdout}\n${made.stderr}`);
  return { folder, data, common };
}

/** Starts `admin` on ::1 and waits until it listens. */
export async function startAdmin(
  election: OrganisedElection,
  options: {
    readonly port?: number;
    readonly under?: readonly string[];
    readonly args?: readonly string[];
  } = {},
): Promise<{ readonly admin: Running; readonly address: string; readonly port: number }> {
  const listen = ['--listen', `/ip6/::1/tcp/${options.port ?? 0}`];
  const admin = start('admin', [...election.common, ...listen, ...(options.args ?? [])], {
    cwd: election.folder,
    ...(options.under === undefined ? {} : { under: options.under }),
  });
  // Its own, and not the beginning of one through a relay.
  const [address, port] = await admin.waitFor(/\/ip6\/::1\/tcp\/(\d+)\/p2p\/\w+(?![\w/])/);
  return { admin, address, port: Number(port) };
}
