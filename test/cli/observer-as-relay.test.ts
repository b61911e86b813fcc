import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { publicKeyOf } from '#src/crypto/signature.js';
import { writeKeyFile } from '#src/store/key-files.js';
import { cleanUp } from '../support/cleanup.ts';
import { organise, startAdmin } from '../support/organised-election.ts';
import { jsonLines, run, start } from '../support/processes.ts';
import { tempFolder, testSeed } from '../support/temp-election.ts';

it('an observer is the organiser’s relay as well, and nobody else’s', async (t) => {
  const folder = await tempFolder(t);
  const election = await organise(folder, 1);
  const before = await startAdmin(election, { args: ['--no-qr'] });
  cleanUp(t, () => before.admin.kill('SIGKILL'));
  const observer = start('observer', [
    ...['--data', join(folder, 'observer'), '--dial', before.address],
    ...['--listen', '/ip6/::1/tcp/0', '--as-relay', '--json'],
  ]);
  cleanUp(t, () => observer.kill('SIGKILL'));
  const [running] = await observer.waitFor(/\{"event":"running".*\n/);
  const [address = ''] = (JSON.parse(running) as { addresses: string[] }).addresses;
  await before.admin.kill('SIGINT');

  const { admin, address: own } = await startAdmin(election, { args: ['--relay', address, '--no-qr'] });
  cleanUp(t, () => admin.kill('SIGKILL'));
  await admin.waitFor(/Others can also get here through the relay/);
  await observer.waitFor(/\{"event":"reserved"\}/);
  const through = `${address}/p2p-circuit${own.slice(own.lastIndexOf('/p2p/'))}`;
  const seed = testSeed(0);
  const key = join(folder, 'voter.key');
  await writeKeyFile(key, { role: 'voter', seed, publicKey: publicKeyOf(seed) });
  const args = ['--dial', through, '--key-file', key, '--choose', 'b', '--yes', '--json'];
  const voted = await run('voter', [...args, '--receipt', join(folder, 'voter.tlog-proof')], { cwd: folder });
  assert.equal(voted.code, 0, voted.stderr);
  assert.equal(jsonLines(voted.stdout).find(({ event }) => event === 'connected')?.['path'], 'relayed');

  const other = start('observer', [
    ...['--data', join(folder, 'other'), '--dial', own, '--listen', '/ip6/::1/tcp/0'],
    ...['--relay', address, '--json'],
  ]);
  cleanUp(t, () => other.kill('SIGKILL'));
  await other.waitFor(/the relay does not serve this peer/);

  assert.equal((await admin.kill('SIGINT')).code, 0);
  await observer.waitFor(/\{"event":"unreserved"\}/);
  assert.equal((await observer.kill('SIGINT')).code, 0);
});
