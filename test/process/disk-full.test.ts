import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { encodeSignedBallot, signBallot } from '#src/election/ballot.js';
import { parseDialTarget } from '#src/net/invite.js';
import { dialPeer } from '#src/net/peer-client.js';
import { PeerRefusal } from '#src/services/ports.js';
import { meetElection } from '#src/services/voter-session.js';
import { needs } from '../support/needs.ts';
import { organise, startAdmin } from '../support/organised-election.ts';
import { run } from '../support/processes.ts';
import { testSeed } from '../support/temp-election.ts';
import { cleanUp } from '../support/cleanup.ts';

const VOTERS = 3;
/** Space left on the full disk: some batches, and not many. */
const LEFT_BYTES = 100_000;

describe('a full disk', () => {
  it('refuses ballots for the time being, loses none, and takes them again once there is space', async (t) => {
    const disk = await mkdtemp(join(tmpdir(), 'psephos-disk-'));
    cleanUp(t, async () => {
      spawnSync('umount', ['-l', disk]);
      await rm(disk, { recursive: true, force: true });
    });
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk]).status === 0;
    if (!needs(t, 'a small tmpfs (root on Linux)', mounted)) return;

    const election = await organise(disk, VOTERS);
    const { admin, address } = await startAdmin(election);
    cleanUp(t, () => admin.kill('SIGKILL'));
    const client = await dialPeer(parseDialTarget(address), { retries: 0 });
    cleanUp(t, () => client.close());
    const { round } = await meetElection(client);
    assert.ok(round);
    const cast = (turn: number) => {
      const number = Math.floor(turn / VOTERS) + 1;
      const ballot = { form: 'open', round: round.cid, number, choices: [[turn % 3]] } as const;
      return client.cast(encodeSignedBallot(signBallot(ballot, testSeed(turn % VOTERS))));
    };
    await cast(0);

    const { bsize, bavail } = await statfs(disk);
    const filler = join(disk, 'filler');
    await writeFile(filler, new Uint8Array(bsize * bavail - LEFT_BYTES));
    let turn = 1;
    const full = await assertFills(async () => {
      await cast(turn);
      turn++;
    });
    assert.equal(full.code, 'busy');
    await admin.waitFor(/disk is full/i);

    await rm(filler);
    for (;;) {
      // The answer to the refused ballot: it was either not written, and is now, or it was, and here is its receipt.
      const outcome = await cast(turn).then(
        () => 'taken',
        (error: unknown) => (error instanceof PeerRefusal ? error.code : Promise.reject(error as Error)),
      );
      if (outcome === 'taken') break;
      assert.equal(outcome, 'busy');
      await setTimeout(200);
    }
    assert.equal((await admin.kill('SIGINT')).code, 0);
    const audit = await run('verify-log', [election.data]);
    assert.equal(audit.code, 0, audit.stdout + audit.stderr);
    assert.match(audit.stdout, new RegExp(`${turn + 1} ballots`));
  });
});

async function assertFills(castNext: () => Promise<void>): Promise<PeerRefusal> {
  for (let tries = 0; tries < 2000; tries++) {
    try {
      await castNext();
    } catch (error) {
      if (error instanceof PeerRefusal) return error;
      throw error;
    }
  }
  return assert.fail('the disk never became full');
}
