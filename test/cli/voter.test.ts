import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Question } from '#src/election/entries.js';
import { readKeyFile } from '#src/store/key-files.js';
import { toHex } from '#src/base/bytes.js';
import { type PlaceOptions, PollingPlace } from '../support/polling-place.ts';
import { args, failed, run, voteAs } from '../support/run-voter.ts';
import { QUESTION, tempFolder } from '../support/temp-election.ts';
import type { TestContext } from 'node:test';

const start = (t: TestContext, options: PlaceOptions = {}) =>
  PollingPlace.start(t, { voters: 2, ...options });

describe('voter', () => {
  it('casts a ballot, checks and saves its receipt, and says where it is', async (t) => {
    const place = await start(t);
    const ran = await voteAs(place, 0, ['b']);
    assert.equal(ran.code, 0, ran.err);
    const cast = ran.events['cast'];
    assert.ok(cast);
    assert.equal(ran.events['election']?.['status'], 'open');
    assert.equal(ran.events['election']['verifiedBy'], 'address');
    assert.deepEqual(cast['ballot'], [{ question: QUESTION.question, blank: false, answers: ['b'] }]);
    assert.equal(cast['number'], 1);
    assert.equal(cast['index'], 3);
    assert.equal(cast['logSize'], 4);
    assert.match(ran.err, /Cast\. The receipt was checked/);
    const receipt = join(place.folder, 'v0.tlog-proof');
    assert.match(await readFile(receipt, 'utf8'), /^c2sp\.org\/tlog-proof@v1\n/);
    assert.equal((await stat(receipt)).mode & 0o077, 0);
    assert.ok(ran.err.includes(cast['tracker'] as string));
    assert.deepEqual((await place.organiser.close()).result?.entry.questions, [
      { answers: [0, 1, 0], blank: 0, winners: [1] },
    ]);
    assert.deepEqual(place.defects, []);
  });

  it('prints for people on stdout, without a terminal or --json', async (t) => {
    const place = await start(t);
    const argv = (await args(place, 0, ['2'], 'r')).filter((word) => word !== '--json');
    const ran = await run(argv);
    assert.equal(ran.code, 0);
    assert.match(ran.out, /Board[^]*Fingerprint[^]*→ b[^]*Ballot tracker/);
    assert.equal(ran.err, '', 'no spinner and no prompt where there is no terminal');
  });

  it('takes the invite, a secret from a pipe, a blank vote, and several questions', async (t) => {
    const board: Question = {
      ...QUESTION,
      question: 'Board?',
      answers: ['x', 'y', 'z'],
      min: 1,
      max: 2,
      blank: false,
    };
    const place = await start(t, { questions: [QUESTION, board] });
    const ran = await run(
      [
        ...[
          '--dial',
          place.invite,
          '--username',
          'v1',
          '--secret-file',
          '-',
          '--choose',
          'blank',
          '--choose',
          'z,1',
        ],
        ...['--yes', '--json', '--receipt', join(place.folder, 'r')],
      ],
      `${place.voters[1]?.secret.toLowerCase().replaceAll('-', ' ') ?? ''}\r\n`,
    );
    assert.equal(ran.code, 0, ran.err);
    assert.equal(ran.events['election']?.['verifiedBy'], 'election');
    assert.deepEqual(ran.events['cast']?.['ballot'], [
      { question: 'Which one?', blank: true, answers: [] },
      { question: 'Board?', blank: false, answers: ['x', 'z'] },
    ]);
  });

  it('votes with a key file, made by keygen', async (t) => {
    const place = await start(t, { secrets: false });
    const key = await place.keyFile(0);
    const argv = [
      '--dial',
      place.address,
      '--key-file',
      key,
      '--choose',
      'a',
      '--yes',
      '--json',
      '--receipt',
      join(place.folder, 'r'),
    ];
    assert.equal((await run(argv)).code, 0);
    await chmod(key, 0o644);
    const exposed = await run(argv.with(-1, join(place.folder, 'r2')));
    failed(exposed, 'key-file-exposed', 1);
    assert.match(exposed.err, /chmod 600/);
  });

  it('replaces the earlier ballot, and says so', async (t) => {
    const place = await start(t);
    assert.equal((await voteAs(place, 0, ['a'])).code, 0);
    const again = await voteAs(place, 0, ['c'], 'second');
    assert.equal(again.code, 0, again.err);
    assert.equal(again.events['cast']?.['number'], 2);
    assert.match(again.err, /replaces your earlier one/);
    assert.deepEqual((await place.organiser.close()).result?.entry.questions[0]?.answers, [0, 0, 1]);
  });

  it('refuses a second ballot where the first one stands', async (t) => {
    const place = await start(t, { policy: { revote: 'never' } });
    assert.equal((await voteAs(place, 0, ['a'])).code, 0);
    failed(await voteAs(place, 0, ['c'], 'second'), 'already-voted', 1);
    assert.equal(place.log.turnout.ballots, 1);
    assert.ok(!(await readdir(place.folder)).includes('second'));
  });

  it('tells an unknown voter, a wrong secret and a mistyped one apart', async (t) => {
    const place = await start(t);
    const secret = await place.secretFile(0);
    const argv = (username: string, file: string) => [
      ...[
        '--dial',
        place.address,
        '--username',
        username,
        '--secret-file',
        file,
        '--choose',
        'a',
        '--yes',
        '--json',
      ],
      ...['--receipt', join(place.folder, 'r')],
    ];
    failed(await run(argv('nobody', secret)), 'unknown-voter', 1, place);
    failed(await run(argv('v1', secret)), 'wrong-secret', 1, place);
    const typed = (await readFile(secret, 'utf8')).trim();
    const mistyped = join(place.folder, 'mistyped');
    await writeFile(mistyped, (typed.startsWith('0') ? '1' : '0') + typed.slice(1), { mode: 0o600 });
    const wrong = await run(argv('v0', mistyped));
    failed(wrong, 'bad-secret', 1, place);
    assert.match(wrong.err, /check symbol/);
    assert.ok(!`${wrong.out}${wrong.err}`.includes(typed.slice(5)), 'a secret is never repeated');
    failed(await run(argv('', secret)), 'bad-username', 1, place);
  });

  it('says no more than "unknown" where the roll shows pseudonyms', async (t) => {
    const place = await start(t, { policy: { names: 'pseudonym' } });
    const argv = (await args(place, 0, ['a'], 'r')).map((word) => (word === 'v0' ? 'v1' : word));
    failed(await run(argv), 'unknown-voter', 1, place);
    assert.equal((await voteAs(place, 0, ['a'])).code, 0);
  });

  it('shows what is planned, and casts nothing, before the opening', async (t) => {
    const place = await start(t, { open: false });
    const ran = await voteAs(place, 0, ['a']);
    failed(ran, 'not-open', 1, place);
    assert.equal(ran.events['election']?.['status'], 'not-open');
    assert.match(ran.err, /not open yet[^]*Which one\?/);
  });

  it('casts nothing after the closing, whether by hand or by the clock', async (t) => {
    let now = Date.now();
    const place = await start(t, { clock: { now: () => now }, draft: { closes: now + 60_000 } });
    now += 60_000;
    failed(await voteAs(place, 0, ['a']), 'closed', 1, place);
    await place.organiser.close();
    const ran = await voteAs(place, 0, ['a']);
    failed(ran, 'closed', 1, place);
    assert.equal(ran.events['election']?.['status'], 'closed');
  });

  it('refuses choices that are no valid vote before it asks for anything', async (t) => {
    const place = await start(t, { questions: [{ ...QUESTION, min: 2, max: 2, blank: false }] });
    failed(await voteAs(place, 0, ['1,2,3']), 'bad-choice', 1, place);
    failed(await voteAs(place, 0, ['1']), 'bad-choice', 1, place);
    failed(await voteAs(place, 0, ['blank']), 'bad-choice', 1, place);
    failed(await voteAs(place, 0, ['1', 'nobody']), 'bad-choice', 2, place);
    failed(await voteAs(place, 0, ['1', '4']), 'bad-choice', 2, place);
  });

  it('ends with 3 where nobody answers, and refuses another peer than the address names', async (t) => {
    const place = await start(t);
    const other = await start(t, { secrets: false });
    const argv = await args(place, 0, ['a'], 'r');
    const elsewhere = (peerId: string) => `${place.bareAddress}/p2p/${peerId}`;
    const stranger = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5';
    failed(await run(argv.with(1, elsewhere(stranger))), 'wrong-peer', 1, place);
    const wrongElection = await run([...argv, '--election', other.log.electionId]);
    failed(wrongElection, 'wrong-election', 1, place);
    await place.hangUp();
    failed(await run(argv), 'unreachable', 3, place);
  });

  it('votes without a pinned key only where something else tells the election', async (t) => {
    const place = await start(t);
    const argv = (await args(place, 0, ['a'], 'r')).with(1, place.bareAddress);
    failed(await run(argv), 'not-pinned', 2, place);
    failed(await run([...argv, '--fingerprint', 'AAAA-BBBB-CCCC-DDDD-EEEE']), 'wrong-election', 1, place);
    const { fingerprint } = await place.organiser.status();
    const typed = fingerprint.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l');
    const ran = await run([...argv, '--fingerprint', typed]);
    assert.equal(ran.code, 0, ran.err);
    assert.equal(ran.events['election']?.['verifiedBy'], 'fingerprint');
    const byId = await run([...argv.with(-1, join(place.folder, 'r2')), '--election', place.log.electionId]);
    assert.equal(byId.events['election']?.['verifiedBy'], 'election');
  });

  it('names every flag that it would have to ask for, where there is no terminal', async (t) => {
    const place = await start(t, { secrets: false });
    const ran = await run(['--dial', place.address, '--json']);
    failed(ran, 'missing-flag', 2, place);
    for (const flag of ['--username', '--secret-file', '--choose', '--yes'])
      assert.ok(ran.error?.message.includes(flag));
    failed(
      await run(['vote', '--dial', place.address, '--key-file', 'x', '--choose', 'a', '--json']),
      'missing-flag',
      2,
    );
  });

  it('explains wrong usage, with exit status 2', async () => {
    failed(await run(['--json']), 'usage', 2);
    failed(await run(['--dial', 'x', '--frobnicate', '--json']), 'usage', 2);
    failed(await run(['elect', '--json']), 'usage', 2);
    failed(await run(['--dial', 'x', '--key-file', 'k', '--username', 'u', '--json']), 'usage', 2);
    failed(await run(['--dial', 'x', '--wait', 'long', '--json']), 'usage', 2);
    const scripted = ['--key-file', 'k', '--choose', 'a', '--yes', '--json'];
    failed(await run(['--dial', 'localhost:4000', ...scripted]), 'bad-address', 2);
    failed(await run(['--dial', '/ip6/::1/tcp/1/p2p/12D3KooW', ...scripted]), 'bad-peer-id', 2);
    failed(await run(['--dial', 'psephos:x', ...scripted]), 'bad-invite', 2);
  });

  it('shows its commands, flags and examples with --help', async () => {
    const ran = await run(['--help']);
    assert.equal(ran.code, 0);
    for (const word of [
      'verify',
      'keygen',
      'receipt',
      '--choose',
      '--secret-file',
      'Examples',
      'Exit codes',
    ]) {
      assert.ok(ran.out.includes(word), word);
    }
    assert.equal((await run(['verify', '--help'])).code, 0);
  });

  it('refuses a secret file that others can read', async (t) => {
    const place = await start(t);
    const argv = await args(place, 0, ['a'], 'r');
    await chmod(await place.secretFile(0), 0o640);
    const ran = await run(argv);
    failed(ran, 'secret-file-exposed', 1, place);
    assert.match(ran.err, /chmod 600/);
    failed(await run(argv.with(5, join(place.folder, 'absent'))), 'not-found', 2, place);
    failed(await run(argv.with(5, place.folder)), 'is-folder', 2, place);
    await writeFile(join(place.folder, 'long'), 'x'.repeat(2000), { mode: 0o600 });
    failed(await run(argv.with(5, join(place.folder, 'long'))), 'bad-secret-file', 2, place);
  });

  it('finds out that the receipt could not be saved before it casts', async (t) => {
    const place = await start(t);
    await writeFile(join(place.folder, 'taken'), 'something else');
    failed(await voteAs(place, 0, ['a'], 'taken'), 'file-exists', 1, place);
    assert.equal(await readFile(join(place.folder, 'taken'), 'utf8'), 'something else');
    failed(await voteAs(place, 0, ['a'], 'absent/r'), 'not-found', 2, place);
  });

  it('prints the receipt where it can be saved no longer, and says that the ballot is cast', async (t) => {
    const folder = await tempFolder(t);
    const receipt = join(folder, 'raced');
    const place = await start(t, {
      misbehave: (service) => ({
        cast: async (ballot) => {
          await mkdir(receipt);
          return service.cast(ballot);
        },
      }),
    });
    const ran = await run((await args(place, 0, ['a'], 'r')).with(-1, receipt));
    assert.equal(ran.error?.code, 'receipt-not-saved');
    assert.match(ran.err, /c2sp\.org\/tlog-proof@v1[^]*IS cast/);
    assert.equal(place.log.turnout.ballots, 1);
  });
});

describe('voter keygen', () => {
  it('makes a key that is only its owner’s, and replaces none', async (t) => {
    const file = join(await tempFolder(t), 'mine.key');
    const ran = await run(['keygen', '--out', file, '--json']);
    assert.equal(ran.code, 0, ran.err);
    const { publicKey } = await readKeyFile(file, 'voter');
    assert.equal(ran.events['key']?.['publicKey'], toHex(publicKey));
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const before = await readFile(file, 'utf8');
    failed(await run(['keygen', '--out', file, '--json']), 'file-exists', 1);
    assert.equal(await readFile(file, 'utf8'), before);
    const plain = await run(['keygen', '--out', `${file}2`]);
    assert.match(plain.out, /^[0-9a-f]{64}\n/);
  });
});
