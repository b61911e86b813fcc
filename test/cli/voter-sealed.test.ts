import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { runVerifyLog } from '#src/cli/verify-log.js';
import { runVoter } from '#src/cli/voter.js';
import { CTRL_C, DOWN, ENTER, capturedIo } from '../support/captured-io.ts';
import { type PlaceOptions, PollingPlace } from '../support/polling-place.ts';
import { jsonLines } from '../support/processes.ts';
import { args, failed, run, voteAs } from '../support/run-voter.ts';
import { tempFolder } from '../support/temp-election.ts';

const start = (t: TestContext, { policy, ...options }: PlaceOptions = {}) =>
  PollingPlace.start(t, { voters: 2, policy: { ...policy, secrecy: 'sealed' }, ...options });

/** The arguments of a vote that is opened in place of being cast. */
async function auditArgs(
  place: PollingPlace,
  voter: number,
  choose: string,
  file: string,
): Promise<string[]> {
  const argv = await args(place, voter, [choose], 'none');
  return [...argv.filter((word) => word !== '--yes').slice(0, -2), '--audit', file];
}

async function verifyLog(...argv: string[]) {
  const io = capturedIo();
  const code = await runVerifyLog([...argv, '--json'], io);
  return { code, err: io.err(), events: jsonLines(io.out()) };
}

describe('voter in a sealed election', () => {
  it('says what becomes of the vote, and who can decrypt', async (t) => {
    const place = await start(t);
    const ran = await voteAs(place, 0, ['b']);
    assert.equal(ran.code, 0, ran.err);
    assert.match(
      ran.err,
      /is secret: it is encrypted on this machine, and by the rules only the sum of all votes is ever/,
    );
    assert.match(ran.err, /The log +shows that and when you voted, under your username, and never what/);
    assert.match(
      ran.err,
      /Trustees +trustee 1, who alone can decrypt: the sum, or against the rules a single vote/,
    );
    assert.deepEqual(ran.events['election']?.['trustees'], [{ needed: 1, of: ['trustee 1'] }]);
    assert.doesNotMatch(ran.err, /is public/);
  });

  it('casts an encrypted ballot, whose report does not say what is in it', async (t) => {
    const place = await start(t);
    const ran = await voteAs(place, 0, ['b']);
    const cast = ran.events['cast'];
    assert.ok(cast, ran.err);
    assert.deepEqual(Object.keys(cast), [
      ...['event', 'electionId', 'round', 'tracker', 'number', 'index', 'logSize', 'receipt'],
    ]);
    const shown = ran.err.slice(ran.err.indexOf('Ballot tracker'));
    assert.ok(shown.startsWith(`Ballot tracker  ${String(cast['tracker'])}\n`), 'before it is cast');
    assert.match(
      ran.err,
      /your encrypted ballot is in the log[^]*proves that your ballot was taken, and to nobody what/,
    );
    await voteAs(place, 1, ['b']);
    await place.organiser.close();
    assert.deepEqual((await place.decrypt()).questions[0]?.answers, [0, 2, 0]);
    assert.deepEqual(place.defects, []);
  });

  it('verifies a receipt, refuses to show a sealed ballot, and saves a lost receipt again', async (t) => {
    const place = await start(t);
    await voteAs(place, 0, ['b']);
    const verify = [
      'verify',
      '--receipt',
      join(place.folder, 'v0.tlog-proof'),
      '--dial',
      place.address,
      '--json',
    ];
    const plain = await run(verify);
    assert.equal(plain.code, 0, plain.err);
    const shown = await run([...verify, '--show']);
    failed(shown, 'sealed', 1);
    assert.match(shown.err, /can be shown by nobody, and to nobody[^]*without --show/);
    assert.equal(shown.events['verified'], undefined);
    const argv = await args(place, 0, [], 'again');
    const lost = await run(['receipt', ...argv.filter((word) => word !== '--yes')]);
    assert.equal(lost.code, 0, lost.err);
    assert.doesNotMatch(lost.err, /--show/);
  });

  it('replaces an earlier ballot, and refuses a second one where the first one stands', async (t) => {
    const place = await start(t);
    await voteAs(place, 0, ['a']);
    const again = await voteAs(place, 0, ['c'], 'second');
    assert.equal(again.events['cast']?.['number'], 2, again.err);
    const once = await start(t, { policy: { revote: 'never' } });
    await voteAs(once, 0, ['a']);
    failed(await voteAs(once, 0, ['c'], 'second'), 'already-voted', 1);
  });
});

