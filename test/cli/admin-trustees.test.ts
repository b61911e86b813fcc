import assert from 'node:assert/strict';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { inProcessChecker } from '#src/audit/checker.js';
import { audit } from '#src/audit/run.js';
import { CID } from 'multiformats/cid';
import { Participant } from '#src/belenios/v1/ceremony/participant.js';
import { ceremonySeed } from '#src/belenios/v1/ceremony/seed.js';
import { signStep } from '#src/belenios/v1/ceremony/step-signature.js';
import { memberSecrets } from '#src/belenios/v1/signed-message.js';
import { dialPeer, parseDialTarget } from '#src/net/index.js';
import { platformRandom } from '#src/services/platform-random.js';
import { PeerRefusal } from '#src/services/ports.js';
import { readTrusteeKeyFile } from '#src/store/trustee-key-files.js';
import { valueOf } from '../support/results.ts';
import { AdminPlace } from './admin-support.ts';
import { openPolls } from './open-polls.ts';
import { MadeCeremony, anotherPolynomial, invited } from '../support/made-ceremony.ts';
import { Trustees, trustee } from '../support/trustee-program.ts';

const SEALED = ['--secrecy', 'sealed'];
const THREE = ['--invite', 'Ana', '--invite', 'Ben', '--invite', 'Cleo'];

/** An election whose trustees are invited, and those trustees with the invitations that the organiser's program wrote. */
async function invitedPlace(
  t: TestContext,
  count: number,
  ...options: string[]
): Promise<{ readonly place: AdminPlace; readonly trustees: Trustees }> {
  const place = await AdminPlace.withElection(t, ...SEALED, ...options);
  return { place, trustees: await trusteesOf(place, count) };
}

async function trusteesOf(place: AdminPlace, count: number): Promise<Trustees> {
  const codes = await Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const text = await readFile(join(place.data, 'invitations', `trustee-${at + 1}.txt`), 'utf8');
      return /[0-9A-Z]{4}(?:-[0-9A-Z]{4}){5}/.exec(text)?.[0] ?? '';
    }),
  );
  return Trustees.create(place.folder, { start: { threshold: 0, trustees: [] }, codes });
}

const rowsOf = async (place: AdminPlace) => (await place.admin('trustees')).out;

