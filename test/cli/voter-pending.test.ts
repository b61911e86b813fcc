import assert from 'node:assert/strict';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { runVoter } from '#src/cli/voter.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { fromBase64 } from '#src/base/bytes.js';
import { type NodeService, PeerRefusal } from '#src/services/ports.js';
import { capturedIo } from '../support/captured-io.ts';
import { inviteWith, keptIn } from '../support/kept-ballots.ts';
import { type PlaceOptions, PollingPlace } from '../support/polling-place.ts';
import { start as startProcess, run as runProcess } from '../support/processes.ts';
import { type Ran, failed, run } from '../support/run-voter.ts';
import { FakeService, testNode } from '../net/support.ts';
import { newStateFolder } from '../support/state-folder.ts';
import { QUESTION, testSeed } from '../support/temp-election.ts';
import { TestObserver } from '../support/test-observer.ts';

interface Away {
  readonly place: PollingPlace;
  readonly invite: string;
  readonly keys: readonly string[];
  /** Arguments of a scripted vote, and more of them. */
  readonly argv: (voter: number, choice: string, ...more: readonly string[]) => string[];
}

/** An organiser who can go away and come back, and an observer who stays. */
async function election(t: TestContext, options: PlaceOptions = {}): Promise<Away> {
  const place = await PollingPlace.start(t, { secrets: false, ...options });
  const invite = inviteWith(place, await TestObserver.start(t, place.log));
  const keys = await Promise.all(place.voters.map((_, voter) => place.keyFile(voter)));
  let count = 0;
  return {
    place,
    invite,
    keys,
    argv: (voter, choice, ...more) => {
      count += 1;
      return [
        ...['--dial', invite, '--key-file', keys[voter] ?? '', '--choose', choice, '--yes', '--json'],
        ...['--receipt', join(place.folder, `r${count}`), '--wait', '0', ...more],
      ];
    },
  };
}

const trackerIn = ({ events }: Ran, event: string) => events[event]?.['tracker'];

async function ballotIn(file: string | undefined): Promise<Uint8Array | undefined> {
  const { ballot } = JSON.parse(await readFile(file ?? '', 'utf8')) as { ballot: string };
  return fromBase64(ballot);
}

