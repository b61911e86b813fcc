import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { runVoter } from '#src/cli/voter.js';
import { PeerRefusal } from '#src/services/ports.js';
import { dialPeer, parseDialTarget } from '#src/net/index.js';
import { capturedIo } from '../support/captured-io.ts';
import { cleanUp } from '../support/cleanup.ts';
import { type PlaceOptions, PollingPlace } from '../support/polling-place.ts';
import { jsonLines } from '../support/processes.ts';
import { args, failed, run, voteAs } from '../support/run-voter.ts';
import { QUESTION, tempFolder } from '../support/temp-election.ts';

const start = (t: TestContext, options: PlaceOptions = {}) =>
  PollingPlace.start(t, { voters: 2, ...options });

const verify = (place: PollingPlace, receipt: string, ...more: string[]) =>
  run([
    'verify',
    '--receipt',
    join(place.folder, receipt),
    '--dial',
    place.address,
    '--wait',
    '0',
    '--json',
    ...more,
  ]);

/** Puts another symbol of base64 in the place of one. */
const another = (_: string, before: string, symbol: string) => before + (symbol === 'A' ? 'B' : 'A');

/** An altered copy of a text file. */
async function alter(from: string, to: string, change: (text: string) => string): Promise<void> {
  const text = await readFile(from, 'utf8');
  const changed = change(text);
  assert.notEqual(changed, text);
  await writeFile(to, changed);
}

describe('voter verify', () => {
  it('proves that the ballot is in the log, and shows it on request', async (t) => {
    const place = await start(t);
    const cast = (await voteAs(place, 0, ['b'])).events['cast'];
    await voteAs(place, 1, ['c']);
    const ran = await verify(place, 'v0.tlog-proof');
    assert.equal(ran.code, 0, ran.err);
    const { tracker, index, receiptSize, currentSize, ballot } = ran.events['verified'] ?? {};
    assert.deepEqual(
      { tracker, index, receiptSize, currentSize },
      { tracker: cast?.['tracker'], index: 3, receiptSize: 4, currentSize: 5 },
    );
    assert.equal(ballot, undefined);
    const shown = await verify(place, 'v0.tlog-proof', '--show');
    assert.deepEqual(shown.events['verified']?.['ballot'], cast?.['ballot']);
    assert.match(shown.err, /VALID[^]*→ b/);
  });

  it('shows a ballot of an earlier round by that round’s questions', async (t) => {
    const place = await start(t);
    await voteAs(place, 0, ['c']);
    await place.organiser.close();
    await place.organiser.prepare({
      title: 'Run-off',
      questions: [{ ...QUESTION, answers: ['a', 'b'] }],
      opens: null,
      closes: null,
    });
    await place.organiser.open();
    const ran = await verify(place, 'v0.tlog-proof', '--show');
    assert.equal(ran.code, 0, ran.err);
    assert.match(ran.err, /in round 1:[^]*→ c/);
    const client = await dialPeer(parseDialTarget(place.address));
    cleanUp(t, () => client.close());
    assert.equal((await client.inclusion({ round: 1 })).index, 2);
    await assert.rejects(client.inclusion({ round: 3 }), { name: 'PeerRefusal', code: 'not-found' });
  });

  it('refuses an altered receipt, wherever it was altered', async (t) => {
    const place = await start(t);
    await voteAs(place, 1, ['a']);
    await voteAs(place, 0, ['b']);
    const receipt = join(place.folder, 'v0.tlog-proof');
    const altered = join(place.folder, 'altered');
    const changes: readonly ((text: string) => string)[] = [
      (text) => text.replace(/^index 4$/m, 'index 3'),
      (text) => text.replace(/^(extra .{41})(.)/m, another),
      (text) => text.replace(/^extra .*\n/m, ''),
      (text) => text.replace(/\n5\n/, '\n6\n'),
      (text) => text.replace(/(index 4\n.{10})(.)/, another),
      (text) => text.replace(/^(— \S+ .{60})(.)/m, another),
      (text) => text.slice(0, text.length / 2),
      () => 'hello\n',
    ];
    for (const change of changes) {
      await alter(receipt, altered, change);
      failed(await verify(place, 'altered'), 'bad-receipt', 1);
    }
    await writeFile(altered, Uint8Array.of(0xff, 0xfe, 0));
    failed(await verify(place, 'altered'), 'bad-receipt-file', 2);
    failed(await verify(place, 'absent'), 'not-found', 2);
  });

  it('tells a receipt of another election from a bad one', async (t) => {
    const [one, other] = [await start(t), await start(t)];
    await voteAs(one, 0, ['a']);
    const ran = await run([
      'verify',
      '--receipt',
      join(one.folder, 'v0.tlog-proof'),
      '--dial',
      other.address,
      '--json',
    ]);
    failed(ran, 'wrong-election', 1);
    assert.ok(ran.err.includes(one.log.electionId) && ran.err.includes(other.log.electionId));
  });

  it('finds out that the log was rolled back, or rewritten', async (t) => {
    const place = await start(t);
    const folder = await tempFolder(t);
    await place.stop();
    await cp(place.folder, folder, { recursive: true });
    const first = await start(t, { folder: place.folder, existing: place.voters });
    const cast = await voteAs(first, 0, ['a']);
    assert.equal(cast.code, 0, cast.err);
    await first.stop();

    const rolledBack = await start(t, { folder, existing: place.voters });
    const receipt = [
      '--receipt',
      join(first.folder, 'v0.tlog-proof'),
      '--dial',
      rolledBack.address,
      '--json',
    ];
    const shorter = await run(['verify', ...receipt]);
    failed(shorter, 'log-conflict', 1);
    assert.match(shorter.err, /receipt is evidence/);
    await voteAs(rolledBack, 1, ['b'], 'other');
    failed(await run(['verify', ...receipt]), 'log-conflict', 1);
    await voteAs(rolledBack, 0, ['b'], 'another');
    failed(await run(['verify', ...receipt]), 'log-conflict', 1);
  });
});

