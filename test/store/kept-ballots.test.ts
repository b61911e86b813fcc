import assert from 'node:assert/strict';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { toHex } from '#src/base/bytes.js';
import { cidOf } from '#src/crypto/cid.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { encodeSignedBallot, signBallot } from '#src/election/ballot.js';
import { KeptBallots, type NewKeptBallot } from '#src/store/kept-ballots.js';
import { AUTHORITY, tempFolder, testSeed } from '../support/temp-election.ts';

const ELECTION = cidOf(Uint8Array.of(1)).toString();
const OTHER = cidOf(Uint8Array.of(2)).toString();
const authority = publicKeyOf(AUTHORITY);

/** A ballot of a voter that says so much. */
function ballot(voter: number, answer: number, electionId = ELECTION): NewKeptBallot {
  const unsigned = { form: 'open', round: cidOf(Uint8Array.of(3)), number: 1, choices: [[answer]] } as const;
  const bytes = Uint8Array.from(encodeSignedBallot(signBallot(unsigned, testSeed(voter))));
  return { electionId, authority, round: 1, closes: null, voter: `v${voter}`, made: 1_000, bytes };
}

const isWhole = (path: string): never => assert.fail(`${path} was put aside`);
const kept = (folder: string) => new KeptBallots(folder, isWhole);
const fails = (code: string) => ({ name: 'PsephosError', code });

describe('ballots that are kept', () => {
  it('come back as they were put, from files for their owner alone, until they are dropped', async (t) => {
    const folder = join(await tempFolder(t), 'state');
    assert.deepEqual(await kept(folder).find({ electionId: ELECTION }), []);
    await assert.rejects(stat(folder), { code: 'ENOENT' });
    const put = await kept(folder).keep(ballot(0, 1));
    assert.deepEqual(await kept(folder).of(ELECTION, put.ballot.voter), put);
    assert.deepEqual(await readdir(folder), [`${ELECTION}.${toHex(put.ballot.voter)}.kept.json`]);
    assert.equal((await stat(kept(folder).pathOf(put))).mode & 0o777, 0o600);
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
    assert.ok(await kept(folder).holds(put));
    await kept(folder).drop(put);
    await kept(folder).drop(put);
    assert.deepEqual(await readdir(folder), []);
    assert.ok(!(await kept(folder).holds(put)));
  });

  it('are found by election or authority, and never those of another', async (t) => {
    const folder = await tempFolder(t);
    for (const one of [ballot(0, 1), ballot(1, 1), ballot(0, 1, OTHER)]) await kept(folder).keep(one);
    const names = async (which: Parameters<KeptBallots['find']>[0]) =>
      (await kept(folder).find(which)).map(({ voter, electionId }) => [voter, electionId]).sort();
    assert.deepEqual(await names({ electionId: OTHER }), [['v0', OTHER]]);
    assert.equal((await names({ electionId: ELECTION })).length, 2);
    assert.equal((await names({ authority })).length, 3);
    assert.deepEqual(await names({ authority: publicKeyOf(testSeed(5)) }), []);
  });

  it('are one for each voter: another has to wait until it is dropped', async (t) => {
    const folder = await tempFolder(t);
    const first = await kept(folder).keep(ballot(0, 1));
    assert.deepEqual(await kept(folder).keep(ballot(0, 1)), first, 'the same once more is no other');
    await assert.rejects(kept(folder).keep(ballot(0, 2)), fails('ballot-kept'));
    const other = { ...first, bytes: ballot(0, 2).bytes };
    assert.ok(!(await kept(folder).holds(other)));
    await kept(folder).drop(other);
    assert.ok(await kept(folder).holds(first), 'whoever drops another one leaves it');
    await kept(folder).drop(first);
    await kept(folder).keep(ballot(0, 2));
  });

  it('of programs that keep at once are one', async (t) => {
    const folder = await tempFolder(t);
    const all = await Promise.allSettled([0, 1, 2].map((answer) => kept(folder).keep(ballot(0, answer))));
    assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.equal((await readdir(folder)).length, 1);
  });

  it('that are no such ballots any more are put aside, whatever the disk did to them', async (t) => {
    const folder = await tempFolder(t);
    const first = await kept(folder).keep(ballot(0, 1));
    const path = kept(folder).pathOf(first);
    const text = await readFile(path, 'utf8');
    const others = ballot(1, 1);
    await kept(folder).keep(others);
    const foreign = await readFile(
      join(folder, `${ELECTION}.${toHex(publicKeyOf(testSeed(1)))}.kept.json`),
      'utf8',
    );
    const broken = [
      '',
      '{}',
      text.slice(0, -9),
      text.replace('"round":1', '"round":0'),
      foreign,
      `[${text}]`,
    ];
    for (const [index, content] of broken.entries()) {
      await writeFile(path, content);
      const aside: string[] = [];
      const store = new KeptBallots(folder, (put) => aside.push(put));
      assert.equal(await store.of(ELECTION, first.ballot.voter), undefined, content);
      assert.equal(aside.length, 1);
      assert.equal(await readFile(aside[0] ?? '', 'utf8'), content);
      assert.equal((await kept(folder).find({ electionId: ELECTION })).length, 1);
      // There is room for a new one.
      await kept(folder).keep(ballot(0, index % 3));
      await kept(folder).drop(first);
    }
  });
});
