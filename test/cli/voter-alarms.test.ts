import assert from 'node:assert/strict';
import { cp, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, it } from 'node:test';
import { parseReceipt } from '#src/log/receipt.js';
import { type NodeService, PeerRefusal } from '#src/services/ports.js';
import { failed } from '../support/run-voter.ts';
import { newStateFolder } from '../support/state-folder.ts';
import { tempFolder } from '../support/temp-election.ts';
import { TestObserver } from '../support/test-observer.ts';
import {
  alarmsOf,
  confirmers,
  evidenceIn,
  faces,
  receiptOf,
  start,
  twoFaces,
  verify,
  vote,
} from '../support/voter-visits.ts';

describe('two histories', () => {
  it('are found out by a voter who saw the one and is shown the other', async (t) => {
    const { one, other } = await twoFaces(t);
    const state = newStateFolder();
    assert.equal((await vote(one, 0, { state })).code, 0);
    assert.equal((await vote(other, 1)).code, 0);
    const ran = await vote(other, 0, { state, receipt: 'second' });
    failed(ran, 'alarm', 1);
    assert.equal(other.log.turnout.ballots, 1, 'nothing is cast into it');
    assert.match(ran.err, /=====\nALARM\nTHE KEY OF THIS ELECTION SIGNED TWO HISTORIES[^]*--evidence/);
    const [alarm, ...more] = alarmsOf(ran);
    assert.deepEqual(more, [], 'one fork is one alarm, whoever tells of it');
    assert.equal(alarm?.['alarm'], 'fork');
    assert.equal(dirname(String(alarm['file'])), other.folder);
    assert.equal((await evidenceIn(alarm)).kind, 'fork');
    assert.equal((await stat(String(alarm['file']))).mode & 0o077, 0);
    assert.ok(
      other.events.some(({ type }) => type === 'fork'),
      'the peer is told',
    );
    failed(await vote(other, 2, { state }), 'alarm', 1);
  });

  it('are found out through an observer, who is told by those who find out', async (t) => {
    const { one, other } = await twoFaces(t);
    assert.equal((await vote(one, 0)).code, 0);
    assert.equal((await vote(other, 1)).code, 0);
    const observer = await TestObserver.start(t, one.log);
    const ran = await vote(other, 2, {}, '--observer', observer.address);
    failed(ran, 'alarm', 1);
    assert.equal((await evidenceIn(alarmsOf(ran)[0])).kind, 'fork');
    assert.equal(other.log.turnout.ballots, 1);
    assert.ok(observer.desk.forks.length > 0);
    // From then on it is enough that the organiser's own program is honest about what it was told.
    const fresh = await verify(other.address, receiptOf(other, 1));
    failed(fresh, 'alarm', 1);
    assert.equal((await evidenceIn(alarmsOf(fresh)[0])).kind, 'fork');
    assert.match(fresh.err, /VALID/);
  });

  it('can be voted into by who insists, and are an alarm nevertheless', async (t) => {
    const { one, other } = await twoFaces(t);
    assert.equal((await vote(one, 0)).code, 0);
    const observer = await TestObserver.start(t, one.log);
    const ran = await vote(other, 1, {}, '--observer', observer.address, '--cast-anyway');
    failed(ran, 'alarm', 1);
    assert.equal(other.log.turnout.ballots, 1);
    assert.match(ran.err, /Your ballot IS cast[^]*alarm was raised/);
  });

  it('convict by the receipt of a ballot that one of them lacks', async (t) => {
    const { one, other } = await twoFaces(t);
    assert.equal((await vote(one, 0)).code, 0);
    assert.equal((await vote(other, 1)).code, 0);
    const ran = await verify(other.address, receiptOf(one, 0));
    failed(ran, 'log-conflict', 1);
    assert.equal((await evidenceIn(alarmsOf(ran)[0])).kind, 'fork');
    assert.deepEqual(other.checks.of(1), { found: 0, missing: 1 });
  });
});

describe('an organiser who shows less than observers saw', () => {
  it('is found out by a voter who was never there before, and so are two histories beyond it', async (t) => {
    const [place, one, other] = await faces(t, 3);
    assert.ok(place && one && other);
    assert.equal((await vote(one, 0)).code, 0);
    assert.equal((await vote(other, 1)).code, 0);
    const [first, second] = [await TestObserver.start(t, one.log), await TestObserver.start(t, other.log)];
    const short = await vote(place, 2, {}, '--observer', first.address);
    failed(short, 'alarm', 1, place);
    assert.deepEqual(
      alarmsOf(short).map(({ alarm, kept, shown }) => [alarm, kept, shown]),
      [['rolled-back', 4, 3]],
    );
    const both = await vote(place, 2, {}, '--observer', first.address, '--observer', second.address);
    failed(both, 'alarm', 1, place);
    assert.deepEqual(new Set(alarmsOf(both).map(({ alarm }) => alarm)), new Set(['rolled-back', 'fork']));
    assert.ok(first.desk.forks.length > 0 && second.desk.forks.length > 0, 'both are told');
  });
});