describe('an organiser who invites trustees', () => {
  it('gets an invitation for each, secret like the voters’ sheets, and sees who is missing', async (t) => {
    const { place } = await invitedPlace(t, 3, ...THREE, '--threshold', '2', '--invite-single', 'Dina');
    const folder = join(place.data, 'invitations');
    const names = (await readdir(folder)).sort();
    assert.deepEqual(
      names,
      [1, 2, 3, 4].map((number) => `trustee-${number}.txt`),
    );
    for (const name of names) assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600);
    assert.match(await readFile(join(folder, 'trustee-1.txt'), 'utf8'), /^Dina, you are invited/);
    assert.match(await rowsOf(place), /under way; 2 of 3 members and the single trustee will be needed/);
    assert.match(await rowsOf(place), /Dina: MISSING: has not joined yet \(single trustee\)\n +Ana: MISSING/);
    const opened = await place.admin('open');
    assert.equal(opened.code, 1);
    assert.match(opened.err, /keys are not made yet; waiting for Dina, Ana, Ben, Cleo\./);
  });

  it('is told of wishes that can’t be', async (t) => {
    const place = await AdminPlace.create(t);
    const files = [
      ...['--voters', await place.file('v.txt', 'a\nb\nc\nd\ne\n')],
      ...['--candidates', await place.file('c.txt', 'x\ny\n')],
    ];
    const expectUsage = async (why: RegExp, ...options: string[]) => {
      const { code, err } = await place.admin('init', '--title', 'T', ...files, ...options);
      assert.deepEqual([code, why.test(err)], [2, true], err);
    };
    await expectUsage(/a threshold of 4 of 3 members/, ...THREE, '--threshold', '4');
    await expectUsage(/two trustees of one name/, ...THREE, '--invite', 'Ana');
    await expectUsage(/how many of those invited/, '--threshold', '2');
    await expectUsage(/need no trustees/, ...THREE, '--secrecy', 'open');
    await expectUsage(/leave out --open/, ...THREE, '--open');
    await expectUsage(/Either trustees have keys/, ...THREE, '--trustee', await trusteeKey(place));
    await expectUsage(/name can't be used/, '--invite', '');
    const many = Array.from({ length: 21 }, (_, at) => ['--invite', `T${at}`]).flat();
    await expectUsage(/21 members of a group/, ...many);
  });

  it('can begin anew with others, until a round was opened', async (t) => {
    const { place, trustees } = await invitedPlace(t, 3, ...THREE);
    const polls = await openPolls(t, place);
    await trustees.once(1, polls.address);
    const again = await place.admin('trustees', 'invite', '--invite', 'Eva', '--invite', 'Finn');
    assert.equal(again.code, 0, again.err);
    assert.match(again.out, /under way; 2 of 2 members/);
    assert.deepEqual((await readdir(join(place.data, 'invitations'))).length, 2);
    const others = await trusteesOf(place, 2);
    // The first one has a key already, whose holder is invited again, as Eva now.
    await others.settle(polls.address, 1, 2);
    assert.match(await rowsOf(place), /OK, but all are needed: 2 of 2 trustees/);
    assert.equal((await place.admin('open')).code, 0);
    const late = await place.admin('trustees', 'invite', '--invite', 'Gus');
    assert.equal(late.code, 1);
    assert.match(late.err, /A round was opened already/);
  });

  it('takes in what trustees send as files, and says what can’t be used', async (t) => {
    const { place, trustees } = await invitedPlace(t, 1, '--invite', 'Ana');
    const answer = async (name: string) => {
      const file = place.path(name);
      const ran = await trustee('answer', place.data, '--out', file, ...trustees.own(1));
      assert.equal(ran.code, 0, ran.err);
      return file;
    };
    const take = (...files: string[]) => place.admin('trustees', 'take', ...files);
    const certificate = await answer('1.json');
    assert.match((await take(certificate)).out, /Taken: the step of the key ceremony of trustee 1\./);
    assert.match((await take(certificate)).out, /Taken/);
    const content = JSON.parse(await readFile(certificate, 'utf8')) as { message: { step: object } };
    const { message } = content;
    const other = new MadeCeremony(invited(0, 1, 1)).step(1);
    for (const [change, why] of [
      [{ message: { ...message, step: other } }, /NOT USED: .* used this invitation before|NOT USED/],
      [{ message: { ...message, ceremony: 'bafyother' } }, /NOT USED: .* of another ceremony/],
    ] as const) {
      const file = await place.file('changed.json', JSON.stringify({ ...content, ...change }));
      const ended = await take(file);
      assert.match(ended.out, why);
      assert.equal(ended.code, 1);
    }
    const elsewhere = await place.file('other.json', JSON.stringify({ ...content, electionId: 'bafyother' }));
    const refused = await take(elsewhere);
    assert.deepEqual([refused.code, /for another election/.test(refused.err)], [1, true], refused.err);
    const broken = await take(await place.file('broken.json', '{}'));
    assert.deepEqual([broken.code, /can't be read as what a trustee made/.test(broken.err)], [2, true]);
    for (const name of ['2.json', '3.json', '4.json']) await take(await answer(name));
    assert.match(await rowsOf(place), /OK, but all are needed: 1 of 1 trustees/);
    // A key that is none of this election's.
    const strange = await trustee('answer', place.data, '--key', await strangerKey(place));
    assert.equal((strange.lines.at(-1)?.['error'] as { code: string }).code, 'not-a-trustee');
  });

  it('gets the result with the last decryption that comes as a file', async (t) => {
    const { place, trustees } = await invitedPlace(t, 1, '--invite', 'Ana');
    const take = async () => {
      const file = place.path('answer.json');
      const ran = await trustee('answer', place.data, '--out', file, ...trustees.own(1));
      assert.equal(ran.code, 0, ran.err);
      return ran.lines.some(({ event }) => event === 'written')
        ? place.admin('trustees', 'take', file)
        : undefined;
    };
    while ((await take()) !== undefined);
    assert.equal((await place.admin('open')).code, 0);
    await place.cast([0, [0]], [1, [0]], [2, [1]], [3, [0]], [4, null]);
    assert.equal((await place.admin('close')).code, 0);
    const taken = await take();
    assert.match(taken?.out ?? '', /Taken: the decryption of trustee 1\.[^]*Most votes: a\./);
    assert.ok((await readdir(join(place.data, 'results'))).includes('round-1.json'));
  });

  it('is asked for proof that the trustees’ keys work before a round opens, and can open it all the same', async (t) => {
    const { place, trustees } = await invitedPlace(t, 2, '--invite', 'Ana', '--invite', 'Ben');
    const polls = await openPolls(t, place);
    await trustees.settle(polls.address, 1, 2);
    const called = await place.admin('trustees', 'call');
    assert.match(called.out, /TOO FEW: 0 of 2 trustees .*; missing: Ana \(trustee 1\), Ben \(trustee 2\)/);
    await trustees.once(2, polls.address);
    const opened = await place.admin('open');
    assert.equal(opened.code, 1);
    assert.match(opened.err, /Too few trustees .* Missing: Ana\./);
    const anyway = await place.admin('open', '--untested-trustees');
    assert.equal(anyway.code, 0, anyway.err);
    assert.match(anyway.out, /TOO FEW: 1 of 2/);
  });

  it('and is the only trustee can open a further round days later: the own key shows anew that it works', async (t) => {
    const place = await AdminPlace.withElection(t, ...SEALED, '--open');
    await place.cast([0, [0]], [1, [0]], [2, [1]], [3, [1]], [4, [2]]);
    assert.equal((await place.admin('close')).code, 0);
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 3 * 24 * 3_600_000 });
    const next = await place.admin('next-round', '--carry', '2', '--open');
    assert.equal(next.code, 0, next.err);
  });

  it('keeps what shows that a trustee’s step was not sound, and names the trustee', async (t) => {
    const { place, trustees } = await invitedPlace(t, 2, '--invite', 'Ana', '--invite', 'Ben');
    const polls = await openPolls(t, place);
    // Only the first step of the second one.
    const file = place.path('certificate.json');
    await trustee('answer', polls.address, '--out', file, ...trustees.own(2));
    await place.admin('trustees', 'take', file);
    await trustees.once(1, polls.address);
    await stepTwice(polls.address, trustees);
    await polls.io.waitFor(
      'REFUSED: the polynomial (step 2 of 3) of Ben (trustee 2): two lists of coefexps are signed',
    );
    await polls.io.waitFor('What shows it: ');
    const [name = ''] = await readdir(join(place.data, 'evidence'));
    const evidence = JSON.parse(await readFile(join(place.data, 'evidence', name), 'utf8')) as {
      fault: { offence: string; accused: number[]; proven: string };
    };
    assert.deepEqual(
      [evidence.fault.offence, evidence.fault.accused, evidence.fault.proven],
      ['two-polynomials', [2], 'signature'],
    );
    assert.equal((await stat(join(place.data, 'evidence', name))).mode & 0o777, 0o600);
  });
});

