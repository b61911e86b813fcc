import assert from 'node:assert/strict';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type BallotCheckReport } from '#src/services/ports.js';
import { origin, openCheckpoint } from '#src/log/checkpoint.js';
import { run as runProcess } from '../support/processes.ts';
import { valueOf } from '../support/results.ts';
import { run } from '../support/run-voter.ts';
import { newStateFolder } from '../support/state-folder.ts';
import { tempFolder } from '../support/temp-election.ts';
import { TestObserver } from '../support/test-observer.ts';
import { alarmsOf, receiptOf, start, verify, vote } from '../support/voter-visits.ts';

describe('what was cast from here', () => {
  it('is looked for at the next visit, once, and counted without a name', async (t) => {
    const told: BallotCheckReport[] = [];
    const place = await start(t, {
      misbehave: (service) => ({
        reportChecks: (report) => {
          told.push(report);
          return service.reportChecks(report);
        },
      }),
    });
    const state = newStateFolder();
    const tracker = (await vote(place, 0, { state })).events['cast']?.['tracker'];
    const second = await vote(place, 1, { state });
    assert.equal(second.code, 0, second.err);
    assert.deepEqual(
      second.lines.filter(({ event }) => event === 'earlier').map((line) => [line['tracker'], line['found']]),
      [[tracker, 'found']],
    );
    assert.ok(second.err.includes(`Your earlier ballot ${String(tracker)} is in the log`));
    assert.deepEqual(told, [{ round: 1, found: 1, missing: 0 }], 'a round and an outcome, and nothing else');
    await vote(place, 2, { state });
    const fourth = await vote(place, 0, { state, receipt: 'again' });
    const lookedFor = fourth.lines.filter(({ event }) => event === 'earlier').map((line) => line['tracker']);
    assert.equal(lookedFor.length, 2);
    assert.ok(!lookedFor.includes(tracker), 'what was found in a longer log stays in it');
    assert.deepEqual(place.checks.of(1), { found: 3, missing: 0 });
  });

  it('is told to an observer where one can be reached', async (t) => {
    const place = await start(t);
    const observer = await TestObserver.start(t, place.log);
    await vote(place, 0);
    const ran = await verify(place.address, receiptOf(place, 0), {}, '--observer', observer.address);
    assert.equal(ran.code, 0, ran.err);
    assert.deepEqual(observer.checks.of(1), { found: 1, missing: 0 });
    assert.deepEqual(place.checks.of(1), { found: 0, missing: 0 });
  });

  it('is remembered for its owner alone, and not at all on request', async (t) => {
    const place = await start(t);
    const state = join(await tempFolder(t), 'a', 'b');
    assert.equal((await vote(place, 0, { state }, '--no-memory')).code, 0);
    await assert.rejects(stat(state));
    assert.equal((await vote(place, 1, { state })).code, 0);
    const file = join(state, `${place.log.electionId}.json`);
    assert.equal((await stat(state)).mode & 0o077, 0);
    assert.equal((await stat(file)).mode & 0o077, 0);
    assert.deepEqual(await readdir(state), [`${place.log.electionId}.json`]);
  });

  it('costs no vote where the memory is damaged, or can not be kept', async (t) => {
    const place = await start(t);
    const state = await tempFolder(t);
    const name = `${place.log.electionId}.json`;
    await writeFile(join(state, name), '{"psephos":"voter-memory"');
    const ran = await vote(place, 0, { state });
    assert.equal(ran.code, 0, ran.err);
    assert.match(ran.err, /put aside/);
    const names = await readdir(state);
    assert.equal(names.length, 2);
    assert.match(names.find((one) => one !== name) ?? '', /\.damaged-[0-9a-f]{8}\.json$/);
    assert.equal((await verify(place.address, receiptOf(place, 0), { state })).code, 0);

    const inTheWay = join(state, 'file');
    await writeFile(inTheWay, '');
    const unkept = await vote(place, 1, { state: inTheWay });
    assert.equal(unkept.code, 0, unkept.err);
    assert.match(unkept.err, /WARNING: what this program remembers can't be used/);
  });

  it('is no alarm where the disk has changed a receipt', async (t) => {
    const place = await start(t);
    const state = newStateFolder();
    assert.equal((await vote(place, 0, { state })).code, 0);
    const file = join(state, `${place.log.electionId}.json`);
    const kept = await readFile(file, 'utf8');
    const changed = kept.replace(
      /(extra .{60})(.)/,
      (_, before: string, symbol: string) => before + (symbol === 'A' ? 'B' : 'A'),
    );
    assert.notEqual(changed, kept);
    await writeFile(file, changed);
    const ran = await vote(place, 1, { state });
    assert.equal(ran.code, 0, ran.err);
    assert.deepEqual(alarmsOf(ran), []);
    assert.equal(ran.events['earlier'], undefined);
  });

  it('is compared again after the disk has changed the checkpoint', async (t) => {
    const place = await start(t);
    const state = newStateFolder();
    assert.equal((await vote(place, 0, { state })).code, 0);
    const file = join(state, `${place.log.electionId}.json`);
    const kept = await readFile(file, 'utf8');
    const entries = place.log.head.size;
    const changed = kept.replace(`\\n${entries}\\n`, `\\n${entries}000\\n`);
    assert.notEqual(changed, kept);
    await writeFile(file, changed);
    const ran = await vote(place, 1, { state });
    assert.equal(ran.code, 0, ran.err);
    assert.deepEqual(alarmsOf(ran), []);
    const { checkpoint } = JSON.parse(await readFile(file, 'utf8')) as { checkpoint: string };
    const key = { origin: origin(place.log.electionId), publicKey: place.log.genesis.authority };
    assert.equal(valueOf(openCheckpoint(checkpoint, key)).size, place.log.head.size);
  });

  it('is all remembered where processes vote at once', async (t) => {
    const place = await start(t, { secrets: false });
    const env = { PSEPHOS_STATE: newStateFolder() };
    const all = await Promise.all(
      place.voters.map(async (_, index) =>
        runProcess(
          'voter',
          [
            ...['--dial', place.address, '--key-file', await place.keyFile(index), '--choose', 'a', '--yes'],
            ...['--receipt', receiptOf(place, index)],
          ],
          { env },
        ),
      ),
    );
    for (const { code, stderr } of all) assert.equal(code, 0, stderr);
    const kept = await readFile(join(env.PSEPHOS_STATE, `${place.log.electionId}.json`), 'utf8');
    assert.equal((JSON.parse(kept) as { receipts: unknown[] }).receipts.length, 3);
  });

  it('is all remembered where several programs vote at once', async (t) => {
    const place = await start(t, { voters: 5, secrets: false });
    const state = newStateFolder();
    const all = await Promise.all(
      place.voters.map(async (_, index) =>
        run(
          [
            ...['--dial', place.address, '--key-file', await place.keyFile(index), '--choose', 'a', '--yes'],
            ...['--json', '--receipt', join(place.folder, `r${index}`)],
          ],
          '',
          state,
        ),
      ),
    );
    assert.deepEqual(
      all.map(({ code }) => code),
      [0, 0, 0, 0, 0],
      all.map(({ err }) => err).join(''),
    );
    const kept = JSON.parse(await readFile(join(state, `${place.log.electionId}.json`), 'utf8')) as {
      receipts: { text: string }[];
    };
    const saved = await Promise.all(
      place.voters.map((_, index) => readFile(join(place.folder, `r${index}`), 'utf8')),
    );
    assert.deepEqual(new Set(kept.receipts.map(({ text }) => text)), new Set(saved));
  });
});
