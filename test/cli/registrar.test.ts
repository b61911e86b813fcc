import assert from 'node:assert/strict';
import { chmod, cp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { parse } from 'csv-parse/sync';
import { getDocumentProxy, extractText } from 'unpdf';
import { toHex } from '#src/base/bytes.js';
import { runRegistrar } from '#src/cli/registrar.js';
import { runVerifyLog } from '#src/cli/verify-log.js';
import { pseudonym } from '#src/crypto/credential.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { readKeyFile } from '#src/store/key-files.js';
import { ENTER, capturedIo } from '../support/captured-io.ts';
import { jsonLines } from '../support/processes.ts';
import { run as voter } from '../support/run-voter.ts';
import { testSeed } from '../support/temp-election.ts';
import { AdminPlace, type Ended } from './admin-support.ts';
import { mountedFolder, remount } from '../store/folder.ts';
import { openPolls } from './open-polls.ts';

const VOTERS =
  'username,name,email,weight\nana,Ana Łukasiewicz,ana@example.org,2\nbo,佐藤 健,,\ncy,Кирилл,,\ndé,,,\n';

async function run(program: typeof runRegistrar, args: readonly string[], io = capturedIo()): Promise<Ended> {
  const code = await program(args, io);
  return { code, out: io.out(), err: io.err() };
}

interface Row {
  readonly username: string;
  readonly name: string;
  readonly email: string;
  readonly secret: string;
}

/** A registrar with a folder of secrets, beside a place where an organiser works. */
class RegistrarPlace {
  readonly place: AdminPlace;
  /** What "make --json" said. */
  readonly made: Record<string, unknown>;
  readonly output: string;

  private constructor(place: AdminPlace, made: Record<string, unknown>, output: string) {
    this.place = place;
    this.made = made;
    this.output = output;
  }

  static async create(t: TestContext, voters = VOTERS, ...options: string[]): Promise<RegistrarPlace> {
    const place = await AdminPlace.create(t);
    const list = await place.file('voters.csv', voters);
    const out = place.path('registrar');
    const args = ['make', '--voters', list, '--title', 'Board 会', '--out', out, '--json', ...options];
    const ended = await run(runRegistrar, args);
    assert.equal(ended.code, 0, ended.err);
    return new RegistrarPlace(place, jsonLines(ended.out)[0] ?? {}, ended.out + ended.err);
  }

  get folder(): string {
    return this.place.path('registrar');
  }

  get roll(): string {
    return join(this.folder, 'roll.json');
  }

  async rows(): Promise<Row[]> {
    return parse(await readFile(join(this.folder, 'credentials/credentials.csv')), { columns: true });
  }

  async init(...options: string[]): Promise<Ended> {
    const candidates = await this.place.file('candidates.txt', 'Ada\nGrace\n');
    const args = ['init', '--title', 'Board', '--candidates', candidates, '--roll', this.roll];
    return this.place.admin(...args, ...options);
  }

  registrar(...args: string[]): Promise<Ended> {
    return run(runRegistrar, args);
  }
}

/** Every file below a folder, by its path from there. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** The text of each page. */
async function pagesOf(file: string): Promise<string[]> {
  const { text } = await extractText(await getDocumentProxy(new Uint8Array(await readFile(file))));
  return text;
}

/** Both ways in which a secret is written, and the form in which it is derived from. */
const formsOf = (secret: string) => [secret, secret.replaceAll('-', '')];

describe('registrar make', () => {
  it('writes a signed roll, a key, and the secrets, for the owner alone', async (t) => {
    const there = await RegistrarPlace.create(t);
    assert.deepEqual((await readdir(there.folder)).sort(), ['credentials', 'registrar.key', 'roll.json']);
    assert.deepEqual((await readdir(join(there.folder, 'credentials'))).sort(), [
      'README.txt',
      'credentials.csv',
      'credentials.json',
      'sheets-0001.html',
      'sheets-0001.pdf',
      'sheets.txt',
    ]);
    for (const path of await filesBelow(there.folder))
      assert.equal((await stat(path)).mode & 0o777, 0o600, path);
    for (const path of [there.folder, join(there.folder, 'credentials')])
      assert.equal((await stat(path)).mode & 0o777, 0o700, path);
    const roll = JSON.parse(await readFile(there.roll, 'utf8')) as {
      registrar: string;
      voters: { name: string; weight: number }[];
    };
    assert.deepEqual(
      roll.voters.map(({ name, weight }) => [name, weight]),
      [
        ['ana', 2],
        ['bo', 1],
        ['cy', 1],
        ['dé', 1],
      ],
    );
    const { publicKey } = await readKeyFile(join(there.folder, 'registrar.key'), 'registrar');
    assert.equal(roll.registrar, toHex(publicKey));
    await assert.rejects(readKeyFile(join(there.folder, 'registrar.key'), 'admin'), /role "registrar"/);
  });

  it('makes a page for each voter, with the name in whatever script, as PDF, HTML and text', async (t) => {
    const names = ['Ana Łukasiewicz', '佐藤 健', 'Кирилл', 'محمد علي', '김철수', 'Zoë 😀'];
    const list = names.map((name, index) => `v${index},${name}`);
    const there = await RegistrarPlace.create(t, ['username,name', ...list].join('\n'));
    const credentials = join(there.folder, 'credentials');
    const rows = await there.rows();
    const pages = await pagesOf(join(credentials, 'sheets-0001.pdf'));
    const sheets = (await readFile(join(credentials, 'sheets.txt'), 'utf8')).split('\f');
    const html = (await readFile(join(credentials, 'sheets-0001.html'), 'utf8')).split('<section>').slice(1);
    assert.deepEqual([pages.length, sheets.length, html.length], [names.length, names.length, names.length]);
    const bare = (text: string) => text.replace(/[\s\u200e\u200f\u202a-\u202e]/g, '');
    for (const [index, { username, secret }] of rows.entries()) {
      for (const page of [pages[index], sheets[index], html[index]]) {
        for (const word of [username, secret, String(there.made['registrar']), 'Board会'])
          assert.ok(bare(page ?? '').includes(bare(word)), `${word} on ${page}`);
        for (const other of rows)
          assert.equal(page?.includes(other.secret), other.username === username, other.username);
      }
      // A reader of PDF gives the words of a line written from right to left in either order.
      for (const word of (names[index] ?? '').split(' ')) {
        const found = [word, Array.from(word).reverse().join('')].some((form) =>
          bare(pages[index] ?? '').includes(form),
        );
        assert.ok(found, `${word} on ${pages[index]}`);
        assert.ok(sheets[index]?.includes(word) && html[index]?.includes(word), word);
      }
    }
  });

  it('makes one page of the longest texts, and shows by number what no font has', async (t) => {
    const long = `${'W'.repeat(500)} ${'word '.repeat(90)}`.trim();
    const title = 'Title '.repeat(680).trim();
    const voters = `username,name\n${'u'.repeat(256)},${long}\nbo,\u{f0000} here\n`;
    const there = await RegistrarPlace.create(t, voters, '--title', title, '--address', 'a'.repeat(1000));
    const pages = await pagesOf(join(there.folder, 'credentials/sheets-0001.pdf'));
    assert.equal(pages.length, 2);
    const [first] = await there.rows();
    assert.ok(pages[0]?.includes(first?.secret ?? '?') && pages[0].includes('Keep this sheet to yourself'));
    assert.match(pages[1] ?? '', /\[U\+F0000\] here/);
  });

  it('makes files of a hundred sheets', async (t) => {
    const list = Array.from({ length: 101 }, (_, index) => `v${String(index).padStart(3, '0')}`).join('\n');
    const there = await RegistrarPlace.create(t, list);
    const credentials = join(there.folder, 'credentials');
    assert.equal((await pagesOf(join(credentials, 'sheets-0001.pdf'))).length, 100);
    assert.match((await pagesOf(join(credentials, 'sheets-0002.pdf'))).join(''), /v100/);
    const gone = await there.registrar('delete', there.folder, '--voter', 'v007', '--yes');
    assert.equal(gone.code, 0, gone.err);
    assert.ok(!(await readdir(credentials)).some((name) => name.startsWith('sheets-0002')));
    const pages = await pagesOf(join(credentials, 'sheets-0001.pdf'));
    assert.equal(pages.length, 100);
    assert.ok(!pages.join('').includes('v007') && pages.join('').includes('v100'));
  });

  it('gives no secret to voters who have a key, and makes no sheets where all have one', async (t) => {
    const key = toHex(publicKeyOf(testSeed(1)));
    const some = await RegistrarPlace.create(t, `username,publicKey\nana,${key}\nbo,\n`);
    assert.deepEqual(
      (await some.rows()).map(({ username }) => username),
      ['bo'],
    );
    const all = await RegistrarPlace.create(t, `username,publicKey\nana,${key}\n`);
    assert.deepEqual((await readdir(all.folder)).sort(), ['registrar.key', 'roll.json']);
    assert.match(await readFile(all.roll, 'utf8'), new RegExp(`"name":"ana","key":"${key}"`));
  });

  it('keeps usernames out of a roll of pseudonyms', async (t) => {
    const there = await RegistrarPlace.create(t, VOTERS, '--names', 'pseudonym');
    const text = await readFile(there.roll, 'utf8');
    assert.doesNotMatch(text, /"ana"|"bo"/);
    const { voters } = JSON.parse(text) as { voters: { name: string; key: string }[] };
    for (const { name, key } of voters) assert.equal(name, pseudonym(Buffer.from(key, 'hex')));
    const { code, err } = await there.init();
    assert.equal(code, 0, err);
    assert.equal((await run(runVerifyLog, [there.place.data])).code, 0);
  });

  it('replaces nothing, and leaves nothing where it fails', async (t) => {
    const there = await RegistrarPlace.create(t);
    const before = await readFile(there.roll);
    const list = there.place.path('voters.csv');
    const again = ['make', '--voters', list, '--title', 'T', '--out', there.folder];
    const ended = await run(runRegistrar, again);
    assert.deepEqual([ended.code, /holds other files/.test(ended.err)], [1, true], ended.err);
    assert.deepEqual(await readFile(there.roll), before);
    const bad = await there.place.file('bad.csv', 'ana\nana\n');
    const out = there.place.path('other');
    const refused = await run(runRegistrar, ['make', '--voters', bad, '--title', 'T', '--out', out]);
    assert.deepEqual([refused.code, /there twice/.test(refused.err)], [2, true], refused.err);
    const io = capturedIo();
    io.interrupt();
    const stopped = await run(runRegistrar, ['make', '--voters', list, '--title', 'T', '--out', out], io);
    assert.deepEqual([stopped.code, /Interrupted/.test(stopped.err)], [1, true], stopped.err);
    const names = (await readdir(there.place.folder)).sort();
    assert.deepEqual(names, ['bad.csv', 'registrar', 'voters.csv']);
  });

  it('refuses what it can’t use', async (t) => {
    const place = await AdminPlace.create(t);
    const voters = await place.file('v.txt', 'ana\n');
    const out = ['--out', place.path('registrar')];
    const cases: readonly (readonly string[])[] = [
      ['make', '--title', 'T', ...out],
      ['make', '--voters', voters, ...out],
      ['make', '--voters', voters, '--title', '', ...out],
      ['make', '--voters', voters, '--title', 'T', '--names', 'none', ...out],
      ['make', '--voters', voters, '--title', 'T', '--address', 'a'.repeat(1025), ...out],
      ['make', '--voters', voters, '--title', 'T', '--address', '\u001b[31m', ...out],
      ['make', '--voters', place.path('nobody.txt'), '--title', 'T', ...out],
      ['delete'],
      ['delete', place.path('nowhere'), '--yes'],
      ['delete', place.folder, '--yes'],
      ['show'],
      ['show', place.path('nowhere')],
      ['show', voters],
      ['sell'],
    ];
    for (const args of cases) {
      const { code, err } = await run(runRegistrar, args);
      assert.deepEqual([code, err.includes('defect')], [2, false], `${args.join(' ')}: ${err}`);
    }
    assert.deepEqual(await readdir(place.folder), ['v.txt']);
    const help = await run(runRegistrar, ['--help']);
    assert.deepEqual([help.code, /Examples:/.test(help.out)], [0, true]);
  });
});

describe('an election with a registrar', () => {
  it('is made of the roll, voted in with the registrar’s secrets, and audited', async (t) => {
    const there = await RegistrarPlace.create(t);
    const { place, made } = there;
    const fingerprint = String(made['registrar']);
    const ended = await there.init('--secrecy', 'open', '--open', '--registrar', fingerprint.toLowerCase());
    assert.equal(ended.code, 0, ended.err);
    assert.ok(ended.out.includes(fingerprint) && ended.out.includes(String(made['rollFingerprint'])));
    assert.match(ended.out, /aloud/);
    assert.doesNotMatch(ended.out, /Secrets for/);
    assert.deepEqual(
      (await readdir(place.data)).filter((name) => name === 'credentials'),
      [],
    );

    const polls = await openPolls(t, place);
    for (const { username, secret } of await there.rows()) {
      const file = await place.file(`${username}.secret`, secret);
      await chmod(file, 0o600);
      const args = ['--dial', polls.address, '--username', username, '--secret-file', file];
      const ran = await voter([
        ...args,
        ...['--choose', 'Ada', '--yes', '--json', '--wait', '0'],
        ...['--receipt', place.path(`${username}.tlog-proof`)],
      ]);
      assert.equal(ran.code, 0, ran.err);
      assert.equal(ran.events['election']?.['registrar'], fingerprint);
      assert.ok(ran.err.includes(`Registrar    ${fingerprint}`), ran.err);
    }
    assert.equal((await place.admin('close')).code, 0);
    polls.io.interrupt();
    await polls.ended;

    const audit = await run(runVerifyLog, [place.data, '--registrar', fingerprint, '--json']);
    assert.equal(audit.code, 0, audit.err);
    assert.ok(audit.err.includes(`Registrar    ${fingerprint}`));
    const lines = jsonLines(audit.out);
    const check = lines.find(({ id }) => id === 'registrar');
    assert.equal(check?.['verdict'], 'valid');
    const election = lines.find(({ event }) => event === 'election')?.['election'] as Record<string, unknown>;
    const roll = JSON.parse(await readFile(there.roll, 'utf8')) as { registrar: string };
    assert.deepEqual(election['registrar'], { key: roll.registrar, fingerprint });
    const result = lines.find(({ event }) => event === 'result') as { turnout: { votedWeight: number } };
    assert.equal(result.turnout.votedWeight, 5);
    const stranger = await run(runVerifyLog, [place.data, '--registrar', 'AAAA-BBBB-CCCC-DDDD-EEEE']);
    assert.deepEqual([stranger.code, stranger.out.includes('its registrar is')], [1, true]);
    assert.equal((await run(runVerifyLog, [place.data, '--registrar', 'AAAA'])).code, 2);
  });

  it('has no secret anywhere but in the registrar’s folder of secrets', async (t) => {
    const there = await RegistrarPlace.create(t);
    const init = await there.init('--open');
    assert.equal(init.code, 0, init.err);
    const shown = await there.registrar('show', there.folder);
    const audit = await run(runVerifyLog, [there.place.data]);
    const key = await readFile(join(there.folder, 'registrar.key'), 'utf8');
    const { seed } = JSON.parse(key) as { seed: string };
    const public_ = [await readFile(there.roll, 'latin1'), there.output];
    public_.push(...[init, shown, audit].map(({ out, err }) => out + err));
    for (const path of [...(await filesBelow(there.place.data)), ...(await filesBelow(there.place.keys))])
      public_.push(await readFile(path, 'latin1'));
    assert.ok(public_.length > 8);
    const secrets = [...(await there.rows()).flatMap(({ secret }) => formsOf(secret)), seed];
    assert.ok(secrets.every((secret) => secret.length >= 24));
    for (const text of public_) for (const secret of secrets) assert.ok(!text.includes(secret));
    // Nor what only a voter's sheet is for.
    for (const text of public_) assert.ok(!text.includes('ana@example.org'));
  });

  it('is not made of a roll that was altered, or is no roll, or is another registrar’s', async (t) => {
    const there = await RegistrarPlace.create(t);
    const good = await readFile(there.roll, 'utf8');
    const alterations: Readonly<Record<string, (text: string) => string>> = {
      'altered-roll weight': (text) => text.replace('"weight":2', '"weight":3'),
      'altered-roll name': (text) => text.replace('"name":"bo"', '"name":"bob"'),
      'altered-roll voter': (text) => text.replace(/ {4}\{"name":"bo".*\n/, ''),
      'altered-roll cost': (text) => text.replace('"ops":2', '"ops":3'),
      'altered-roll uuid': (text) =>
        text.replace(/"uuid": "./, (start) => start.slice(0, -1) + (start.endsWith('1') ? '2' : '1')),
      'altered-roll names': (text) => text.replace('"public"', '"pseudonym"'),
      'not-a-roll field': (text) => text.replace('"version"', '"more": 1, "version"'),
      'not-a-roll version': (text) => text.replace('"version": 1', '"version": 2'),
      'not-a-roll text': () => 'ana\nbo\n',
    };
    for (const [what, alter] of Object.entries(alterations)) {
      const text = alter(good);
      assert.notEqual(text, good, what);
      await writeFile(there.roll, text);
      const { code, out } = await there.init('--json');
      const { error } = (jsonLines(out)[0] ?? {}) as { error?: { code: string } };
      const expected = what.split(' ')[0];
      assert.deepEqual([error?.code, code], [expected, expected === 'not-a-roll' ? 2 : 1], what);
      assert.equal((await there.registrar('show', there.roll)).code, code);
    }
    await writeFile(there.roll, good);
    const other = await there.init('--registrar', 'AAAA-BBBB-CCCC-DDDD-EEEE');
    assert.deepEqual([other.code, /not by AAAA/.test(other.err)], [1, true], other.err);
    await rm(there.roll);
    assert.equal((await there.init()).code, 2);
    assert.deepEqual(
      (await readdir(there.place.folder)).sort(),
      ['candidates.txt', 'registrar', 'voters.csv'],
      'nothing was made',
    );
  });

  it('does not replace the key of an election that was made of the same roll before', async (t) => {
    const there = await RegistrarPlace.create(t);
    assert.equal((await there.init()).code, 0);
    const contents = async () => {
      const paths = (await filesBelow(there.place.keys)).sort();
      return Promise.all(paths.map(async (path) => [path, await readFile(path, 'utf8')]));
    };
    const before = await contents();
    const again = await there.init('--data', there.place.path('second'));
    assert.deepEqual([again.code, /exists already/.test(again.err)], [1, true], again.err);
    assert.deepEqual(await contents(), before);
    assert.ok(!(await readdir(there.place.folder)).includes('second'));
  });

  it('takes its voters from one file, and what the roll says from nowhere else', async (t) => {
    const there = await RegistrarPlace.create(t);
    const list = there.place.path('voters.csv');
    const conflicts = [
      ['--voters', list],
      ['--names', 'public'],
      ['--address', '/ip6/::1/tcp/4000'],
      ['--registrar', 'not a fingerprint'],
    ];
    for (const options of conflicts) {
      const { code, err } = await there.init(...options);
      assert.equal(code, 2, `${options.join(' ')}: ${err}`);
    }
    const init = ['init', '--title', 'T', '--candidates', await there.place.file('c.txt', 'x\ny\n')];
    const none = await there.place.admin(...init);
    assert.deepEqual([none.code, /There are no voters/.test(none.err)], [2, true], none.err);
    const fingerprint = String(there.made['registrar']);
    const alone = await there.place.admin(...init, '--voters', list, '--registrar', fingerprint);
    assert.deepEqual([alone.code, /Only a roll has a registrar/.test(alone.err)], [2, true], alone.err);
  });
});

describe('registrar show', () => {
  it('prints a roll’s voters and fingerprints, of a folder and of the file', async (t) => {
    const there = await RegistrarPlace.create(t);
    const text = await there.registrar('show', there.folder);
    assert.equal(text.code, 0, text.err);
    for (const word of ['ana', 'dé', 'of weight 5', String(there.made['registrar'])])
      assert.ok(text.out.includes(word), word);
    const json = jsonLines((await there.registrar('show', there.roll, '--json')).out);
    assert.equal(json[0]?.['rollFingerprint'], there.made['rollFingerprint']);
    assert.deepEqual(
      json.slice(1).map(({ name, weight }) => [name, weight]),
      [
        ['ana', 2],
        ['bo', 1],
        ['cy', 1],
        ['dé', 1],
      ],
    );
  });
});

describe('registrar delete', () => {
  it('deletes all secrets, keeps roll and key, and does no more the second time', async (t) => {
    const there = await RegistrarPlace.create(t);
    const secrets = (await there.rows()).map(({ secret }) => secret);
    const roll = await readFile(there.roll);
    const first = await there.registrar('delete', there.folder, '--yes');
    assert.equal(first.code, 0, first.err);
    assert.match(first.out, /Deleted: .*credentials with .*sheets-0001\.pdf/);
    assert.match(first.out, /What stays: .*roll\.json.*registrar\.key/);
    assert.ok(secrets.every((secret) => !first.out.includes(secret)));
    assert.deepEqual((await readdir(there.folder)).sort(), ['registrar.key', 'roll.json']);
    const second = await there.registrar('delete', there.folder, '--yes');
    assert.deepEqual([second.code, /no secrets .*any more/.test(second.out)], [0, true], second.err);
    assert.deepEqual(await readFile(there.roll), roll);
    assert.equal((await there.init()).code, 0);
  });

  it('deletes one voter’s secret from every file, and leaves the others’', async (t) => {
    const there = await RegistrarPlace.create(t);
    const [ana, ...others] = await there.rows();
    const { code, out, err } = await there.registrar('delete', there.folder, '--voter', 'ana', '--yes');
    assert.deepEqual([code, /other voters stay/.test(out)], [0, true], err);
    const credentials = join(there.folder, 'credentials');
    assert.deepEqual(await there.rows(), others);
    const pages = await pagesOf(join(credentials, 'sheets-0001.pdf'));
    assert.equal(pages.length, others.length);
    for (const path of await filesBelow(credentials)) {
      assert.equal((await stat(path)).mode & 0o777, 0o600, path);
      const text = path.endsWith('.pdf') ? pages.join('') : await readFile(path, 'utf8');
      for (const word of [...formsOf(ana?.secret ?? '?'), 'Łukasiewicz', 'ana@example.org'])
        assert.ok(!text.includes(word), path);
      if (/README/.test(path)) continue;
      for (const { secret } of others) assert.ok(text.includes(secret), path);
    }
    const again = await there.registrar('delete', there.folder, '--voter', 'ana', '--yes');
    assert.deepEqual([again.code, /no secret of a voter "ana"/.test(again.err)], [1, true], again.err);
    for (const { username } of others)
      assert.equal((await there.registrar('delete', there.folder, '--voter', username, '--yes')).code, 0);
    assert.deepEqual((await readdir(there.folder)).sort(), ['registrar.key', 'roll.json']);
  });

  it('asks before, and takes no for an answer', async (t) => {
    const there = await RegistrarPlace.create(t);
    const nobody = await there.registrar('delete', there.folder);
    assert.deepEqual([nobody.code, /--yes/.test(nobody.err)], [2, true], nobody.err);
    const answer = async (typed: string) => {
      const io = capturedIo({ terminal: true });
      const ended = run(runRegistrar, ['delete', there.folder], io);
      await io.waitFor('Delete the secrets of all voters?');
      io.type(`${typed}${ENTER}`);
      return ended;
    };
    for (const no of ['', 'n']) {
      const kept = await answer(no);
      assert.deepEqual([kept.code, /Nothing was deleted/.test(kept.err)], [1, true], kept.err);
    }
    assert.equal((await there.rows()).length, 4);
    assert.equal((await answer('y')).code, 0);
    assert.deepEqual((await readdir(there.folder)).sort(), ['registrar.key', 'roll.json']);
  });

  it('follows no link out of the folder, and says nothing of secrets that it can’t read', async (t) => {
    const there = await RegistrarPlace.create(t);
    const credentials = join(there.folder, 'credentials');
    const [ana] = await there.rows();
    await writeFile(join(credentials, 'credentials.json'), `{"secret": "${ana?.secret}"`);
    const { code, err } = await there.registrar('delete', there.folder, '--voter', 'ana', '--yes');
    assert.deepEqual([code, err.includes(ana?.secret ?? '?')], [2, false], err);
    const elsewhere = await there.place.file('elsewhere/kept.txt', 'kept');
    await symlink(join(elsewhere, '..'), join(credentials, 'link'));
    assert.equal((await there.registrar('delete', there.folder, '--yes')).code, 0);
    assert.equal(await readFile(elsewhere, 'utf8'), 'kept');
    await symlink(join(elsewhere, '..'), credentials);
    await there.registrar('delete', there.folder, '--yes');
    assert.equal(await readFile(elsewhere, 'utf8'), 'kept');
  });

  it('is refused by a folder that can’t be changed, and says so', async (t) => {
    const mounted = await mountedFolder(t, 'size=8m');
    if (mounted === undefined) return;
    const there = await RegistrarPlace.create(t);
    const folder = join(mounted, 'registrar');
    await cp(there.folder, folder, { recursive: true });
    remount(mounted, 'ro');
    const { code, err } = await there.registrar('delete', folder, '--yes');
    remount(mounted, 'rw');
    assert.deepEqual([code, /read-only/.test(err)], [2, true], err);
    assert.ok((await readdir(join(folder, 'credentials'))).length > 0);
  });
});
