import assert from 'node:assert/strict';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { fromHex, toHex } from '#src/base/bytes.js';
import { pointText } from '#src/belenios/v1/encoding/elements.js';
import { runVerifyLog } from '#src/cli/verify-log.js';
import { normaliseSecret, pseudonym } from '#src/crypto/credential.js';
import type { Point } from '#src/crypto/group/group.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { PeerRefusal } from '#src/services/ports.js';
import { exportBelenios } from '#src/store/bel.js';
import { exportCar } from '#src/store/car.js';
import { exportJsonLines } from '#src/store/jsonl.js';
import { readKeyFile } from '#src/store/key-files.js';
import { belenios, hasBelenios } from '../support/belenios-tool.ts';
import { ENTER, capturedIo } from '../support/captured-io.ts';
import { type PlaceOptions, PollingPlace } from '../support/polling-place.ts';
import { jsonLines } from '../support/processes.ts';
import { type Ran, failed, run, voteAs } from '../support/run-voter.ts';
import { runVoter } from '#src/cli/voter.js';

const start = (t: TestContext, options: PlaceOptions = {}) =>
  PollingPlace.start(t, { voters: 3, open: false, ...options });

async function enrolArgs(place: PollingPlace, voter: number, ...more: string[]): Promise<string[]> {
  return [
    ...['enrol', '--dial', place.address, '--username', `v${voter}`],
    ...['--secret-file', await place.secretFile(voter), '--yes', '--json', '--wait', '0'],
    ...more,
  ];
}

const keyOf = (place: PollingPlace, voter: number) => join(place.folder, `own${voter}.key`);
const receiptOf = (place: PollingPlace, voter: number) => join(place.folder, `own${voter}.tlog-proof`);

async function enrolAs(place: PollingPlace, voter: number, ...more: string[]): Promise<Ran> {
  const files = ['--key-file', keyOf(place, voter), '--receipt', receiptOf(place, voter)];
  return run(await enrolArgs(place, voter, ...files, ...more));
}

/** Votes with the voter's own key. */
async function voteWithKey(place: PollingPlace, voter: number, choose: string, name: string): Promise<Ran> {
  return run([
    ...['--dial', place.address, '--key-file', keyOf(place, voter), '--choose', choose],
    ...['--yes', '--json', '--wait', '0', '--receipt', join(place.folder, name)],
  ]);
}

async function audit(path: string) {
  const io = capturedIo();
  const code = await runVerifyLog([path, '--json'], io);
  const events = jsonLines(io.out());
  const check = events.find(({ id }) => id === 'enrolments');
  return { code, err: io.err(), check: check?.['verdict'], verdict: events.at(-1) };
}