describe('voter --audit', () => {
  it('encrypts a ballot, casts nothing, and writes what another machine needs to check it', async (t) => {
    const place = await start(t);
    const file = join(place.folder, 'trial.json');
    const ran = await run(await auditArgs(place, 0, 'b', file));
    assert.equal(ran.code, 0, ran.err);
    assert.equal(place.log.turnout.ballots, 0);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const written = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    assert.deepEqual(Object.keys(written), [
      ...['psephos', 'version', 'electionId', 'round', 'tracker', 'sealed', 'choices', 'randomness'],
    ]);
    assert.deepEqual(written['choices'], [[1]]);
    const { tracker, sealed } = written as Record<string, string>;
    assert.equal(
      tracker,
      createHash('sha256')
        .update(sealed ?? '')
        .digest('base64')
        .replace('=', ''),
    );
    assert.deepEqual(ran.events['opened'], {
      ...{ event: 'opened', electionId: place.log.electionId, round: 1, tracker, file },
    });
    assert.match(ran.err, /not cast, and never will be[^]*verify-log[^]*--ballot/);

    for (const log of [place.address, place.invite, join(place.folder, 'election')]) {
      const { code, err, events } = await verifyLog(log, '--ballot', file);
      assert.equal(code, 0, err);
      assert.match(err, /Which one\?\n {4}→ b\n[^]*VALID: the ballot encrypts exactly these choices/);
      const { verdict, choices } = events.at(-1) ?? {};
      assert.deepEqual(
        { verdict, choices },
        { verdict: 'valid', choices: [{ question: 'Which one?', blank: false, answers: ['b'] }] },
      );
    }
  });

  it('makes another ballot of the same choices each time, and replaces no file', async (t) => {
    const place = await start(t);
    const [one, two] = [join(place.folder, '1'), join(place.folder, '2')];
    const argv = await auditArgs(place, 0, 'b', one);
    const first = await run(argv);
    const second = await run(argv.with(-1, two));
    assert.notEqual(first.events['opened']?.['tracker'], second.events['opened']?.['tracker']);
    const before = await readFile(one);
    failed(await run(argv), 'file-exists', 1, place);
    assert.deepEqual(await readFile(one), before);
    failed(await run(argv.with(-1, join(place.folder, 'absent', 'x'))), 'not-found', 2, place);
  });

  it('is of no use where ballots are open, and with flags for casting', async (t) => {
    const place = await PollingPlace.start(t, { voters: 1 });
    const file = join(place.folder, 'trial.json');
    const argv = await auditArgs(place, 0, 'b', file);
    failed(await run(argv), 'not-sealed', 1, place);
    failed(await run([...argv, '--yes']), 'usage', 2, place);
    failed(await run([...argv, '--receipt', 'r']), 'usage', 2, place);
    assert.ok(!(await readdir(place.folder)).includes('trial.json'));
  });
});

describe('voter at a terminal, in a sealed election', () => {
  it('opens as many ballots as the voter wants checked, and casts another one', async (t) => {
    const place = await start(t, { secrets: false });
    const io = capturedIo({ terminal: true });
    const receipt = join(place.folder, 'r');
    const key = await place.keyFile(0);
    const running = runVoter(['--dial', place.address, '--key-file', key, '--receipt', receipt], io);
    const files = [join(await tempFolder(t), 'first'), join(await tempFolder(t), 'second')];
    for (const file of files) {
      await io.waitFor('Which one?');
      io.type(`${DOWN}${ENTER}`);
      await io.waitFor('Cast this ballot?');
      assert.match(io.out(), /→ b\n[^]*It is encrypted now:\n\n {2}Ballot tracker {2}[\w+/]{43}\n/);
      io.type(`${DOWN}${ENTER}`);
      await io.waitFor('File to open it with');
      io.type(`\u0015${file}${ENTER}`);
    }
    await io.waitFor('Which one?');
    io.type(ENTER);
    await io.waitFor('Cast this ballot?');
    assert.equal(place.log.turnout.ballots, 0);
    io.type(ENTER);
    assert.equal(await running, 0, io.err());

    const trackers = [...io.out().matchAll(/Ballot tracker {2}([\w+/]{43})/g)].map(([, tracker]) => tracker);
    // Each is shown as it is made, and again when it is opened or cast.
    assert.equal(trackers.length, 6);
    assert.equal(new Set(trackers).size, 3);
    for (const file of files) {
      const { code, err, events } = await verifyLog(place.address, '--ballot', file);
      assert.equal(code, 0, err);
      assert.ok(trackers.slice(0, 4).includes(events.at(-1)?.['tracker'] as string));
    }
    await place.organiser.close();
    assert.deepEqual((await place.decrypt()).questions[0]?.answers, [1, 0, 0]);
  });

  it('casts nothing when told so, and on Ctrl-C', async (t) => {
    const place = await start(t, { secrets: false });
    const key = await place.keyFile(0);
    const argv = [
      '--dial',
      place.address,
      '--key-file',
      key,
      '--choose',
      'a',
      '--receipt',
      join(place.folder, 'r'),
    ];
    const decide = async (keys: string, next = ''): Promise<string> => {
      const io = capturedIo({ terminal: true });
      const running = runVoter(argv, io);
      await io.waitFor('Cast this ballot?');
      io.type(keys);
      if (next !== '') {
        await io.waitFor('File to open it with');
        io.type(next);
      }
      assert.equal(await running, 1);
      return io.err();
    };
    assert.match(await decide(`${DOWN}${DOWN}${ENTER}`), /Nothing was cast\./);
    assert.match(await decide(CTRL_C), /Interrupted\. Nothing was cast\./);
    assert.match(await decide(`${DOWN}${ENTER}`, CTRL_C), /Interrupted\. Nothing was cast\./);
    assert.equal(place.log.turnout.ballots, 0);
  });
});
