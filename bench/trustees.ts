import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decryptPartially, verifyPartialDecryption } from '#src/belenios/v1/decryption.js';
import { encryptBit } from '#src/belenios/v1/elgamal.js';
import type { EncryptedTally } from '#src/belenios/v1/messages.js';
import { generateTrustee } from '#src/belenios/v1/trustees.js';
import { group } from '#src/crypto/group/group.js';
import { platformRandom } from '#src/services/platform-random.js';
import { MadeCeremony, invited } from '../test/support/made-ceremony.ts';
import { type Running, run, start } from '../test/support/processes.ts';
import { freePort } from '../test/support/free-port.ts';
import { type Figure, median, seconds } from './support/figures.ts';

const REPEATS = 5;
/** The usual small set-up, and the largest group. */
const GROUPS = [
  { members: 3, threshold: 2 },
  { members: 20, threshold: 11 },
] as const;
const CELLS = [10, 1000] as const;

/** Key ceremonies, by real programs and as mere computing, and what a trustee computes for a count. */
export async function trusteesBench(): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const { members, threshold } of GROUPS) {
    const what = `a key of ${members} trustees (${threshold} needed)`;
    figures.push(
      {
        name: `${what}: programs, from their start to the last proof`,
        value: await ceremony(members, threshold),
        unit: 's',
      },
      {
        name: `${what}: computing of all trustees and one check`,
        value: await computing(members, threshold),
        unit: 's',
      },
    );
  }
  for (const cells of CELLS) {
    const { decrypt, verify } = await decryption(cells);
    figures.push(
      { name: `a trustee's decryption of ${cells} answers, with proofs`, value: decrypt * 1e3, unit: 'ms' },
      { name: `checking it`, value: verify * 1e3, unit: 'ms' },
    );
  }
  return figures;
}

/** Seconds from the start of all trustees' programs, at once, until each has shown that its share works; the organiser's program runs before. */
async function ceremony(members: number, threshold: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'psephos-bench-'));
  const path = (name: string) => join(folder, name);
  const running: Running[] = [];
  try {
    const common = ['--data', path('election'), '--keys', path('keys')];
    await writeFile(path('voters.txt'), 'v1\nv2\nv3\nv4\nv5\n');
    await writeFile(path('candidates.txt'), 'a\nb\n');
    const files = ['--voters', path('voters.txt'), '--candidates', path('candidates.txt')];
    const names = Array.from({ length: members }, (_, at) => ['--invite', `Trustee ${at + 1}`]).flat();
    const made = await run('admin', [
      ...common,
      ...['init', '--title', 'Bench', ...files, ...names, '--threshold', String(threshold)],
    ]);
    if (made.code !== 0) throw new Error(made.stderr);
    const admin = start('admin', [...common, '--json', '--listen', `/ip6/::1/tcp/${await freePort()}`]);
    running.push(admin);
    const [, invite = ''] = await admin.waitFor(/"invite":"([^"]+)"/);
    return await seconds(async () => {
      for (let number = 1; number <= members; number++) {
        const own = ['--key', path(`${number}.key`), '--no-passphrase'];
        const invitation = ['--invitation-file', path(`election/invitations/trustee-${number}.txt`)];
        running.push(start('trustee', ['join', '--dial', invite, ...own, ...invitation]));
      }
      await admin.waitFor(new RegExp(`"absent":\\[\\][^\\n]*`));
    });
  } finally {
    for (const one of running.reverse()) await one.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

async function computing(members: number, threshold: number): Promise<number> {
  return seconds(() => {
    const { record } = new MadeCeremony(invited(0, members, threshold)).run();
    if (record.trustees === undefined) throw new Error('the ceremony should be done');
    return Promise.resolve();
  });
}

async function decryption(cells: number): Promise<{ readonly decrypt: number; readonly verify: number }> {
  const { secret, publicKey } = generateTrustee(platformRandom);
  const key = publicKey.publicKey;
  const tally: EncryptedTally = [
    Array.from({ length: cells }, () => encryptBit(key, 0, group.randomScalar(platformRandom))),
  ];
  const decrypting: number[] = [];
  const verifying: number[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    let made: ReturnType<typeof decryptPartially> | undefined;
    decrypting.push(
      await seconds(() => Promise.resolve((made = decryptPartially('bench', secret, tally, platformRandom)))),
    );
    verifying.push(
      await seconds(() => {
        if (made === undefined || !verifyPartialDecryption('bench', key, tally, made).ok)
          throw new Error('the decryption should be valid');
        return Promise.resolve();
      }),
    );
  }
  return { decrypt: median(decrypting), verify: median(verifying) };
}