for (const secrecy of ['open', 'sealed'] as const) {
  describe(`voter enrol, in an election with ${secrecy} ballots`, () => {
    it('binds a key with which alone the voter votes from then on', async (t) => {
      const place = await start(t, { policy: { secrecy } });
      const ran = await enrolAs(place, 0);
      assert.equal(ran.code, 0, ran.err);
      assert.equal((await stat(keyOf(place, 0))).mode & 0o777, 0o600);
      const { publicKey } = await readKeyFile(keyOf(place, 0), 'voter');
      const { index, ...event } = ran.events['enrolled'] ?? {};
      assert.deepEqual(event, {
        ...{
          event: 'enrolled',
          electionId: place.log.electionId,
          publicKey: toHex(publicKey),
          before: false,
        },
        ...{ logSize: place.log.head.size, keyFile: keyOf(place, 0), receipt: receiptOf(place, 0) },
      });
      assert.equal(index, place.log.head.size - 1);
      assert.match(ran.err, /To vote from now on:\s+.*--key-file .*own0\.key/);
      const [enrolled] = place.events.filter(({ type }) => type === 'voter-enrolled');
      assert.deepEqual(enrolled, { type: 'voter-enrolled', seq: index, voter: 'v0', enrolled: 1, voters: 3 });

      await place.organiser.open({ untested: true });
      const old = await voteAs(place, 0, ['a'], 'old');
      failed(old, 'already-enrolled', 1, place);
      assert.match(old.err, /"v0" has enrolled a key of their own[^]*--key-file FILE/);
      const first = await voteWithKey(place, 0, 'a', 'first');
      assert.equal(first.code, 0, first.err);
      const second = await voteWithKey(place, 0, 'b', 'second');
      assert.equal(second.events['cast']?.['number'], 2, second.err);
      assert.equal((await voteAs(place, 1, ['b'])).code, 0, 'who did not enrol votes with the secret');
      const verify = await run([
        ...['verify', '--dial', place.address, '--receipt', join(place.folder, 'second'), '--json'],
      ]);
      assert.equal(verify.code, 0, verify.err);

      await place.organiser.close();
      if (secrecy === 'sealed') await place.decrypt();
      assert.deepEqual(place.log.state.round?.result?.entry.questions[0]?.answers, [0, 2, 0]);
      assert.deepEqual(place.defects, []);
      const exports = [join(place.folder, 'log.car'), join(place.folder, 'log.jsonl')] as const;
      await exportCar(place.source, exports[0]);
      await exportJsonLines(place.source, exports[1]);
      for (const file of exports) {
        const copy = await audit(file);
        assert.deepEqual([copy.code, copy.check, copy.verdict?.['enrolled']], [0, 'valid', 1], copy.err);
      }
      await place.stop();
      const { code, err, check, verdict } = await audit(join(place.folder, 'election'));
      assert.deepEqual([code, check, verdict?.['enrolled']], [0, 'valid', 1], err);
      assert.match(err, /1 voter has enrolled one/);
    });

    it('names voters by the pseudonym of the first key where the policy says so', async (t) => {
      const place = await start(t, { policy: { secrecy, names: 'pseudonym' }, voters: 2 });
      const name = pseudonym(publicKeyOf(place.voters[0]?.seed ?? new Uint8Array()));
      assert.equal((await enrolAs(place, 0)).code, 0);
      await place.organiser.open({ untested: true });
      failed(await voteAs(place, 0, ['a'], 'old'), 'already-enrolled', 1, place);
      assert.equal((await voteWithKey(place, 0, 'a', 'new')).code, 0);
      const voted: string[] = [];
      for await (const voter of place.organiser.voted()) voted.push(voter);
      assert.deepEqual(voted, [name]);
      await place.stop();
      const { code, check } = await audit(join(place.folder, 'election'));
      assert.deepEqual([code, check], [0, 'valid']);
    });
  });
}

describe('a sealed round of voters who enrolled', () => {
  it("is an archive with their keys as credentials, which we and Belenios' own program accept", async (t) => {
    const place = await start(t, { policy: { secrecy: 'sealed' } });
    await enrolAs(place, 0);
    await place.organiser.open({ untested: true });
    await voteWithKey(place, 0, 'a', 'first');
    await voteWithKey(place, 0, 'c', 'second');
    await voteAs(place, 1, ['c']);
    await place.organiser.close();
    await place.decrypt();
    await mkdir(join(place.folder, 'archive'));
    const path = join(place.folder, 'archive', 'round.bel');
    await exportBelenios(place.source, path);
    const text = await readFile(path, 'latin1');
    const { publicKey } = await readKeyFile(keyOf(place, 0), 'voter');
    assert.ok(text.includes(pointText(publicKey as Point)), 'the own key is a credential');
    assert.ok(!text.includes(pointText(publicKeyOf(place.voters[0]?.seed ?? new Uint8Array()) as Point)));
    const io = capturedIo();
    assert.equal(await runVerifyLog([path], io), 0, io.err());
    if (!hasBelenios(t)) return;
    const said = await belenios('election', 'verify', '--dir', join(place.folder, 'archive'));
    assert.ok(said.accepted, said.messages);
    assert.match(said.messages, /all checks passed/);
  });
});