describe('a ballot whose organiser is away', () => {
  for (const secrecy of ['open', 'sealed'] as const) {
    it(`is made from what an observer shows, kept, and cast by the next run: ${secrecy}`, async (t) => {
      const { place, argv } = await election(t, { policy: { secrecy } });
      const state = newStateFolder();
      await place.hangUp();
      const ran = await run(argv(0, 'b'), '', state);
      failed(ran, 'unreachable', 3, place);
      assert.match(
        ran.err,
        /The organiser's computer can't be reached\.\nYour ballot is (sealed and )?signed, and kept in/,
      );
      assert.match(ran.err, /was not sent, and is kept in/);
      const [file, ...others] = await keptIn(state);
      assert.deepEqual(others, []);
      assert.equal(ran.events['kept']?.['file'], file);
      assert.equal((await stat(file ?? '')).mode & 0o777, 0o600);
      assert.equal((await stat(state)).mode & 0o077, 0);

      await place.listen();
      const next = await run(argv(0, 'c'), '', state);
      assert.equal(next.code, 0, next.err);
      assert.match(next.err, /is kept on this computer since .* and is not known to be cast/);
      assert.match(next.err, /choices that you gave now were not used/);
      assert.equal(trackerIn(next, 'cast'), trackerIn(ran, 'kept'));
      assert.equal(trackerIn(next, 'pending'), trackerIn(ran, 'kept'));
      assert.deepEqual(await readdir(state), [`${place.log.electionId}.json`], 'nothing is kept any more');
      assert.equal(place.log.turnout.ballots, 1);
      if (secrecy === 'open')
        assert.deepEqual(next.events['cast']?.['ballot'], [
          { question: 'Which one?', blank: false, answers: ['b'] },
        ]);
    });
  }

  it('is cast by the run that made it as soon as the organiser is back', async (t) => {
    const { place, argv } = await election(t);
    const state = newStateFolder();
    await place.hangUp();
    const io = capturedIo({ state });
    const running = runVoter(argv(0, 'b', '--wait', '60'), io);
    await io.waitFor('It will be cast when that computer answers again');
    await io.waitFor('Trying again in');
    assert.equal((await keptIn(state)).length, 1);
    await place.listen();
    assert.equal(await running, 0, io.err());
    assert.deepEqual(await keptIn(state), []);
    assert.equal(place.log.turnout.ballots, 1);
  });

  it('is kept before the first byte of it is sent, and until its receipt is saved', async (t) => {
    const state = newStateFolder();
    const seen: boolean[] = [];
    const { place, argv } = await election(t, {
      misbehave: (service) => ({
        cast: async (ballot, onPromise) => {
          const [file] = await keptIn(state);
          seen.push(
            file !== undefined && Buffer.from(ballot).equals((await ballotIn(file)) ?? new Uint8Array()),
          );
          return service.cast(ballot, onPromise);
        },
      }),
    });
    const ran = await run(argv(0, 'a'), '', state);
    assert.equal(ran.code, 0, ran.err);
    assert.deepEqual(seen, [true]);
    assert.equal(ran.events['kept'], undefined, 'nothing is said where nothing waits');
    assert.deepEqual(await keptIn(state), []);
    assert.equal(place.log.turnout.ballots, 1);
  });

  it('of which the answer was lost gets its receipt by the next run, and is no second ballot', async (t) => {
    let isLost = true;
    const { place, argv } = await election(t, {
      misbehave: (service: NodeService) => ({
        cast: async (ballot) => {
          const receipt = await service.cast(ballot);
          if (isLost) throw new PeerRefusal('internal', 'The node failed to answer.');
          return receipt;
        },
      }),
    });
    const state = newStateFolder();
    const ran = await run(argv(0, 'a'), '', state);
    failed(ran, 'no-answer', 3);
    assert.match(ran.err, /It is kept in .*: run the program again, and it casts that ballot/);
    isLost = false;
    const next = await run(argv(0, 'a'), '', state);
    assert.equal(next.code, 0, next.err);
    assert.equal(next.events['cast']?.['number'], 1);
    assert.equal(place.log.turnout.ballots, 1);
    assert.deepEqual(await keptIn(state), []);
  });

  it('and that may be cast is never said not to have been sent', async (t) => {
    const { place, argv } = await election(t, {
      misbehave: (service: NodeService) => ({
        cast: async (ballot) => {
          await service.cast(ballot);
          throw new PeerRefusal('internal', 'The node failed to answer.');
        },
      }),
    });
    const state = newStateFolder();
    failed(await run(argv(0, 'a'), '', state), 'no-answer', 3);
    assert.equal(place.log.turnout.ballots, 1);
    await place.hangUp();
    const ran = await run(argv(0, 'a'), '', state);
    failed(ran, 'unreachable', 3);
    assert.match(ran.err, /was not sent now, but may have been before; it is kept in/);
  });

  it('waits on while somebody else has the address', async (t) => {
    const { place, argv } = await election(t);
    const state = newStateFolder();
    const address = place.bareAddress;
    await place.hangUp();
    const { node: stranger } = await testNode(t, new FakeService(), {}, { listen: address });
    failed(await run(argv(0, 'b'), '', newStateFolder()), 'wrong-peer', 1, place);
    const io = capturedIo({ state });
    const running = runVoter(argv(0, 'b', '--wait', '60'), io);
    await io.waitFor('It will be cast when that computer answers again');
    await io.waitFor('The peer that was asked for is not at this address');
    assert.equal((await keptIn(state)).length, 1);
    await stranger.stop();
    await place.listen();
    assert.equal(await running, 0, io.err());
    assert.equal(place.log.turnout.ballots, 1);
  });

  it('may have been cast where somebody else has the address before the answer came', async (t) => {
    let replacing: Promise<unknown> | undefined;
    const { place, argv } = await election(t, {
      misbehave: (service: NodeService) => ({
        cast: async (ballot) => {
          await service.cast(ballot);
          const listen = place.bareAddress;
          // It waits for this answer, after which the voter comes back.
          replacing = place.hangUp().then(() => testNode(t, new FakeService(), {}, { listen }));
          throw new PeerRefusal('busy', 'Many ballots are arriving at once.', 1_000);
        },
      }),
    });
    const state = newStateFolder();
    const ran = await run(argv(0, 'b', '--wait', '20'), '', state);
    await replacing;
    failed(ran, 'no-answer', 3);
    assert.match(ran.err, /may have been cast/);
    assert.equal((await keptIn(state)).length, 1);
    assert.equal(place.log.turnout.ballots, 1);
  });

  it('stays where it is on Ctrl-C, and needs no secret to be cast later', async (t) => {
    const { place, invite, argv } = await election(t);
    const state = newStateFolder();
    await place.hangUp();
    const io = capturedIo({ state });
    const running = runVoter(argv(0, 'b', '--wait', '60'), io);
    await io.waitFor('Trying again in');
    io.interrupt();
    assert.equal(await running, 1);
    assert.match(io.err(), /Interrupted[^]*It was not sent, and is kept in/);
    await place.listen();
    const receipt = join(place.folder, 'later');
    const later = await run(
      ['--dial', invite, '--pending', 'cast', '--json', '--receipt', receipt],
      '',
      state,
    );
    assert.equal(later.code, 0, later.err);
    assert.equal(place.log.turnout.ballots, 1);
    const none = await run(['--dial', invite, '--pending', 'cast', '--json'], '', state);
    failed(none, 'nothing-kept', 1);
  });

  it('outlives the program that waits with it', async (t) => {
    const { place, argv } = await election(t);
    const env = { PSEPHOS_STATE: newStateFolder() };
    await place.hangUp();
    const killed = startProcess('voter', argv(0, 'b', '--wait', '60'), { env });
    await killed.waitFor(/"event":"kept"[^]*"event":"waiting"/);
    await killed.kill('SIGKILL');
    const [file] = await keptIn(env.PSEPHOS_STATE);
    assert.ok(file !== undefined);
    const next = startProcess('voter', argv(0, 'b', '--wait', '60'), { env });
    await next.waitFor(/"event":"pending"[^]*"event":"waiting"/);
    await place.listen();
    const ended = await next.finished;
    assert.equal(ended.code, 0, ended.stderr);
    assert.equal(place.log.turnout.ballots, 1);
    assert.deepEqual(await keptIn(env.PSEPHOS_STATE), []);
  });

  it('is cast once by several programs that wait with it', async (t) => {
    const { place, argv } = await election(t);
    const env = { PSEPHOS_STATE: newStateFolder() };
    await place.hangUp();
    const first = startProcess('voter', argv(0, 'b', '--wait', '60'), { env });
    await first.waitFor(/"event":"kept"/);
    const all = [first, startProcess('voter', argv(0, 'b', '--wait', '60'), { env })];
    await all[1]?.waitFor(/"event":"waiting"/);
    await place.listen();
    const ended = await Promise.all(all.map(({ finished }) => finished));
    for (const { code, stderr } of ended) assert.equal(code, 0, stderr);
    assert.equal(place.log.turnout.ballots, 1);
    const receipts = await Promise.all(
      ['r1', 'r2'].map((name) => readFile(join(place.folder, name), 'utf8')),
    );
    assert.equal(receipts[0], receipts[1]);
  });

  it('is held by the program alone where nothing is to be remembered', async (t) => {
    const { place, argv } = await election(t);
    const state = newStateFolder();
    await place.hangUp();
    const ran = await run(argv(0, 'b', '--no-memory'), '', state);
    failed(ran, 'unreachable', 3, place);
    assert.match(ran.err, /held by this program alone: it is lost when the program ends/);
    assert.match(ran.err, /nothing is kept on this computer/);
    await assert.rejects(stat(state));
    await place.listen();
    const again = await run(argv(0, 'c', '--no-memory'), '', state);
    assert.equal(again.code, 0, again.err);
    assert.equal(place.log.turnout.ballots, 1);
  });

  it('is cast where it can not be kept', async (t) => {
    const { place, argv } = await election(t);
    const inTheWay = join(place.folder, 'file');
    await writeFile(inTheWay, '');
    const ran = await run(argv(0, 'b'), '', inTheWay);
    assert.equal(ran.code, 0, ran.err);
    assert.match(ran.err, /WARNING: no ballot can be kept on this computer/);
  });

  it('is not made from what a wrong observer shows, or one that has no open round', async (t) => {
    const { place, argv } = await election(t);
    const foreign = await PollingPlace.start(t, { secrets: false });
    const behind = await TestObserver.start(t, place.log, {
      misbehave: (service) => ({ info: async () => ({ ...(await service.info()), open: false }) }),
    });
    const observers = [await TestObserver.start(t, foreign.log), behind];
    const invites = observers.map((observer) => inviteWith(place, observer));
    await place.hangUp();
    for (const invite of invites) {
      const state = newStateFolder();
      const ran = await run(argv(0, 'b').with(1, invite), '', state);
      failed(ran, 'unreachable', 3, place);
      assert.equal(ran.events['election'], undefined);
      assert.deepEqual(await keptIn(state), []);
    }
  });

  it('can not be made before the election is known', async (t) => {
    const { place, argv } = await election(t);
    const state = newStateFolder();
    const nowhere = argv(0, 'b').with(1, place.address);
    await place.hangUp();
    const ran = await run(nowhere, '', state);
    failed(ran, 'unreachable', 3, place);
    assert.match(ran.err, /No ballot was made/);
    assert.deepEqual(await keptIn(state), []);
    const io = capturedIo({ state });
    const running = runVoter([...nowhere, '--wait', '60'], io);
    await io.waitFor('No ballot can be made before it is');
    await place.listen();
    assert.equal(await running, 0, io.err());
    assert.equal(place.log.turnout.ballots, 1);
  });
});