describe('an organiser who does not prove how the log goes on', () => {
  const refusals: Readonly<Record<string, (service: NodeService) => NodeService['consistency']>> = {
    'by saying that there is nothing': () => () =>
      Promise.reject(new PeerRefusal('not-found', 'The log has no such entries.')),
    'by a proof of something else': (service) => async (first, second) => ({
      ...(await service.consistency(first, second)),
      root: new Uint8Array(32),
    }),
  };
  for (const [how, consistency] of Object.entries(refusals)) {
    it(`${how} is found out through observers, and by who was there before`, async (t) => {
      const first = await start(t);
      await first.stop();
      const folder = await tempFolder(t);
      await cp(first.folder, folder, { recursive: true });
      const existing = first.voters;
      const one = await start(t, { folder: first.folder, existing });
      const other = await start(t, {
        folder,
        existing,
        misbehave: (service) => ({ consistency: consistency(service) }),
      });
      const state = newStateFolder();
      assert.equal((await vote(one, 0, { state })).code, 0);
      await vote(other, 1, {}, '--no-memory');
      await vote(other, 2, {}, '--no-memory');
      assert.equal(other.log.turnout.ballots, 2);
      const observer = await TestObserver.start(t, one.log, { cosigns: true });
      for (const ran of [
        await vote(other, 0, { receipt: 'second' }, '--observer', observer.address),
        await vote(other, 0, { state, receipt: 'second' }),
      ]) {
        failed(ran, 'alarm', 1);
        const alarm = alarmsOf(ran).find((line) => line['alarm'] === 'unproven');
        assert.equal(alarm?.['size'], 4);
        assert.match(await readFile(String(alarm['file']), 'utf8'), /^psephos\/bafy\w+\n4\n/);
      }
      assert.equal(other.log.turnout.ballots, 2);
    });
  }
});

describe('a history that was taken back', () => {
  it('is noticed by who saw more of it, with and without a receipt', async (t) => {
    const { one, other } = await twoFaces(t);
    const [voter, reader] = [newStateFolder(), newStateFolder()];
    assert.equal((await vote(one, 0, { state: voter })).code, 0);
    assert.equal((await verify(one.address, receiptOf(one, 0), { state: reader })).code, 0);

    const ran = await vote(other, 0, { state: voter, receipt: 'second' });
    failed(ran, 'alarm', 1);
    assert.deepEqual(new Set(alarmsOf(ran).map(({ alarm }) => alarm)), new Set(['rolled-back', 'omission']));
    const omission = alarmsOf(ran).find(({ alarm }) => alarm === 'omission');
    assert.equal((await evidenceIn(omission)).kind, 'omission');
    assert.deepEqual(other.checks.of(1), { found: 0, missing: 1 });
    assert.ok(
      other.events.some(({ type }) => type === 'unknown-history'),
      'the organiser is told',
    );

    const [alarm] = alarmsOf(await vote(other, 1, { state: reader }));
    assert.deepEqual([alarm?.['alarm'], alarm?.['kept'], alarm?.['shown']], ['rolled-back', 4, 3]);
    assert.match(await readFile(String(alarm?.['file']), 'utf8'), /^psephos\/bafy\w+\n4\n/);
    assert.equal(other.log.turnout.ballots, 0);
  });

  it('at an observer is only that it is behind', async (t) => {
    const { one, other } = await twoFaces(t);
    const state = newStateFolder();
    assert.equal((await vote(one, 0, { state })).code, 0);
    const stale = await TestObserver.start(t, other.log);
    const ran = await verify(stale.address, receiptOf(one, 0), { state });
    failed(ran, 'behind', 1);
    assert.deepEqual(alarmsOf(ran), []);
    assert.deepEqual(
      [ran.events['observer-behind']?.['shown'], ran.events['observer-behind']?.['kept']],
      [3, 4],
    );
    const elsewhere = await verify(one.address, receiptOf(one, 0), { state }, '--observer', stale.address);
    assert.equal(elsewhere.code, 0, elsewhere.err);
    assert.deepEqual(confirmers(elsewhere), [], 'it has not seen the ballot');
  });
});

describe('a ballot that was dropped', () => {
  it('is looked for by itself at the next visit, and found missing', async (t) => {
    let dropped = false;
    const place = await start(t, {
      misbehave: (service) => ({
        inclusion: (which) =>
          dropped && 'index' in which && which.index === 3
            ? Promise.reject(new PeerRefusal('not-found', 'The log has no entry 3.'))
            : service.inclusion(which),
      }),
    });
    const state = newStateFolder();
    assert.equal((await vote(place, 0, { state })).code, 0);
    dropped = true;
    const ran = await vote(place, 1, { state });
    failed(ran, 'alarm', 1);
    const [alarm] = alarmsOf(ran);
    assert.equal(alarm?.['alarm'], 'omission');
    const evidence = await evidenceIn(alarm);
    assert.ok(evidence.kind === 'omission' && parseReceipt(evidence.receipt).ok);
    assert.match(ran.err, /YOUR BALLOT \S+ IS NOT IN THE LOG/);
    assert.deepEqual(place.checks.of(1), { found: 0, missing: 1 });
    const explicit = await verify(place.address, receiptOf(place, 0));
    failed(explicit, 'log-conflict', 1);
    assert.equal((await evidenceIn(alarmsOf(explicit)[0])).kind, 'omission');
  });
});
