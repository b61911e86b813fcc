import assert from 'node:assert/strict';
import { copyFile, cp, readdir, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { runTrustee } from '#src/cli/trustee.js';
import { capturedIo } from '../support/captured-io.ts';
import { jsonLines } from '../support/processes.ts';
import { AdminPlace, type Ended } from './admin-support.ts';

const SEALED = ['--secrecy', 'sealed'];

async function trustee(...args: string[]): Promise<Ended> {
  const io = capturedIo();
  const code = await runTrustee(args, io);
  return { code, out: io.out(), err: io.err() };
}

/** Makes trustees' keys t1, t2, …; resolves to the options that name them to `admin init`. */
async function keysOf(place: AdminPlace, count: number): Promise<string[]> {
  const options: string[] = [];
  for (let i = 1; i <= count; i++) {
    const made = await trustee(
      'keygen',
      '--no-passphrase',
      '--out',
      place.path(`t${i}.key`),
      '--name',
      `Trustee ${i}`,
    );
    assert.equal(made.code, 0, made.err);
    options.push('--trustee', place.path(`t${i}.pub`));
  }
  return options;
}

/** An election of five voters for so many trustees who are not the organiser. */
async function withTrustees(
  t: Parameters<typeof AdminPlace.create>[0],
  count: number,
  ...options: string[]
): Promise<AdminPlace> {
  const keys = await keysOf(await AdminPlace.create(t), count);
  const place = await AdminPlace.withElection(
    t,
    ...SEALED,
    ...keys,
    '--open',
    '--untested-trustees',
    ...options,
  );
  // The keys lie in the folder of another place: the organiser does not hold them.
  return Object.assign(place, { keyFolder: join(keys[1] ?? '', '..') });
}
const keyOf = (place: AdminPlace, number: number) =>
  join((place as AdminPlace & { keyFolder: string }).keyFolder, `t${number}.key`);

async function decryption(place: AdminPlace, number: number, out = `d${number}.json`): Promise<string> {
  const file = place.path(out);
  const done = await trustee('decrypt', place.data, '--key', keyOf(place, number), '--out', file);
  assert.equal(done.code, 0, done.err);
  return file;
}

const VOTES = [
  [0, [0]],
  [1, [0]],
  [2, [1]],
  [3, null],
  [4, [0]],
] as const;

describe('an election with sealed ballots', () => {
  it('is what "admin init" makes, with the organiser as trustee, and counts when it closes', async (t) => {
    const place = await AdminPlace.withElection(t, ...SEALED, '--open');
    const keyFile = (await readdir(place.keys)).find((name) => name.startsWith('trustee-')) ?? '';
    assert.equal((await stat(join(place.keys, keyFile))).mode & 0o777, 0o600);
    await place.cast(...VOTES);
    const { out: status } = await place.admin('status');
    assert.match(
      status,
      /Ballots {6}sealed \(the log shows who voted, under the username, and nothing of what\)/,
    );
    assert.match(status, /Trustees {5}trustee 1/);
    const { code, out, err } = await place.admin('close');
    assert.equal(code, 0, err);
    assert.match(out, /Round 1 is decrypted\./);
    assert.match(out, /Most votes: a\./);
    const result = JSON.parse(await place.read('election/results/round-1.json')) as {
      questions: { answers: { votes: number }[]; blank: number }[];
    };
    assert.deepEqual(
      result.questions.map(({ answers, blank }) => [...answers.map(({ votes }) => votes), blank]),
      [[3, 1, 0, 0, 1]],
    );
    assert.equal((await place.admin('next-round', '--carry', '2', '--open')).code, 0);
  });

  it('says who holds the key, and how to do better', async (t) => {
    const place = await AdminPlace.create(t);
    const voters = await place.file('v.txt', 'a\nb\nc\nd\ne\n');
    const candidates = await place.file('c.txt', 'x\ny\n');
    const init = ['init', '--title', 'T', '--voters', voters, '--candidates', candidates];
    const { code, out, err } = await place.admin(...init);
    assert.equal(code, 0, err);
    assert.match(out, /you hold the only key that opens them: .*trustee-[0-9a-f-]+\.key/);
    assert.match(out, /Whoever has it can open single ballots too/);
    assert.match(out, /admin\.js trustees invite --invite Ana/);
  });

  it('is not made for trustees whose keys are not sound, nor with trustees where ballots are open', async (t) => {
    const place = await AdminPlace.create(t);
    const voters = await place.file('v.txt', 'a\nb\n');
    const candidates = await place.file('c.txt', 'x\ny\n');
    const init = ['init', '--title', 'T', '--voters', voters, '--candidates', candidates];
    const [, one = ''] = await keysOf(place, 1);
    const twice = await place.admin(...init, '--trustee', one, '--trustee', one);
    assert.deepEqual(
      [twice.code, /trustees 1 and 2 have the same key/.test(twice.err)],
      [1, true],
      twice.err,
    );
    const key = await place.admin(...init, '--trustee', place.path('t1.key'));
    assert.deepEqual([key.code, /can't be read as a trustee's public key/.test(key.err)], [2, true], key.err);
    assert.doesNotMatch(key.err, /"seed"|[0-9a-f]{40}/);
    const altered = await place.file(
      'bad.pub',
      (await place.read('t1.pub')).replace(/"challenge":"\d/, '"challenge":"9'),
    );
    const bad = await place.admin(...init, '--trustee', altered);
    assert.notEqual(bad.code, 0);
    assert.equal((await place.admin(...init, '--trustee', place.path('no.pub'))).code, 2);
    const loud = await place.file(
      'loud.pub',
      (await place.read('t1.pub')).replace('Trustee 1', '\\u001b[2J'),
    );
    const named = await place.admin(...init, '--trustee', loud);
    assert.deepEqual([named.code, /the name in it can not be shown/.test(named.err)], [2, true], named.err);
    const open = await place.admin(...init, '--secrecy', 'open', '--trustee', one);
    assert.deepEqual([open.code, /need no trustees/.test(open.err)], [2, true], open.err);
    await assert.rejects(stat(place.data));
  });
});

describe('trustees who are not the organiser', () => {
  it('each decrypt what they have checked, and the last one makes the result', async (t) => {
    const place = await withTrustees(t, 2);
    await place.cast(...VOTES);
    const closed = await place.admin('close');
    assert.equal(closed.code, 0, closed.err);
    assert.match(closed.out, /Round 1 is not counted yet: trustee 1 has not decrypted/);
    assert.match(closed.out, /Waiting for Trustee 1 \(trustee 1\), Trustee 2 \(trustee 2\)/);
    const early = await place.admin('next-round', '--carry', '2');
    assert.deepEqual([early.code, /not counted yet/.test(early.err)], [1, true], early.err);

    const second = await place.admin('count', '--decryption', await decryption(place, 2));
    assert.equal(second.code, 0, second.err);
    assert.match(second.out, /Waiting for Trustee 1 \(trustee 1\)\./);
    assert.match(
      (await place.admin('status')).out,
      /Trustee 1 \(trustee 1\): has not decrypted yet, Trustee 2 \(trustee 2\): has decrypted/,
    );
    const { lines } = await place.json('count', '--decryption', await decryption(place, 1));
    assert.deepEqual(
      lines.map(({ event }) => event),
      ['counted', 'result'],
    );
    assert.equal(lines[0]?.['missing'], null);
  });

  it('are named where their decryption is not valid, and others are used all the same', async (t) => {
    const place = await withTrustees(t, 2);
    await place.cast(...VOTES);
    await place.admin('close');
    const good = await decryption(place, 2);
    const content = JSON.parse(await place.read('d2.json')) as Record<string, unknown>;
    const posing = await place.file('posing.json', JSON.stringify({ ...content, trustee: 1 }));
    const { code, out } = await place.admin('count', '--decryption', posing, '--decryption', good);
    assert.equal(code, 0);
    assert.match(
      out,
      /NOT USED: the decryption by trustee 1 is not valid: the proof for cell 1 of question 1 does not hold/,
    );
    assert.match(out, /Waiting for Trustee 1 \(trustee 1\)\./);
    const done = await place.admin('count', '--decryption', await decryption(place, 1));
    assert.match(done.out, /Most votes: a\./);
  });

  it('decrypt one sum of a round, whatever other logs of it they are shown', async (t) => {
    const place = await withTrustees(t, 1);
    await place.cast(...VOTES.slice(0, 4));
    await cp(place.data, place.path('before'), { recursive: true });
    await place.cast([4, [0]]);
    await place.admin('close');
    await decryption(place, 1);
    await decryption(place, 1, 'again.json');
    await rename(place.data, place.path('after'));
    await rename(place.path('before'), place.data);
    const closed = await place.admin('close');
    assert.equal(closed.code, 0, closed.err);
    const other = ['decrypt', place.data, '--key', keyOf(place, 1), '--out', place.path('other.json')];
    const { code, err } = await trustee(...other);
    assert.deepEqual([code, /another sum of the same round was decrypted before/.test(err)], [1, true], err);
    await assert.rejects(stat(place.path('other.json')));

    // Nor by another path to the same key, or after it got another name.
    const link = join(place.folder, 'link.key');
    await symlink(keyOf(place, 1), link);
    const renamed = join(dirname(keyOf(place, 1)), 'renamed.key');
    await copyFile(keyOf(place, 1), renamed);
    for (const key of [link, renamed]) {
      const again = await trustee(...other.with(3, key));
      assert.deepEqual([again.code, /another sum of the same round/.test(again.err)], [1, true], again.err);
    }

    const [note = ''] = (await readdir(dirname(keyOf(place, 1)))).filter((name) =>
      name.startsWith('decrypted-'),
    );
    await writeFile(join(dirname(keyOf(place, 1)), note), '{}');
    const unreadable = await trustee(...other);
    assert.deepEqual([unreadable.code, /can't be read/.test(unreadable.err)], [2, true], unreadable.err);
    await assert.rejects(stat(place.path('other.json')));
  });

  it('are told which file is of another election, of another round, or none', async (t) => {
    const place = await withTrustees(t, 1);
    await place.cast(...VOTES);
    await place.admin('close');
    const content = JSON.parse(
      await place.read((await decryption(place, 1)).slice(place.folder.length + 1)),
    ) as Record<string, unknown>;
    const expectRefused = async (change: object, code: number, why: RegExp) => {
      const file = await place.file('changed.json', JSON.stringify({ ...content, ...change }));
      const ended = await place.admin('count', '--decryption', file);
      assert.deepEqual([ended.code, why.test(ended.err)], [code, true], ended.err);
    };
    await expectRefused({ electionId: 'bafyother' }, 1, /is for another election/);
    await expectRefused({ round: 2 }, 1, /is for round 2, not for round 1/);
    await expectRefused({ trustee: 0 }, 2, /can't be read as a trustee's decryption/);
    await expectRefused({ psephos: 'key' }, 2, /can't be read as a trustee's decryption/);
    await expectRefused({ more: 1 }, 2, /can't be read as a trustee's decryption/);
    assert.equal((await place.admin('count', '--decryption', place.path('none.json'))).code, 2);
    assert.equal((await place.admin('count', '--decryption', await decryption(place, 1))).code, 0);
    const again = await place.admin('count', '--decryption', await decryption(place, 1, 'again.json'));
    assert.deepEqual([again.code, /No closed round waits to be decrypted/.test(again.err)], [1, true]);
  });

  it('do not decrypt an open round, for a key that is no trustee’s, or a log that is not valid', async (t) => {
    const place = await withTrustees(t, 1);
    await place.cast(...VOTES);
    const open = await trustee('decrypt', place.data, '--key', keyOf(place, 1));
    assert.deepEqual([open.code, /round 1 is still open/.test(open.err)], [1, true], open.err);
    await place.admin('close');
    await keysOf(place, 1);
    const stranger = await trustee('decrypt', place.data, '--key', place.path('t1.key'));
    assert.deepEqual([stranger.code, /not that of a trustee/.test(stranger.err)], [1, true], stranger.err);
    const car = place.path('log.jsonl');
    await place.admin('export', '--jsonl', car);
    await writeFile(
      car,
      (await place.read('log.jsonl')).replace('"reason":"organiser"', '"reason":"schedule"'),
    );
    const invalid = await trustee('decrypt', car, '--key', keyOf(place, 1));
    assert.deepEqual([invalid.code, /The log is NOT VALID/.test(invalid.err)], [1, true], invalid.err);
    const other = await trustee('decrypt', place.data, '--key', keyOf(place, 1), '--round', '2');
    assert.deepEqual([other.code, /there is no closed round 2/.test(other.err)], [1, true], other.err);
  });

  it('make keys that nobody else can read, once, and say how to compare them', async (t) => {
    const place = await AdminPlace.create(t);
    const made = await trustee(
      'keygen',
      '--no-passphrase',
      '--out',
      place.path('t.key'),
      '--name',
      ' Ana  Ruiz ',
      '--json',
    );
    assert.equal(made.code, 0, made.err);
    const [line] = jsonLines(made.out);
    assert.match(String(line?.['fingerprint']), /^(?:[0-9A-Z]{4}-){4}[0-9A-Z]{4}$/);
    assert.equal((await stat(place.path('t.key'))).mode & 0o777, 0o600);
    const seed = /"seed": "(\w+)"/.exec(await place.read('t.key'))?.[1] ?? '';
    assert.equal(seed.length, 64);
    assert.ok(![made.out, made.err, await place.read('t.pub')].some((text) => text.includes(seed)));
    const again = await trustee('keygen', '--no-passphrase', '--out', place.path('t.key'));
    assert.notEqual(again.code, 0);
  });
});

describe('a result that would show how single voters voted', () => {
  const few = [VOTES[0], VOTES[2]] as const;

  it('is warned of before opening and before the count', async (t) => {
    const place = await AdminPlace.withElection(t, ...SEALED, '--open');
    await place.cast(...few);
    const { code, out } = await place.admin('close');
    assert.equal(code, 0);
    assert.match(out, /WARNING: The result would be the votes of 2 voters only/);
    assert.match(out, /Round 1 is decrypted\./);
  });

  it('is refused where that is the policy, by organiser and trustee, until those concerned agree', async (t) => {
    const place = await withTrustees(t, 1, '--small-groups', 'refuse');
    await place.cast(...few);
    const closed = await place.admin('close');
    assert.deepEqual(
      [closed.code, /This election refuses to reveal votes/.test(closed.err)],
      [1, true],
      closed.err,
    );
    const refused = await trustee('decrypt', place.data, '--key', keyOf(place, 1));
    assert.deepEqual(
      [refused.code, /would be the votes of 2 voters only/.test(refused.err)],
      [1, true],
      refused.err,
    );
    const file = place.path('d.json');
    assert.equal(
      (await trustee('decrypt', place.data, '--key', keyOf(place, 1), '--reveal', '--out', file)).code,
      0,
    );
    assert.equal((await place.admin('count', '--decryption', file)).code, 1);
    const done = await place.admin('count', '--decryption', file, '--reveal');
    assert.deepEqual([done.code, /Round 1 is decrypted/.test(done.out)], [0, true], done.err);
  });

  it('keeps a round from opening where that is the policy', async (t) => {
    const place = await AdminPlace.create(t);
    const voters = await place.file('v.csv', 'username,weight\na,1\nb,1\nc,1\nd,1\ne,1\nf,90\n');
    const candidates = await place.file('c.txt', 'x\ny\n');
    const init = ['init', '--title', 'T', '--voters', voters, '--candidates', candidates];
    const made = await place.admin(...init, '--small-groups', 'refuse');
    assert.equal(made.code, 0, made.err);
    assert.match(made.err, /WARNING: One voter has the weight 90/);
    const { code, err } = await place.admin('open');
    assert.deepEqual([code, /One voter has the weight 90/.test(err)], [1, true], err);
  });
});