describe('a ballot that is kept', () => {
  /** Keeps one of voter 0 for `b`, with the organiser back afterwards. */
  async function keeping(
    t: TestContext,
    options: PlaceOptions = {},
  ): Promise<Away & { readonly state: string }> {
    const away = await election(t, options);
    const state = newStateFolder();
    await away.place.hangUp();
    failed(await run(away.argv(0, 'b'), '', state), 'unreachable', 3, away.place);
    assert.equal((await keptIn(state)).length, 1);
    return { ...away, state };
  }

  for (const revote of ['last', 'never'] as const) {
    it(`never replaces one that was cast elsewhere meanwhile: revote ${revote}`, async (t) => {
      const { place, argv, state } = await keeping(t, { policy: { revote } });
      await place.listen();
      assert.equal((await run(argv(0, 'c'))).code, 0, 'from another computer');
      const ran = await run(argv(0, 'b'), '', state);
      failed(ran, 'already-voted', 1);
      assert.match(ran.err, /Another ballot of yours came before it/);
      assert.deepEqual(await keptIn(state), []);
      const { result } = await place.organiser.close();
      assert.deepEqual(result?.entry.questions[0]?.answers, [0, 0, 1]);
    });
  }

  it('is refused and forgotten where its round closed, or the next one is open, meanwhile', async (t) => {
    for (const isNextOpen of [false, true]) {
      const { place, argv, state } = await keeping(t);
      await place.organiser.close();
      if (isNextOpen) {
        await place.organiser.prepare({ title: 'Round 2', questions: [QUESTION], opens: null, closes: null });
        await place.organiser.open({ untested: true });
      }
      await place.listen();
      const ran = await run(argv(0, 'b'), '', state);
      failed(ran, isNextOpen ? 'wrong-election' : 'closed', 1);
      assert.match(
        ran.err,
        /that was kept here is not in the log, can not be cast any more, and is kept no longer/,
      );
      assert.deepEqual(await keptIn(state), []);
      const next = await run(argv(0, 'a'), '', state);
      if (isNextOpen) assert.equal(next.code, 0, next.err);
      else failed(next, 'closed', 1);
    }
  });

  it('stays where another election has taken the organiser’s place', async (t) => {
    const { place, argv, state } = await keeping(t);
    const { port } = place;
    const other = await PollingPlace.start(t, { secrets: false, port });
    const invite = inviteWith(other, await TestObserver.start(t, place.log)).replace(
      other.log.electionId,
      place.log.electionId,
    );
    failed(await run(argv(0, 'b').with(1, invite), '', state), 'wrong-election', 1);
    assert.equal((await keptIn(state)).length, 1);
    // It runs in one folder for each election, so that this one is none of its business.
    const there = await run(argv(0, 'b').with(1, other.address), '', state);
    assert.equal(there.code, 0, there.err);
    assert.equal((await keptIn(state)).length, 1);
    await other.hangUp();
  });

  it('can be thrown away for a new one, and a program that waits with it stops', async (t) => {
    const { place, argv, state } = await keeping(t);
    const io = capturedIo({ state });
    const waiting = runVoter(argv(0, 'b', '--wait', '60'), io);
    await io.waitFor('Trying again in');
    const discarding = await run(argv(0, 'c', '--pending', 'discard'), '', state);
    failed(discarding, 'unreachable', 3, place);
    assert.match(
      discarding.err,
      /is thrown away[^]*If it was sent before, it may be in the log all the same/,
    );
    assert.notEqual(trackerIn(discarding, 'kept'), trackerIn(discarding, 'discarded'));
    await place.listen();
    assert.equal(await waiting, 1);
    assert.match(io.err(), /is not kept here any more/);
    assert.equal(place.log.turnout.ballots, 0);
    const cast = await run(argv(0, 'c'), '', state);
    assert.equal(trackerIn(cast, 'cast'), trackerIn(discarding, 'kept'));
    assert.equal(place.log.turnout.ballots, 1);
  });

  it('is found by whoever made it also where the roll shows pseudonyms', async (t) => {
    const { place, argv } = await election(t, { secrets: true, voters: 2, policy: { names: 'pseudonym' } });
    const state = newStateFolder();
    const unobserved = place.invite;
    const as = async (voter: number, ...more: readonly string[]) => {
      const who = ['--username', `v${voter}`, '--secret-file', await place.secretFile(voter)];
      return run([...argv(voter, 'b').toSpliced(2, 2, ...who), ...more], '', state);
    };
    await place.hangUp();
    failed(await as(0), 'unreachable', 3, place);
    const away = await as(0, '--dial', unobserved);
    failed(away, 'unreachable', 3, place);
    assert.match(away.err, /stays kept on this computer/);
    await place.listen();
    const other = await as(1, '--pending', 'cast');
    failed(other, 'nothing-kept', 1, place);
    assert.equal((await as(0, '--pending', 'cast')).code, 0);
    assert.deepEqual(await keptIn(state), []);
    assert.equal(place.log.turnout.ballots, 1);
  });

  it('of which the answer was lost gets its receipt after its round, also where the roll shows pseudonyms', async (t) => {
    let isLost = true;
    const { place, argv } = await election(t, {
      ...{ secrets: true, voters: 1, policy: { names: 'pseudonym' } },
      misbehave: (service: NodeService) => ({
        cast: async (ballot) => {
          const receipt = await service.cast(ballot);
          if (isLost) throw new PeerRefusal('internal', 'The node failed to answer.');
          return receipt;
        },
      }),
    });
    const state = newStateFolder();
    const who = ['--username', 'v0', '--secret-file', await place.secretFile(0)];
    failed(await run(argv(0, 'a').toSpliced(2, 2, ...who), '', state), 'no-answer', 3);
    isLost = false;
    await place.organiser.close();
    const ran = await run(argv(0, 'a').toSpliced(2, 2, ...who), '', state);
    assert.equal(ran.code, 0, ran.err);
    assert.deepEqual(await keptIn(state), []);
  });

  it('is nothing to other voters of the same computer', async (t) => {
    const { place, argv, state } = await keeping(t);
    await place.listen();
    const other = await run(argv(1, 'a'), '', state);
    assert.equal(other.code, 0, other.err);
    assert.equal(other.events['pending'], undefined);
    assert.equal((await keptIn(state)).length, 1);
    assert.equal((await run(argv(0, 'a'), '', state)).code, 0);
    assert.equal(place.log.turnout.voted, 2);
  });

  it('and is refused keeps no other voter’s on this computer from being cast', async (t) => {
    const { place, invite, argv, state } = await keeping(t);
    await place.hangUp();
    failed(await run(argv(1, 'a'), '', state), 'unreachable', 3, place);
    await place.listen();
    const [first = ''] = await keptIn(state);
    const isOfFirst = first.includes(Buffer.from(publicKeyOf(testSeed(0))).toString('hex'));
    assert.equal((await run(argv(isOfFirst ? 0 : 1, 'c'))).code, 0, 'from another computer');
    const argvAll = ['--dial', invite, '--pending', 'cast', '--json'];
    const ran = await runProcess('voter', argvAll, { env: { PSEPHOS_STATE: state }, cwd: place.folder });
    assert.equal(ran.code, 1, ran.stderr);
    assert.match(ran.stderr, /Another ballot of yours came before it/);
    assert.deepEqual(await keptIn(state), []);
    assert.equal(place.log.turnout.voted, 2);
  });

  it('and was damaged on the disk is put aside, and hinders nobody', async (t) => {
    const { place, argv, state } = await keeping(t);
    const [file = ''] = await keptIn(state);
    await writeFile(file, (await readFile(file, 'utf8')).replace('"ballot":"', '"ballot":"AAAA'));
    await place.listen();
    const ran = await run(argv(0, 'c'), '', state);
    assert.equal(ran.code, 0, ran.err);
    assert.match(ran.err, /can't be read, and was put aside: .*\.damaged-[0-9a-f]{8}\.json/);
    const { result } = await place.organiser.close();
    assert.deepEqual(result?.entry.questions[0]?.answers, [0, 0, 1]);
  });

  it('hinders nobody where its file says a time that no clock shows', async (t) => {
    const { place, argv, state } = await keeping(t);
    const [file = ''] = await keptIn(state);
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/"made":\d+/, `"made":${Number.MAX_SAFE_INTEGER}`));
    await place.listen();
    const ran = await run(argv(0, 'c'), '', state);
    assert.equal(ran.code, 0, ran.err);
    assert.match(ran.err, /can't be read, and was put aside/);
  });

  it('is asked about at a terminal', async (t) => {
    const { place, invite, keys, state } = await keeping(t);
    await place.listen();
    const key = keys[0] ?? '';
    const io = capturedIo({ terminal: true, state });
    const running = runVoter(['--dial', invite, '--key-file', key, '--receipt', join(place.folder, 'x')], io);
    await io.waitFor('is not known to be cast');
    await io.waitFor('What shall become of it?');
    assert.equal(place.log.turnout.ballots, 0);
    io.type('\r');
    assert.equal(await running, 0, io.err());
    assert.equal(place.log.turnout.ballots, 1);
  });

  it('goes at a terminal, where the voter chooses anew', async (t) => {
    const { place, invite, keys, state } = await keeping(t);
    await place.listen();
    const key = keys[0] ?? '';
    const io = capturedIo({ terminal: true, state });
    const running = runVoter(['--dial', invite, '--key-file', key, '--receipt', join(place.folder, 'x')], io);
    await io.waitFor('What shall become of it?');
    io.type('\u001b[B\r');
    await io.waitFor('Which one?');
    io.type('\u001b[B\u001b[B\r');
    await io.waitFor('Cast this ballot?');
    io.type('\r');
    assert.equal(await running, 0, io.err());
    const { result } = await place.organiser.close();
    assert.deepEqual(result?.entry.questions[0]?.answers, [0, 0, 1]);
  });

  it('is in the way of a second one while it is left', async (t) => {
    const { place, invite, keys, state } = await keeping(t);
    await place.listen();
    const key = keys[0] ?? '';
    const io = capturedIo({ terminal: true, state });
    const running = runVoter(['--dial', invite, '--key-file', key], io);
    for (let asked = 0; asked < 2; asked++) {
      await io.waitFor('is not known to be cast');
      await io.waitFor('What shall become of it?');
      io.type('\u001b[B\u001b[B\r');
    }
    assert.equal(await running, 1);
    assert.match(io.err(), /has to be cast or thrown away first/);
    assert.equal((await keptIn(state)).length, 1);
  });

  it('holds no secret', async (t) => {
    const { place, argv } = await election(t, { secrets: true, voters: 1 });
    const state = newStateFolder();
    const secret = place.voters[0]?.secret ?? '?';
    const who = ['--username', 'v0', '--secret-file', await place.secretFile(0)];
    const given = argv(0, 'b').toSpliced(2, 2, ...who);
    await place.hangUp();
    failed(await run(given, '', state), 'unreachable', 3);
    const text = await readFile((await keptIn(state))[0] ?? '', 'utf8');
    assert.ok(!text.includes(secret));
    assert.ok(!text.includes(Buffer.from(place.voters[0]?.seed ?? []).toString('hex')));
    await place.listen();
    const cast = await runProcess('voter', given, { env: { PSEPHOS_STATE: state } });
    assert.equal(cast.code, 0, cast.stderr);
  });
});
