import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { exportCar } from '#src/store/car.js';
import { invited } from '../support/made-ceremony.ts';
import type { PlaceOptions } from '../support/polling-place.ts';
import { TrusteePlace } from '../support/trustee-place.ts';
import { eventsOf, trustee } from '../support/trustee-program.ts';

describe('trustees over the network', () => {
  it('make their keys, show that they work, and decrypt, although one of them is lost', async (t) => {
    const set = await TrusteePlace.start(t, invited(1, 3, 2));
    await set.trustees.settle(set.place.invite, 1, 2, 3, 4);
    assert.deepEqual(set.place.organiser.calls.readiness()?.ready, [1, 2, 3, 4]);
    await set.voteAndClose();
    await set.trustees.settle(set.place.invite, 1, 2, 4);
    assert.equal(set.votes, 6);
    assert.equal(await set.verdict(), 'valid');
    assert.deepEqual(
      set.place.log.state.round?.decryptions?.map((one) => one.trustee),
      [1, 2, 4],
    );
    // Who comes after the count has nothing left to do.
    const late = await set.trustees.once(3, set.place.invite);
    assert.deepEqual(eventsOf(late), ['waiting-for']);
    assert.deepEqual(set.place.defects, []);
  });

  it('show what was done, keep their keys to themselves, and compare fingerprints', async (t) => {
    const set = await TrusteePlace.start(t, invited(0, 2, 2));
    const first = await set.trustees.once(1, set.place.invite);
    assert.deepEqual(eventsOf(first), ['key', 'certificate', 'waiting-for']);
    assert.equal((await stat(set.trustees.key(1))).mode & 0o777, 0o600);
    assert.equal((await stat(`${set.trustees.key(1)}.notes`)).mode & 0o777, 0o600);
    await set.trustees.settle(set.place.invite, 1, 2);
    const call = await set.place.organiser.calls.call();
    const ready = await set.trustees.once(2, set.place.invite);
    const shown = ready.lines.find(({ event }) => event === 'trustees')?.['trustees'];
    const { trustees } = await set.place.organiser.status();
    assert.deepEqual(
      (shown as { fingerprint: string }[]).map(({ fingerprint }) => fingerprint),
      (trustees ?? []).map(({ fingerprint }) => fingerprint),
    );
    const newest = set.place.log.state.call;
    assert.ok(newest !== undefined && newest.cid.equals(call.cid));
    assert.deepEqual(
      newest.answers.map((one) => one.trustee),
      [2],
    );
    const { seed } = JSON.parse(await readFile(set.trustees.key(1), 'utf8')) as { seed: string };
    for (const { out, err } of [first, ready]) assert.ok(!`${out}${err}`.includes(seed));
    for await (const chunk of set.place.source.entries(0))
      for (const entry of chunk) assert.ok(!Buffer.from(entry).includes(Buffer.from(seed, 'hex')));
  });

  it('are refused without the right invitation, and told why', async (t) => {
    const set = await TrusteePlace.start(t, invited(0, 2, 2));
    const { invite } = set.place;
    const expectRefused = async (code: string, exit: number, ...args: string[]) => {
      const ran = await trustee('join', '--dial', invite, '--once', ...args);
      assert.equal(ran.code, exit, ran.err);
      assert.equal((ran.lines.at(-1)?.['error'] as { code: string }).code, code);
    };
    const key = join(set.place.folder, 'stranger.key');
    const file = join(set.place.folder, 'invitation.txt');
    await expectRefused('usage', 2, '--key', key, '--no-passphrase');
    await writeFile(file, 'nothing of the kind', { mode: 0o600 });
    await expectRefused('bad-invitation', 2, '--key', key, '--no-passphrase', '--invitation-file', file);
    const [foreign = ''] = invited(0, 1, 1).codes;
    await writeFile(file, foreign, { mode: 0o600 });
    await expectRefused('not-invited', 1, '--key', key, '--no-passphrase', '--invitation-file', file);
    await expectRefused('invitation-needed', 1, '--key', key);
    // The invitation of the first trustee, used by another one before.
    await set.trustees.once(1, invite);
    const [code = ''] = set.who.codes;
    await writeFile(file, code, { mode: 0o600 });
    await expectRefused('invitation-used', 1, '--key', key, '--invitation-file', file);
    await chmod(file, 0o644);
    const open = join(set.place.folder, 'other.key');
    await expectRefused(
      'secret-file-exposed',
      1,
      '--key',
      open,
      '--no-passphrase',
      '--invitation-file',
      file,
    );
    const unpinned = await trustee('join', '--dial', set.place.bareAddress, '--once', '--key', key);
    assert.equal((unpinned.lines.at(-1)?.['error'] as { code: string }).code, 'not-pinned');
    assert.equal(unpinned.code, 2);
  });

  it('do the same by files, when they are not connected', async (t) => {
    const set = await TrusteePlace.start(t, invited(1, 2, 2));
    const log = join(set.place.folder, 'log.car');
    const answerAll = async (): Promise<boolean> => {
      let busy = false;
      for (const number of [1, 2, 3]) {
        await exportCar(set.place.source, log, { force: true });
        const file = join(set.place.folder, `from-${number}.json`);
        const ran = await trustee('answer', log, '--out', file, ...set.trustees.own(number));
        assert.equal(ran.code, 0, ran.err);
        if (!ran.lines.some(({ event }) => event === 'written')) continue;
        busy = true;
        assert.equal((await stat(file)).mode & 0o777, 0o600);
        await set.takeFile(file);
      }
      return busy;
    };
    while (await answerAll());
    assert.deepEqual(set.place.organiser.calls.readiness()?.ready, [1, 2, 3]);
    await set.voteAndClose();
    while (await answerAll());
    assert.equal(set.votes, 6);
    assert.equal(await set.verdict(), 'valid');
  });

  it('begin anew with the same keys and new invitations, when the organiser does', async (t) => {
    const set = await TrusteePlace.start(t, invited(0, 3, 2));
    const { invite, organiser } = set.place;
    await set.trustees.settle(invite, 1, 2);
    const again = invited(0, 2, 2);
    await organiser.ceremony.start(again.start);
    const without = await trustee('join', '--dial', invite, '--once', '--key', set.trustees.key(1));
    assert.equal((without.lines.at(-1)?.['error'] as { code: string }).code, 'invitation-needed');
    await set.invite(again);
    await set.trustees.settle(invite, 1, 2);
    assert.equal(organiser.ceremony.standing()?.done, true);
    assert.equal(await set.verdict(), 'valid');
  });

  it('answer the newest call, also when there are two in one breath', async (t) => {
    const misbehave: PlaceOptions['misbehave'] = (service) => ({
      async handIn(message) {
        // A second call while the answer to the first one is on its way.
        if (message.kind === 'readiness' && calls++ === 0) await set.place.organiser.calls.call();
        await service.handIn(message);
      },
    });
    let calls = 0;
    const set: TrusteePlace = await TrusteePlace.start(t, invited(1, 0, 0), { misbehave });
    await set.trustees.settle(set.place.invite, 1);
    assert.equal(calls, 2);
    assert.deepEqual(set.place.organiser.calls.readiness()?.ready, [1]);
    assert.ok(!set.place.events.some(({ type }) => type === 'trustee-refused'));
  });

  it('use a key in one program at a time, and hold every log against what the key saw before', async (t) => {
    const set = await TrusteePlace.start(t, invited(1, 0, 0));
    const { place, trustees } = set;
    await trustees.settle(place.invite, 1);
    const early = join(place.folder, 'early.car');
    await exportCar(place.source, early);
    await set.voteAndClose();
    await trustees.settle(place.invite, 1);
    const rolledBack = await trustee('decrypt', early, '--key', trustees.key(1));
    assert.equal((rolledBack.lines.at(-1)?.['error'] as { code: string }).code, 'invalid');
    await writeFile(`${trustees.key(1)}.lock`, `${process.pid}\n`);
    const busy = await trustees.once(1, place.invite);
    assert.equal((busy.lines.at(-1)?.['error'] as { code: string }).code, 'key-in-use');
    await rm(`${trustees.key(1)}.lock`);
    // A copy has the notes too.
    const copy = join(place.folder, 'elsewhere', 'copy.key');
    await mkdir(join(place.folder, 'elsewhere'));
    assert.equal((await trustee('backup', '--key', trustees.key(1), '--out', copy)).code, 0);
    const names = (await readdir(join(place.folder, 'elsewhere'))).map((name) =>
      name.replace(/[0-9a-f]{16}.*/, ''),
    );
    assert.deepEqual(names.sort(), ['copy.key', 'copy.key.notes', 'decrypted-']);
  });
});