describe('voter, when the connection fails', () => {
  it('sends the same ballot again after a lost answer, and gets its receipt', async (t) => {
    let casts = 0;
    const place: PollingPlace = await start(t, {
      deadlines: { stopMs: 20 },
      misbehave: (service) => ({
        cast: async (ballot) => {
          const receipt = await service.cast(ballot);
          casts += 1;
          if (casts > 1) return receipt;
          // The answer is lost with the connection; the node is back a moment later.
          const back = place.hangUp().then(() => place.listen());
          return back.then(() => new Promise<never>(() => undefined));
        },
      }),
    });
    const argv = (await args(place, 0, ['a'], 'r')).map((word, at, all) =>
      all[at - 1] === '--wait' ? '30' : word,
    );
    const ran = await run(argv);
    assert.equal(ran.code, 0, ran.err);
    assert.equal(casts, 2);
    assert.equal(place.log.turnout.ballots, 1);
    assert.equal(ran.events['waiting']?.['event'], 'waiting');
    assert.match(ran.err, /Trying again in/);
    assert.equal((await verify(place, 'r')).code, 0);
  });

  it('waits while the polling station is busy, and says so', async (t) => {
    let casts = 0;
    const place = await start(t, {
      misbehave: (service) => ({
        cast: (ballot) => {
          casts += 1;
          if (casts === 1)
            return Promise.reject(new PeerRefusal('busy', 'Many ballots are arriving at once.', 10));
          return service.cast(ballot);
        },
      }),
    });
    const ran = await run(
      (await args(place, 0, ['a'], 'r')).map((word, at, all) => (all[at - 1] === '--wait' ? '30' : word)),
    );
    assert.equal(ran.code, 0, ran.err);
    assert.equal(ran.events['waiting']?.['code'], 'busy');
    assert.match(ran.err, /machine is busy: Many ballots/);
  });

  it('tries for a while to reach a machine that is being started again', async (t) => {
    const place = await start(t);
    const argv = (await args(place, 0, ['a'], 'r')).map((word, at, all) =>
      all[at - 1] === '--wait' ? '30' : word,
    );
    await place.hangUp();
    const io = capturedIo();
    const running = runVoter(argv, io);
    await io.waitFor('Trying again in');
    await place.listen();
    assert.equal(await running, 0, io.err());
  });

  it('says that a ballot may have been cast where no answer came, and finds its receipt later', async (t) => {
    const place = await start(t, {
      misbehave: (service) => ({
        cast: async (ballot) => {
          await service.cast(ballot);
          throw new PeerRefusal('internal', 'The node failed to answer.');
        },
      }),
    });
    const ran = await voteAs(place, 0, ['c']);
    failed(ran, 'no-answer', 3);
    assert.match(ran.err, /may have been cast[^]*voter\.js receipt/);
    assert.equal(place.log.turnout.ballots, 1);

    const found = join(place.folder, 'found');
    const who = ['--dial', place.address, '--username', 'v0', '--secret-file', await place.secretFile(0)];
    const receipt = await run(['receipt', ...who, '--receipt', found, '--json']);
    assert.equal(receipt.code, 0, receipt.err);
    assert.ok(
      ran.err.includes(receipt.events['receipt']?.['tracker'] as string),
      'it is the ballot that was sent',
    );
    assert.match((await verify(place, 'found', '--show')).err, /→ c/);
    failed(await run(['receipt', ...who, '--receipt', found, '--json']), 'file-exists', 1);
  });

  it('makes no receipt for somebody who cast nothing, or of a ballot that is another’s', async (t) => {
    const place = await start(t, {
      misbehave: (service) => ({
        standing: async (query) => {
          const record = await service.standing(query);
          return record?.name === 'v1' ? { ...record, seq: 3 } : record;
        },
      }),
    });
    await voteAs(place, 0, ['a']);
    const who = async (voter: number) => [
      ...[
        'receipt',
        '--dial',
        place.address,
        '--username',
        `v${voter}`,
        '--secret-file',
        await place.secretFile(voter),
      ],
      ...['--receipt', join(place.folder, 'x'), '--json'],
    ];
    failed(await run(await who(1)), 'bad-answer', 1);
    const fresh = await start(t);
    const nobody = await run([
      ...[
        'receipt',
        '--dial',
        fresh.address,
        '--username',
        'v0',
        '--secret-file',
        await fresh.secretFile(0),
        '--json',
      ],
    ]);
    failed(nobody, 'no-ballot', 1);
  });

  it('says what may have become of the ballot when it is interrupted on the way', async (t) => {
    let arrived: () => void = () => undefined;
    const sent = new Promise<void>((resolve) => (arrived = resolve));
    const place = await start(t, {
      deadlines: { stopMs: 20 },
      misbehave: () => ({
        cast: () => {
          arrived();
          return new Promise<never>(() => undefined);
        },
      }),
    });
    const io = capturedIo();
    const running = runVoter(await args(place, 0, ['a'], 'r'), io);
    await sent;
    io.interrupt();
    assert.equal(await running, 1);
    const [error] = jsonLines(io.out()).flatMap((line) => ('error' in line ? [line['error']] : [])) as [
      { code: string; message: string },
    ];
    assert.equal(error.code, 'interrupted');
    assert.match(error.message, /may have been cast/);
  });

  it('casts nothing when it is interrupted before', async (t) => {
    const place = await start(t);
    const argv = (await args(place, 0, ['a'], 'r')).map((word, at, all) =>
      all[at - 1] === '--wait' ? '30' : word,
    );
    await place.hangUp();
    const io = capturedIo();
    const running = runVoter(argv, io);
    await io.waitFor('Trying again in');
    io.interrupt();
    assert.equal(await running, 1);
    assert.match(io.err(), /Interrupted\. Nothing was cast\./);
  });
});
