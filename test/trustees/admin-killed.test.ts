import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runTrustee } from '#src/cli/trustee.js';
import { capturedIo } from '../support/captured-io.ts';
import { cleanUp } from '../support/cleanup.ts';
import { type Running, jsonLines, run, start } from '../support/processes.ts';
import { freePort } from '../support/free-port.ts';
import { tempFolder } from '../support/temp-election.ts';

describe('an admin process that is killed during a key ceremony', () => {
  it('after every step goes on where it was when it is started again, while the trustees’ programs wait for it', async (t) => {
    const folder = await tempFolder(t);
    const path = (name: string) => join(folder, name);
    const common = ['--data', path('election'), '--keys', path('keys')];
    await writeFile(path('voters.txt'), 'v1\nv2\nv3\nv4\nv5\nv6\n');
    await writeFile(path('candidates.txt'), 'a\nb\n');
    const who = ['--invite', 'Ana', '--invite', 'Ben', '--threshold', '2', '--invite-single', 'Cleo'];
    const files = ['--voters', path('voters.txt'), '--candidates', path('candidates.txt')];
    const made = await run('admin', [...common, 'init', '--title', 'Board', ...files, ...who]);
    assert.equal(made.code, 0, made.stderr);
    const listen = ['--listen', `/ip6/::1/tcp/${await freePort()}`];
    let admin: Running | undefined;
    cleanUp(t, async () => admin?.kill('SIGKILL'));
    const begin = async (): Promise<{ readonly running: Running; readonly invite: string }> => {
      const running = start('admin', [...common, '--json', ...listen]);
      admin = running;
      const [, invite] = await running.waitFor(/"invite":"([^"]+)"/);
      return { running, invite: invite ?? '' };
    };
    let { running, invite } = await begin();
    const programs = [1, 2, 3].map((number) => {
      const io = capturedIo();
      const own = ['--key', path(`${number}.key`), '--no-passphrase', '--json'];
      const invitation = ['--invitation-file', path(`election/invitations/trustee-${number}.txt`)];
      return { io, ended: runTrustee(['join', '--dial', invite, ...own, ...invitation], io) };
    });
    cleanUp(t, async () => {
      for (const { io, ended } of programs) {
        io.interrupt();
        await ended;
      }
    });
    // Killed at each new step, and at each proof that a trustee could decrypt.
    for (let kills = 0; kills < 10; kills++) {
      await running.waitFor(/"event":"(trustee-step|trustee-ready)"/);
      await running.kill('SIGKILL');
      ({ running, invite } = await begin());
      const status = jsonLines((await run('admin', [...common, 'trustees', '--json'])).stdout)[0];
      if ((status?.['readiness'] as { ready: number[] } | null)?.ready.length === 3) break;
    }
    const opened = await run('admin', [...common, 'open']);
    assert.equal(opened.code, 0, opened.stderr);
    const audit = await run('verify-log', [invite]);
    assert.equal(audit.code, 0, audit.stdout);
    assert.match(audit.stdout, /✓ The trustees are those that the key ceremony made/);
    assert.match(
      audit.stdout,
      /2 of 2 members and the single trustee decrypt: Cleo [-0-9A-Z]+, Ana [-0-9A-Z]+, Ben/,
    );
  });
});