describe('voter enrol, done again', () => {
  it('with the same key says that it is done, and gives the same receipt, even after the opening', async (t) => {
    const place = await start(t);
    await enrolAs(place, 0);
    const receipt = await readFile(receiptOf(place, 0), 'utf8');
    const size = place.log.head.size;
    const again = await enrolAs(place, 0);
    assert.deepEqual([again.code, again.events['enrolled']?.['before']], [0, true], again.err);
    assert.match(again.err, /Done before: your key is enrolled/);
    await place.organiser.open({ untested: true });
    const other = join(place.folder, 'again.tlog-proof');
    const late = await run(await enrolArgs(place, 0, '--key-file', keyOf(place, 0), '--receipt', other));
    assert.equal(late.code, 0, late.err);
    assert.equal(await readFile(other, 'utf8'), receipt);
    assert.equal(place.log.head.size, size + 1, 'nothing but the round was added');
  });

  it('finishes with the key file that was made where the answer was lost', async (t) => {
    let lose = true;
    const place = await start(t, {
      misbehave: (service) => ({
        enrol: async (enrolment) => {
          const receipt = await service.enrol(enrolment);
          if (lose) throw new PeerRefusal('internal', 'lost');
          return receipt;
        },
      }),
    });
    const ran = await enrolAs(place, 0);
    failed(ran, 'no-answer', 3);
    assert.match(ran.err, /may be enrolled[^]*same command again with --key-file/);
    lose = false;
    const again = await enrolAs(place, 0);
    assert.deepEqual([again.code, again.events['enrolled']?.['before']], [0, true], again.err);
  });

  it('verifies its receipt against the log as it is now', async (t) => {
    const place = await start(t);
    await enrolAs(place, 0);
    await enrolAs(place, 1);
    const ran = await run(['verify', '--dial', place.address, '--receipt', receiptOf(place, 0), '--json']);
    assert.equal(ran.code, 0, ran.err);
    const { publicKey } = await readKeyFile(keyOf(place, 0), 'voter');
    assert.equal(ran.events['verified']?.['enrolledKey'], toHex(publicKey));
    assert.match(ran.err, /VALID: your own key is in the log/);
  });
});

describe('voter enrol refuses', () => {
  it('a secret that was used before, and makes no key for it', async (t) => {
    const place = await start(t);
    await enrolAs(place, 0);
    const file = join(place.folder, 'other.key');
    const ran = await run(await enrolArgs(place, 0, '--key-file', file));
    failed(ran, 'already-enrolled', 1);
    assert.match(ran.err, /used before[^]*tell the organiser at once/);
    await assert.rejects(stat(file));
    // And where the key is there already, it is the peer that refuses.
    const own = await run(await enrolArgs(place, 0, '--key-file', await place.keyFile(2)));
    failed(own, 'already-enrolled', 1);
  });

  it('a key that is another voter’s', async (t) => {
    const place = await start(t);
    const ran = await run(await enrolArgs(place, 0, '--key-file', await place.keyFile(1)));
    failed(ran, 'already-enrolled', 1);
    assert.match(ran.err, /is on the roll already[^]*Name another key file/);
    assert.equal(place.log.state.enrolled, 0);
  });

  it('to be late, and makes no key', async (t) => {
    const place = await start(t, { open: true });
    const ran = await enrolAs(place, 0);
    failed(ran, 'too-late', 1);
    assert.match(ran.err, /before the first round opens[^]*Vote with your username and the secret/);
    await assert.rejects(stat(keyOf(place, 0)));
    failed(await run(await enrolArgs(place, 0, '--key-file', await unrelatedKey(place))), 'too-late', 1);
  });

  it('unknown names, and secrets of another voter or another election', async (t) => {
    const [place, another] = [await start(t), await start(t)];
    const secret = await place.secretFile(0);
    const argv = await enrolArgs(place, 0, '--key-file', keyOf(place, 0));
    const as = (name: string, file: string) =>
      argv.map((word) => (word === 'v0' ? name : word === secret ? file : word));
    failed(await run(as('nobody', secret)), 'unknown-voter', 1);
    failed(await run(as('v0', await place.secretFile(1))), 'wrong-secret', 1);
    failed(await run(as('v0', await another.secretFile(0))), 'wrong-secret', 1);
    await assert.rejects(stat(keyOf(place, 0)));
    const unrelated = await unrelatedKey(place);
    const known = as('v0', await another.secretFile(0)).map((word) =>
      word === keyOf(place, 0) ? unrelated : word,
    );
    failed(await run(known), 'wrong-secret', 1);
    const id = another.log.electionId;
    failed(await run([...argv, '--election', id]), 'wrong-election', 1);
    assert.equal(place.log.state.enrolled, 0);
  });

  it('to guess where nobody can be asked, and to replace a key file', async (t) => {
    const place = await start(t);
    const bare = await run(['enrol', '--dial', place.address, '--json']);
    failed(bare, 'missing-flag', 2);
    for (const flag of ['--username', '--secret-file', '--yes']) assert.ok(bare.err.includes(flag));
    assert.ok(!bare.err.includes('--key-file FILE'));
    const unpinned = await enrolArgs(place, 0);
    unpinned[2] = place.bareAddress;
    failed(await run(unpinned), 'not-pinned', 2);
  });

  it('a receipt that is not for this enrolment', async (t) => {
    let other = '';
    const place = await start(t, {
      misbehave: (service) => ({
        enrol: async (enrolment) => {
          const receipt = await service.enrol(enrolment);
          if (other === '') other = receipt;
          return other;
        },
      }),
    });
    assert.equal((await enrolAs(place, 0)).code, 0);
    failed(await enrolAs(place, 1), 'bad-receipt', 1);
    await assert.rejects(stat(receiptOf(place, 1)));
  });
});

