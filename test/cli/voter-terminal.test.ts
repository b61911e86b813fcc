import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Question } from '#src/election/entries.js';
import { runVoter } from '#src/cli/voter.js';
import { CTRL_C, DOWN, ENTER, UP, capturedIo } from '../support/captured-io.ts';
import { type PlaceOptions, PollingPlace } from '../support/polling-place.ts';
import { QUESTION } from '../support/temp-election.ts';

const start = (t: TestContext, options: PlaceOptions = {}) =>
  PollingPlace.start(t, { voters: 2, ...options });
const secretOf = (place: PollingPlace, voter: number) => place.voters[voter]?.secret ?? '';

describe('voter at a terminal', () => {
  it('asks for username, secret and choice, shows the ballot, and casts it once confirmed', async (t) => {
    const place = await start(t);
    const io = capturedIo({ terminal: true });
    const running = runVoter(['--dial', place.address, '--receipt', join(place.folder, 'r')], io);
    await io.waitFor('Your username');
    io.type(`v0${ENTER}`);
    await io.waitFor('Your secret');
    io.type(`${secretOf(place, 0)}${ENTER}`);
    await io.waitFor('Which one?');
    io.type(`${DOWN}${DOWN}${ENTER}`);
    await io.waitFor('Cast this ballot?');
    assert.equal(place.log.turnout.ballots, 0);
    io.type(ENTER);
    assert.equal(await running, 0, io.err());
    assert.match(io.out(), /→ c\n[^]*Ballot tracker/);
    assert.ok(!`${io.out()}${io.err()}`.includes(secretOf(place, 0)), 'the secret is not shown');
    assert.deepEqual((await place.organiser.close()).result?.entry.questions[0]?.answers, [0, 0, 1]);
  });

  it('lets a mistyped secret be typed again, and a question take several answers within its bounds', async (t) => {
    const board: Question = { ...QUESTION, question: 'Board?', answers: ['x', 'y', 'z'], min: 2, max: 2 };
    const place = await start(t, { questions: [board] });
    const io = capturedIo({ terminal: true });
    const running = runVoter(
      ['--dial', place.address, '--username', 'v0', '--receipt', join(place.folder, 'r')],
      io,
    );
    await io.waitFor('Your secret');
    io.type(`0000${ENTER}`);
    await io.waitFor("That can't be right");
    io.type(`\u0015${secretOf(place, 1)}${ENTER}`);
    await io.waitFor('this secret is not theirs');
    await io.waitFor('Your secret');
    io.type(`${secretOf(place, 0)}${ENTER}`);
    await io.waitFor('Board?');
    io.type(` ${ENTER}`);
    await io.waitFor('at least 2 needed');
    io.type(`${DOWN}${DOWN} ${ENTER}`);
    await io.waitFor('Cast this ballot?');
    io.type(ENTER);
    assert.equal(await running, 0, io.err());
    assert.match(io.out(), /→ x; z\n/);
  });

  it('offers a blank vote, which stands alone', async (t) => {
    const board: Question = { ...QUESTION, question: 'Board?', answers: ['x', 'y'], min: 0, max: 2 };
    const place = await start(t, { questions: [board], secrets: false });
    const io = capturedIo({ terminal: true });
    const argv = [
      '--dial',
      place.address,
      '--key-file',
      await place.keyFile(0),
      '--receipt',
      join(place.folder, 'r'),
    ];
    const running = runVoter(argv, io);
    await io.waitFor('(blank vote)');
    io.type(` ${DOWN}${DOWN} ${ENTER}`);
    await io.waitFor('stands alone');
    io.type(`${UP}${UP} ${ENTER}`);
    await io.waitFor('Cast this ballot?');
    io.type(ENTER);
    assert.equal(await running, 0, io.err());
    assert.match(io.out(), /→ blank\n/);
  });

  it('has the fingerprint compared where the address names no key', async (t) => {
    const place = await start(t, { secrets: false });
    const argv = ['--dial', place.bareAddress, '--key-file', await place.keyFile(0), '--choose', 'a'];
    const io = capturedIo({ terminal: true });
    const running = runVoter(argv, io);
    await io.waitFor('WARNING');
    await io.waitFor((await place.organiser.status()).fingerprint);
    await io.waitFor('Is it the same?');
    io.type(ENTER);
    assert.equal(await running, 1);
    assert.match(io.err(), /could not be verified\. Nothing was cast/);
    assert.equal(place.log.turnout.ballots, 0);

    const again = capturedIo({ terminal: true });
    const second = runVoter([...argv, '--receipt', join(place.folder, 'r')], again);
    await again.waitFor('Is it the same?');
    again.type(`y${ENTER}`);
    await again.waitFor('Cast this ballot?');
    again.type(ENTER);
    assert.equal(await second, 0, again.err());
  });

  it('casts nothing on "no" and on Ctrl-C', async (t) => {
    const place = await start(t, { secrets: false });
    const argv = [
      '--dial',
      place.address,
      '--key-file',
      await place.keyFile(0),
      '--choose',
      'a',
      '--receipt',
      join(place.folder, 'r'),
    ];
    for (const [key, code] of [
      [`n${ENTER}`, 'Nothing was cast.'],
      [CTRL_C, 'Interrupted. Nothing was cast.'],
    ] as const) {
      const io = capturedIo({ terminal: true });
      const running = runVoter(argv, io);
      await io.waitFor('Cast this ballot?');
      io.type(key);
      assert.equal(await running, 1);
      assert.ok(io.err().includes(code), io.err());
    }
    const io = capturedIo({ terminal: true });
    const running = runVoter(argv, io);
    await io.waitFor('Cast this ballot?');
    io.interrupt();
    assert.equal(await running, 1);
    assert.match(io.err(), /Interrupted\. Nothing was cast/);
    assert.equal(place.log.turnout.ballots, 0);
  });

  it('refuses a voter who has voted before any choice is asked for, where the first ballot stands', async (t) => {
    const place = await start(t, { secrets: false, policy: { revote: 'never' } });
    const argv = ['--dial', place.address, '--key-file', await place.keyFile(0), '--yes', '--receipt'];
    const io = capturedIo();
    assert.equal(await runVoter([...argv, join(place.folder, 'r'), '--choose', 'a'], io), 0, io.err());
    const terminal = capturedIo({ terminal: true });
    assert.equal(await runVoter([...argv, join(place.folder, 'r2')], terminal), 1);
    assert.match(terminal.err(), /already voted/);
  });

  it('does not read a secret that is typed in the open', async (t) => {
    const place = await start(t, { secrets: false });
    const io = capturedIo({ terminal: true });
    assert.equal(await runVoter(['--dial', place.address, '--username', 'v0', '--secret-file', '-'], io), 2);
  });
});
