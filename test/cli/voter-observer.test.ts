import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runVerifyLog } from '#src/cli/verify-log.js';
import { formatInvite, startRelay } from '#src/net/index.js';
import { PeerRefusal } from '#src/services/ports.js';
import { servers, untilAsked } from '../net/discovery/support.ts';
import { noDefect } from '../net/support.ts';
import { capturedIo } from '../support/captured-io.ts';
import { args, failed, run } from '../support/run-voter.ts';
import { cleanUp } from '../support/cleanup.ts';
import { testSeed } from '../support/temp-election.ts';
import { TestObserver } from '../support/test-observer.ts';
import { alarmsOf, confirmers, receiptOf, start, verify, vote } from '../support/voter-visits.ts';

describe('an observer', () => {
  it('does for verifying a receipt, and for a new one, and takes no ballot', async (t) => {
    const place = await start(t);
    const observer = await TestObserver.start(t, place.log);
    assert.equal((await vote(place, 0)).code, 0);
    const argv = (await args(place, 1, ['a'], 'never')).with(1, observer.address);
    await place.hangUp();
    const ran = await verify(observer.address, receiptOf(place, 0), {}, '--require-observers', '1');
    assert.equal(ran.code, 0, ran.err);
    assert.equal(ran.events['verified']?.['servedBy'], 'observer');
    assert.deepEqual(confirmers(ran), [observer.peerId]);

    const refusal = await run(argv);
    failed(refusal, 'not-the-authority', 1);
    assert.match(refusal.err, /This is an observer: it shows the election and takes no ballots/);
    assert.doesNotMatch(refusal.err, /Fingerprint/, 'before anything is shown or asked');
    assert.equal(place.log.turnout.ballots, 1);

    const who = ['--username', 'v0', '--secret-file', await place.secretFile(0)];
    const recover = (...more: readonly string[]) =>
      run(['receipt', '--dial', observer.address, ...who, '--json', ...more]);
    failed(await recover('--receipt', join(place.folder, 'x')), 'not-pinned', 2);
    const pinned = ['--election', place.log.electionId, '--receipt', join(place.folder, 'x')];
    assert.equal((await recover(...pinned)).code, 0);
    assert.equal((await verify(observer.address, join(place.folder, 'x'))).code, 0);
  });

  it('of another election is no use, and does no harm', async (t) => {
    const [place, other] = [await start(t), await start(t)];
    const foreign = await TestObserver.start(t, other.log);
    const ran = await vote(place, 0, {}, '--observer', foreign.address);
    assert.equal(ran.code, 0, ran.err);
    assert.deepEqual(confirmers(ran), []);
    failed(await verify(foreign.address, receiptOf(place, 0)), 'wrong-election', 1);
  });

  it('in the invite stands in for an organiser who is gone, for reading', async (t) => {
    const place = await start(t);
    const observer = await TestObserver.start(t, place.log);
    assert.equal((await vote(place, 0)).code, 0);
    const invite = formatInvite({
      peerId: place.node.peerId,
      electionId: place.log.electionId,
      addresses: [place.bareAddress],
      observers: [observer.address],
    });
    const confirmed = await verify(invite, receiptOf(place, 0));
    assert.equal(confirmed.events['verified']?.['servedBy'], 'authority');
    assert.deepEqual(confirmers(confirmed), [observer.peerId]);
    const argv = (await args(place, 1, ['a'], 'never')).with(1, invite);
    await place.hangUp();
    const ran = await verify(invite, receiptOf(place, 0));
    assert.equal(ran.code, 0, ran.err);
    assert.match(ran.err, /Reading from an observer instead/);
    assert.equal(ran.events['reading-from-observer']?.['peerId'], observer.peerId);
    const audit = capturedIo();
    assert.equal(await runVerifyLog([invite], audit), 0, audit.err());
    failed(await run(argv), 'unreachable', 3);
    await observer.stop();
    failed(await verify(invite, receiptOf(place, 0)), 'unreachable', 3);
  });

  it('in the invite that is of no use does not hide the others', async (t) => {
    const [place, other] = [await start(t), await start(t)];
    const foreign = await TestObserver.start(t, other.log);
    const busy = await TestObserver.start(t, place.log, {
      misbehave: () => ({ info: () => Promise.reject(new PeerRefusal('internal', 'Not today.')) }),
    });
    const observer = await TestObserver.start(t, place.log);
    assert.equal((await vote(place, 0)).code, 0);
    const invite = formatInvite({
      peerId: place.node.peerId,
      electionId: place.log.electionId,
      addresses: [place.bareAddress],
      observers: [foreign.address, busy.address, observer.address],
    });
    await place.hangUp();
    const ran = await verify(invite, receiptOf(place, 0));
    assert.equal(ran.code, 0, ran.err);
    assert.equal(ran.events['reading-from-observer']?.['peerId'], observer.peerId);
    const audit = capturedIo();
    assert.equal(await runVerifyLog([invite], audit), 0, audit.err());
    await observer.stop();
    failed(await verify(invite, receiptOf(place, 0)), 'unreachable', 3);
  });

  it('that no invite names is found by the election’s id, for reading', async (t) => {
    const place = await start(t);
    const relay = await startRelay({
      seed: testSeed(0xee_ffff),
      listen: [{ address: '/ip6/::1/tcp/0' }],
      admits: () => Promise.resolve(false),
      onReservation: () => undefined,
      onDefect: noDefect,
      discovery: { entryPoints: [] },
    });
    cleanUp(t, () => relay.stop());
    const [known = ''] = relay.addresses();
    const observer = await TestObserver.start(t, place.log, { tells: () => [known] });
    const bare = place.bareAddress;
    assert.equal((await vote(place, 0)).code, 0);
    await untilAsked(
      'the relay was told of the observer',
      async () => (await servers([known], place.log.electionId)).join() === observer.peerId,
    );
    const invite = formatInvite({
      peerId: place.node.peerId,
      electionId: place.log.electionId,
      addresses: [bare],
    });
    const unnamed = `${bare}/p2p/${place.node.peerId}`;
    await place.hangUp();
    failed(await verify(invite, receiptOf(place, 0)), 'unreachable', 3);
    const ran = await verify(invite, receiptOf(place, 0), {}, '--bootstrap', known);
    assert.equal(ran.code, 0, ran.err);
    assert.equal(ran.events['reading-from-observer']?.['peerId'], observer.peerId);
    // Of an election that nothing names, none is looked for.
    failed(await verify(unnamed, receiptOf(place, 0), {}, '--bootstrap', known), 'unreachable', 3);
    failed(await verify(invite, receiptOf(place, 0), {}, '--bootstrap', bare), 'bad-address', 2);
  });

  it('that lies about the log is found out, whatever it makes up', async (t) => {
    const place = await start(t);
    assert.equal((await vote(place, 0)).code, 0);
    assert.equal((await vote(place, 1)).code, 0);
    const liars: readonly Parameters<typeof TestObserver.start>[2][] = [
      {
        misbehave: (service) => ({
          consistency: async (first, second) => ({
            ...(await service.consistency(first, second)),
            root: new Uint8Array(32),
          }),
        }),
      },
      {
        misbehave: (service) => ({
          inclusion: (which) => service.inclusion('index' in which ? { index: which.index - 1 } : which),
        }),
      },
    ];
    for (const options of liars) {
      const liar = await TestObserver.start(t, place.log, options);
      const ran = await verify(liar.address, receiptOf(place, 0));
      failed(ran, 'bad-answer', 1);
      assert.deepEqual(alarmsOf(ran), [], 'what an observer makes up is nothing against the organiser');
      const beside = await verify(place.address, receiptOf(place, 0), {}, '--observer', liar.address);
      assert.equal(beside.code, 0, beside.err);
    }
  });
});