describe('voter enrol at a terminal', () => {
  it('asks for what no flag gave, and binds nothing that was not confirmed', async (t) => {
    const place = await start(t);
    for (const [answer, code] of [
      ['n', 1],
      ['', 0],
    ] as const) {
      const io = capturedIo({ terminal: true });
      const ended = runVoter(['enrol', '--dial', place.address, '--key-file', keyOf(place, 0)], io);
      await io.waitFor('Your username');
      io.type(`v0${ENTER}`);
      await io.waitFor('Your secret');
      io.type(`${place.voters[0]?.secret ?? ''}${ENTER}`);
      await io.waitFor('vote with it alone from now on?');
      io.type(`${answer}${ENTER}`);
      assert.equal(await ended, code, io.err());
      assert.equal(place.log.state.enrolled, code === 0 ? 1 : 0);
    }
  });
});

describe('what voter enrol prints', () => {
  it('holds neither the secret nor the key, in words or as JSON, whatever comes of it', async (t) => {
    const place = await start(t);
    const runs = [await enrolAs(place, 0), await enrolAs(place, 0)];
    runs.push(await run(await enrolArgs(place, 0, '--key-file', await place.keyFile(2))));
    runs.push(await run(await enrolArgs(place, 1, '--key-file', keyOf(place, 0))));
    await place.organiser.open({ untested: true });
    runs.push(await voteAs(place, 0, ['a'], 'old'));
    const { seed } = await readKeyFile(keyOf(place, 0), 'voter');
    const secrets = place.voters.flatMap((voter) => [
      voter.secret,
      normalised(voter.secret),
      toHex(voter.seed),
    ]);
    secrets.push(toHex(seed));
    const events = JSON.stringify(place.events);
    for (const { out, err } of runs)
      for (const secret of secrets) assert.ok(!`${out}${err}${events}`.includes(secret));
    assert.ok(runs.every(({ err }) => err !== ''));
  });
});

function normalised(secret: string): string {
  const read = normaliseSecret(secret);
  return read.ok ? read.value : secret;
}

/** The key file of nobody on the roll. */
async function unrelatedKey(place: PollingPlace): Promise<string> {
  const path = join(place.folder, 'unrelated.key');
  const { writeKeyFile } = await import('#src/store/key-files.js');
  const seed = fromHex('0b'.repeat(32)) ?? new Uint8Array();
  await writeKeyFile(path, { role: 'voter', seed, publicKey: publicKeyOf(seed) });
  return path;
}