/** The second trustee loses its notes after its second step, and makes it again: two polynomials of one trustee. */
async function stepTwice(address: string, trustees: Trustees): Promise<void> {
  const client = await dialPeer(parseDialTarget(address));
  try {
    const own = await readTrusteeKeyFile(trustees.key(2));
    assert.ok(!own.locked);
    const seed = own.key.seed;
    const report = await audit(client, { checker: inProcessChecker() });
    assert.ok(report.ceremony !== undefined);
    const { record, cid } = report.ceremony;
    const participant = new Participant(seed, cid, record);
    const number = participant.number ?? 0;
    assert.equal(number, 2);
    const first = valueOf(participant.step(number, platformRandom));
    assert.ok(first !== undefined);
    const { signing } = valueOf(memberSecrets(ceremonySeed(seed, cid)));
    const text = anotherPolynomial({ record, cid: CID.decode(cid) }, number, seed);
    const second = signStep(record.signedIn('polynomial'), { ...first, text }, signing, platformRandom);
    for (const step of [first, second])
      await client
        .handIn({ kind: 'step', ceremony: record.ceremony, step, invitation: null })
        .catch((error: unknown) => {
          assert.ok(error instanceof PeerRefusal && step === second);
        });
  } finally {
    await client.close();
  }
}

async function trusteeKey(place: AdminPlace): Promise<string> {
  await trustee('keygen', '--out', place.path('own.key'), '--no-passphrase');
  return place.path('own.pub');
}

async function strangerKey(place: AdminPlace): Promise<string> {
  await trustee('keygen', '--out', place.path('stranger.key'), '--no-passphrase');
  return place.path('stranger.key');
}
