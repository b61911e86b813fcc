import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { publicKeyOf } from '#src/crypto/signature.js';
import { cosign, withCosignatures } from '#src/log/cosignature.js';
import { peerIdOf } from '#src/net/index.js';
import { cleanUp } from '../support/cleanup.ts';
import { failed, run } from '../support/run-voter.ts';
import { newStateFolder } from '../support/state-folder.ts';
import { AUTHORITY, testSeed } from '../support/temp-election.ts';
import { TestObserver } from '../support/test-observer.ts';
import { confirmers, receiptOf, start, verify, vote } from '../support/voter-visits.ts';

describe('a receipt’s confirmation', () => {
  it('is by the observers whom the organiser knows, and waits for those that are slow', async (t) => {
    const place = await start(t);
    const quick = await TestObserver.start(t, place.log);
    const slow = await TestObserver.start(t, place.log, { cosigns: false });
    await quick.announceTo(place.address);
    await slow.announceTo(place.address);
    cleanUp(
      t,
      place.log.onGrowth(() => setTimeout(() => void slow.cosign(), 300)),
    );
    const ran = await vote(place, 0, {}, '--require-observers', '2');
    assert.equal(ran.code, 0, ran.err);
    assert.deepEqual(new Set(confirmers(ran)), new Set([quick.peerId, slow.peerId]));
    assert.match(ran.err, /Confirmed by 2 observers: …\w{8}, …\w{8}/);
    assert.deepEqual(place.defects, []);
  });

  it('is not claimed with fewer observers than asked for, though the ballot is cast', async (t) => {
    const place = await start(t);
    const observer = await TestObserver.start(t, place.log);
    const state = newStateFolder();
    const ran = await vote(place, 0, { state }, '--observer', observer.address, '--require-observers', '2');
    failed(ran, 'not-confirmed', 1);
    assert.equal(place.log.turnout.ballots, 1);
    assert.ok(ran.events['cast'], 'it is said that it is cast');
    assert.match(ran.err, /Cast\.[^]*Your ballot IS cast[^]*1 of the 2 observers/);
    const verified = await verify(place.address, receiptOf(place, 0), { state });
    assert.equal(verified.code, 0, verified.err);
    assert.deepEqual(confirmers(verified), [observer.peerId], 'the observer is remembered');
    const again = await verify(place.address, receiptOf(place, 0), { state }, '--require-observers', '2');
    failed(again, 'not-confirmed', 1);
    assert.equal((await vote(place, 1, {}, '--require-observers', '0')).code, 0);
  });

  it('counts only the observers that the voter named, where any are named', async (t) => {
    const place = await start(t);
    const organisers = await TestObserver.start(t, place.log);
    await organisers.announceTo(place.address);
    const gone = await TestObserver.start(t, place.log);
    const { address } = gone;
    await gone.stop();
    const ran = await vote(place, 0, {}, '--observer', address, '--require-observers', '1');
    failed(ran, 'not-confirmed', 1);
    assert.deepEqual(confirmers(ran), []);
  });

  it('takes no forged cosignature, nor one of the organiser’s own, for a word', async (t) => {
    const place = await start(t, {
      misbehave: (service) => ({
        exchange: async (given) => {
          const answer = await service.exchange(given);
          const by = (seed: Uint8Array) => {
            const line = cosign({ text: answer.checkpoint }, { seed, publicKey: publicKeyOf(seed) }, 1);
            return withCosignatures(answer.checkpoint, [{ line }]);
          };
          const forged = by(testSeed(7)).replace(
            /(— psephos\/observer\/\S+ .{60})(.)/,
            (_, before: string, symbol: string) => before + (symbol === 'A' ? 'B' : 'A'),
          );
          const unsigned = by(testSeed(8)).replace(/^— psephos\/baf.*\n/m, '');
          return { ...answer, cosigned: [forged, by(AUTHORITY), unsigned] };
        },
      }),
    });
    const ran = await vote(place, 0, {}, '--require-observers', '1');
    failed(ran, 'not-confirmed', 1);
    assert.deepEqual(confirmers(ran), []);
    assert.equal(ran.events['bad-peer']?.['peer'], place.address);
  });

  it('does not hang on an observer that accepts and never answers', async (t) => {
    const place = await start(t);
    // It reads, so that it notices when its peer has gone.
    const dead = createServer((socket) => socket.on('error', () => undefined).resume());
    await new Promise<void>((resolve) => dead.listen(0, '::1', resolve));
    cleanUp(t, () => new Promise((resolve) => dead.close(resolve)));
    const { port } = dead.address() as AddressInfo;
    const address = `/ip6/::1/tcp/${port}/p2p/${peerIdOf(publicKeyOf(testSeed(77)))}`;
    const ran = await vote(place, 0, {}, '--observer', address);
    assert.equal(ran.code, 0, ran.err);
    assert.equal(place.log.turnout.ballots, 1);
  });

  it('is refused for what is no observer’s address, before anything is dialled', async (t) => {
    const place = await start(t, { secrets: false });
    const argv = ['--dial', place.address, '--key-file', await place.keyFile(0), '--choose', 'a', '--yes'];
    for (const address of [place.bareAddress, place.invite, 'x'])
      failed(await run([...argv, '--json', '--observer', address]), 'bad-address', 2, place);
  });
});
