import assert from 'node:assert/strict';
import { access, chmod, mkdir, readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'csv-parse/sync';
import { toHex } from '#src/base/bytes.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import type { Entry } from '#src/election/entries.js';
import { decodeEntry } from '#src/log/entry-codec.js';
import { openSnapshot } from '#src/store/level-source.js';
import { capturedIo } from '../support/captured-io.ts';
import { needs } from '../support/needs.ts';
import { run, start } from '../support/processes.ts';
import { valueOf } from '../support/results.ts';
import { testSeed } from '../support/temp-election.ts';
import { AdminPlace } from './admin-support.ts';

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

async function entriesOf(data: string): Promise<Entry[]> {
  const snapshot = await openSnapshot(data);
  try {
    const entries: Entry[] = [];
    for await (const chunk of snapshot.entries(0))
      entries.push(...chunk.map((bytes) => valueOf(decodeEntry(bytes))));
    return entries;
  } finally {
    await snapshot.close();
  }
}

/** A place with lists of two candidates and three voters, and the options that name them; with open ballots. */
async function prepared(
  t: Parameters<typeof AdminPlace.create>[0],
): Promise<{ place: AdminPlace; options: string[] }> {
  const place = await AdminPlace.create(t);
  const voters = await place.file('voters.txt', 'ana\nbo\ncy\n');
  const candidates = await place.file('candidates.txt', 'Ada\nGrace\n');
  const options = ['init', '--title', 'Board', '--voters', voters, '--candidates', candidates];
  return { place, options: [...options, '--secrecy', 'open'] };
}

/** Nothing but the two lists is there. */
async function expectNothingMade(place: AdminPlace): Promise<void> {
  const names = (await readdir(place.folder)).filter((name) => !/\.(txt|csv|json)$/.test(name));
  const keys = (await exists(place.keys)) ? await readdir(place.keys) : [];
  assert.deepEqual([names.filter((name) => name !== 'keys'), keys], [[], []]);
}

describe('admin init', () => {
  it('makes an election from a list of voters and one of candidates', async (t) => {
    const { place, options } = await prepared(t);
    const { code, out, err } = await place.admin(
      ...options,
      '--description',
      'Two seats',
      '--max',
      '2',
      '--blank',
      '--revote',
      'never',
    );
    assert.equal(code, 0, err);
    assert.match(out, /The election "Board" is ready/);
    assert.match(out, /Voters {7}3\n/);
    assert.match(out, /Board \(choose 1 to 2, or vote blank\)\n {4}- Ada\n {4}- Grace/);
    assert.match(out, /node .*admin\.js --listen .* --data .*election --keys .*keys/);
    const [genesis, roll, ...more] = await entriesOf(place.data);
    assert.deepEqual(more, []);
    assert.ok(genesis?.kind === 'genesis' && roll?.kind === 'roll');
    assert.equal(genesis.title, 'Board');
    assert.equal(genesis.description, 'Two seats');
    assert.deepEqual(genesis.policy, { secrecy: 'open', revote: 'never', names: 'public' });
    assert.deepEqual(
      roll.voters.map(({ name, weight }) => [name, weight]),
      [
        ['ana', 1],
        ['bo', 1],
        ['cy', 1],
      ],
    );
  });

  it('gives every voter a secret, in files for the owner alone and nowhere else', async (t) => {
    const { place, options } = await prepared(t);
    await place.admin(...options);
    const rows: Record<string, string>[] = parse(await place.read('election/credentials/credentials.csv'), {
      columns: true,
    });
    assert.deepEqual(
      rows.map(({ username }) => username),
      ['ana', 'bo', 'cy'],
    );
    assert.equal((await stat(place.data)).mode & 0o777, 0o700);
    const keyFiles = await readdir(place.keys);
    assert.equal(keyFiles.length, 1);
    assert.equal((await stat(join(place.keys, keyFiles[0] as string))).mode & 0o777, 0o600);
    const files = await readdir(place.folder, { recursive: true, withFileTypes: true });
    const others = files.filter((file) => file.isFile() && !file.parentPath.endsWith('credentials'));
    assert.ok(others.length > 4);
    for (const { secret = '' } of rows) {
      const spellings = [secret, secret.replaceAll('-', '')];
      for (const file of others) {
        const text = await readFile(join(file.parentPath, file.name), 'latin1');
        for (const spelling of spellings) assert.ok(!text.includes(spelling), `${file.name} holds a secret`);
      }
    }
  });

  it('reports in JSON', async (t) => {
    const { place, options } = await prepared(t);
    const { lines } = await place.json(...options, '--closes', '2099-01-01T00:00Z');
    const [created] = lines;
    assert.equal(lines.length, 1);
    assert.equal(created?.['event'], 'created');
    assert.equal(created['voters'], 3);
    assert.equal(created['secrets'], 3);
    assert.equal(created['closes'], Date.UTC(2099, 0, 1));
    assert.match(String(created['keyFile']), /keys\/admin-[0-9a-f-]{36}\.key$/);
    assert.deepEqual(created['credentialFiles'], [
      'credentials/README.txt',
      'credentials/credentials.csv',
      'credentials/sheets-0001.html',
    ]);
  });

  it('takes voters with their own keys and weights, and needs no secret for them', async (t) => {
    const { place, options } = await prepared(t);
    const key = publicKeyOf(testSeed(3));
    await place.file('voters.txt', `\ufeffusername;weight;publicKey\r\nana;5;${toHex(key)}\r\n`);
    assert.equal((await place.admin(...options)).code, 0);
    const roll = (await entriesOf(place.data))[1];
    assert.ok(roll?.kind === 'roll');
    assert.deepEqual(roll.voters, [{ name: 'ana', key, weight: 5 }]);
    assert.equal(await exists(join(place.data, 'credentials')), false);
  });

  it('puts pseudonyms on the roll by policy, and usernames on the sheets alone', async (t) => {
    const { place, options } = await prepared(t);
    await place.admin(...options, '--names', 'pseudonym');
    const roll = (await entriesOf(place.data))[1];
    assert.ok(roll?.kind === 'roll');
    assert.ok(roll.voters.every(({ name }) => /^v-[a-z2-7]{16}$/.test(name)));
    assert.match(await place.read('election/credentials/credentials.csv'), /^ana,/m);
  });

  it('takes several questions from a file', async (t) => {
    const { place } = await prepared(t);
    const questions = await place.file(
      'q.json',
      '[{"question":"Who?","answers":["a","b"]},{"question":"What?","answers":["c"],"min":0}]',
    );
    const { code, out, err } = await place.admin(
      'init',
      '--title',
      'T',
      '--voters',
      place.path('voters.txt'),
      '--questions',
      questions,
      '--secrecy',
      'open',
      '--open',
    );
    assert.equal(code, 0, err);
    assert.match(out, /Who\?.*What\?.*Voting is open/s);
    const round = (await entriesOf(place.data))[2];
    assert.ok(round?.kind === 'round');
    assert.equal(round.questions.length, 2);
  });

  it('says which times it understood', async (t) => {
    const { place, options } = await prepared(t);
    const { out } = await place.admin(
      ...options,
      '--opens',
      '2099-01-01T10:00',
      '--closes',
      '2099-01-01T12:00',
    );
    assert.match(out, /Voting opens Thu 2099-01-01 10:00:00 \(UTC.*\), in \d+ d/);
    assert.match(out, /Voting closes Thu 2099-01-01 12:00:00/);
  });

  it('prints an address on the sheets when it is told one', async (t) => {
    const { place, options } = await prepared(t);
    await place.admin(...options, '--address', '/dns4/vote.example.org/tcp/4000');
    assert.match(
      await place.read('election/credentials/sheets-0001.html'),
      /\/dns4\/vote\.example\.org\/tcp\/4000/,
    );
  });

  it('never touches an election that is there', async (t) => {
    const { place, options } = await prepared(t);
    await place.admin(...options);
    const before = await entriesOf(place.data);
    const { code, err } = await place.admin(...options);
    assert.equal(code, 1);
    assert.match(err, /There is an election in .* already; it is left as it is/);
    assert.deepEqual(await entriesOf(place.data), before);
    assert.equal((await readdir(place.keys)).length, 1);
  });

  it('takes an empty folder, and refuses one that holds something else', async (t) => {
    const { place, options } = await prepared(t);
    await mkdir(place.data);
    await place.file('election/notes.txt', '');
    const { code, err } = await place.admin(...options);
    assert.equal(code, 1);
    assert.match(err, /holds other files \(notes\.txt\)/);
    assert.equal((await place.admin(...options, '--data', place.path('empty/deep'))).code, 0);
    await mkdir(place.path('empty2'));
    assert.equal((await place.admin(...options, '--data', place.path('empty2'))).code, 0);
  });

  it('leaves nothing behind when it is interrupted', async (t) => {
    const { place, options } = await prepared(t);
    await place.file('voters.txt', Array.from({ length: 300 }, (_, i) => `v${i}`).join('\n'));
    const io = capturedIo();
    setTimeout(io.interrupt, 100);
    const { code, err } = await place.adminOn(io, ...options);
    assert.equal(code, 1);
    assert.match(err, /Interrupted/);
    await expectNothingMade(place);
  });

  it('clears away what a killed process left, and not what a living one is at', async (t) => {
    const { place, options } = await prepared(t);
    const dead = `.election.psephos-init-${2 ** 30}-00`;
    const living = `.election.psephos-init-${process.pid}-00`;
    await place.file(`${dead}/credentials/credentials.csv`, 'secret');
    await place.file(`${living}/x`, '');
    assert.equal((await place.admin(...options)).code, 0);
    assert.deepEqual([await exists(place.path(dead)), await exists(place.path(living))], [false, true]);
  });

  it('leaves a whole election or none, whenever it is killed', async (t) => {
    const { place, options } = await prepared(t);
    const outcomes = new Set<string>();
    for (let attempt = 0; attempt < 6; attempt++) {
      const init = start('admin', place.arguments([...options, '--data', place.path(`e${attempt}`)]));
      // Each a step further: when the folder under its other name is there, and then a little later each time.
      while (
        !(await readdir(place.folder)).some(
          (name) => name.startsWith(`.e${attempt}.`) || name === `e${attempt}`,
        )
      ) {
        await new Promise((done) => setTimeout(done, 2));
      }
      await new Promise((done) => setTimeout(done, attempt * 15));
      await init.kill('SIGKILL');
      const made = await exists(place.path(`e${attempt}`));
      const status = await place.admin('status', '--data', place.path(`e${attempt}`));
      assert.equal(status.code, made ? 0 : 2, status.err);
      if (made) {
        assert.match(await place.read(`e${attempt}/credentials/credentials.csv`), /^cy,/m);
        assert.equal((await place.admin('open', '--data', place.path(`e${attempt}`))).code, 0);
      }
      outcomes.add(made ? 'made' : 'none');
    }
    assert.ok(outcomes.has('none'));
    const after = await place.admin(...options, '--data', place.path('e0'));
    assert.equal(after.code, 0, after.err);
    assert.ok(!(await readdir(place.folder)).some((name) => name.startsWith('.e0.')));
  });

  const refusals: Readonly<
    Record<
      string,
      readonly [
        change: (place: AdminPlace) => Promise<unknown>,
        options: string[],
        code: number,
        message: RegExp,
      ]
    >
  > = {
    'an empty candidates file': [
      (p) => p.file('candidates.txt', '\r\n'),
      [],
      2,
      /candidates\.txt can't be used:.*no candidate/s,
    ],
    'duplicate candidates': [(p) => p.file('candidates.txt', 'Ada\nAda'), [], 2, /Lines 1 and 2: "Ada"/],
    'duplicate usernames': [
      (p) => p.file('voters.txt', 'ana\nbo\nana\n'),
      [],
      2,
      /voters\.txt can't be used:\n {2}Lines 1 and 3: the username "ana"/,
    ],
    'an empty voters file': [(p) => p.file('voters.txt', ''), [], 2, /voters\.txt holds no voter/],
    'a voters file that is not UTF-8': [
      (p) => p.file('voters.txt', Buffer.from('Zo\u00eb', 'latin1')),
      [],
      2,
      /line 1/,
    ],
    'a missing voters file': [
      () => Promise.resolve(),
      ['--voters', '/nowhere/voters.csv'],
      2,
      /\/nowhere\/voters\.csv does not exist/,
    ],
    'a folder for a file': [() => Promise.resolve(), ['--voters', '/'], 2, /\/ is a folder/],
    'more choices than candidates': [
      () => Promise.resolve(),
      ['--max', '3'],
      2,
      /The question can't be asked/,
    ],
    'a number that is none': [() => Promise.resolve(), ['--max', 'x'], 2, /--max.*whole number/s],
    'candidates and questions at once': [
      () => Promise.resolve(),
      ['--questions', 'q.json'],
      2,
      /cannot be used with/,
    ],
    'a time that is past': [
      () => Promise.resolve(),
      ['--closes', '2001-01-01T00:00'],
      2,
      /That time is past/,
    ],
    'a time that is none': [() => Promise.resolve(), ['--closes', 'soon'], 2, /expected ISO 8601/],
    'a closing before the opening': [
      () => Promise.resolve(),
      ['--opens', '+2h', '--closes', '+1h'],
      1,
      /would close before it opens/,
    ],
    'an opening at once and later': [
      () => Promise.resolve(),
      ['--open', '--opens', '+2h'],
      2,
      /cannot be used with/,
    ],
    'an unknown policy': [
      () => Promise.resolve(),
      ['--revote', 'often'],
      2,
      /Allowed choices are last, never/,
    ],
    'an empty title': [() => Promise.resolve(), ['--title', ' '], 2, /The title can't be used/],
    'an unknown option': [() => Promise.resolve(), ['--colour', 'red'], 2, /Unknown option/],
    'a path through a file': [
      () => Promise.resolve(),
      ['--data', '/dev/null/election'],
      2,
      /\/dev\/null.* can't exist/,
    ],
  };
  for (const [what, [change, extra, expected, message]] of Object.entries(refusals)) {
    it(`refuses ${what}, and makes nothing`, async (t) => {
      const { place, options } = await prepared(t);
      await change(place);
      const { code, err } = await place.admin(...options, ...extra);
      assert.match(err, message);
      assert.equal(code, expected);
      await expectNothingMade(place);
    });
  }

  it('says what is missing', async (t) => {
    const { place } = await prepared(t);
    assert.match((await place.admin('init')).err, /Required option '--title <text>'/);
    const { code, err } = await place.admin('init', '--title', 'T', '--voters', place.path('voters.txt'));
    assert.equal(code, 2);
    assert.match(err, /nothing to vote on/);
  });

  it('says so where the folder may not be written', async (t) => {
    const { place, options } = await prepared(t);
    const asRoot = process.getuid?.() === 0;
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    if (asRoot && !needs(t, 'setpriv', await exists('/usr/bin/setpriv'))) return;
    await mkdir(place.path('closed'));
    await chmod(place.folder, 0o755);
    await chmod(place.path('closed'), 0o555);
    const args = place.arguments([...options, '--data', place.path('closed/election')]);
    const { code, stderr } = await run('admin', args, asRoot ? { under: nobody } : {});
    assert.equal(code, 2, stderr);
    assert.match(stderr, /no access to .*closed/);
  });
});
