import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { runVoter } from '#src/cli/voter.js';
import type { Channel } from '#src/net/circuit/channel.js';
import { channelOn } from '#src/net/circuit/channel.js';
import { STOP, decodeStop, encodeHop, encodeStop } from '#src/net/circuit/messages.js';
import { splice } from '#src/net/circuit/splice.js';
import { formatInvite } from '#src/net/index.js';
import type { NodeService } from '#src/services/ports.js';
import { lyingRelay, nodeBehind, readHop, reserved, say, testRelay } from '../net/circuit/support.ts';
import { until } from '../net/support.ts';
import { capturedIo } from '../support/captured-io.ts';
import { type PlaceOptions, PollingPlace } from '../support/polling-place.ts';
import { type Ran, failed, run } from '../support/run-voter.ts';
import { AUTHORITY, testSeed } from '../support/temp-election.ts';

interface Ways {
  readonly place: PollingPlace;
  /** What its node serves, for another node of the same key. */
  readonly service: NodeService;
  readonly invite: (...addresses: readonly string[]) => string;
  /** Arguments of a scripted vote of v0. */
  readonly argv: (dial: string, ...more: readonly string[]) => string[];
  readonly vote: (dial: string, ...more: readonly string[]) => Promise<Ran>;
}

async function ways(t: TestContext, options: PlaceOptions = {}): Promise<Ways> {
  const services: NodeService[] = [];
  const place = await PollingPlace.start(t, {
    ...{ voters: 1, secrets: false, ...options },
    misbehave: (service) => {
      services.push(service);
      return {};
    },
  });
  const { peerId } = place.node;
  const key = await place.keyFile(0);
  const argv = (dial: string, ...more: readonly string[]) => [
    ...['--dial', dial, '--key-file', key, '--choose', 'a', '--yes', '--json'],
    ...['--receipt', join(place.folder, 'r'), '--wait', '0', ...more],
  ];
  const [service] = services;
  assert.ok(service !== undefined);
  return {
    ...{ place, service, argv },
    invite: (...addresses) => formatInvite({ peerId, electionId: place.log.electionId, addresses }),
    vote: (dial, ...more) => run(argv(dial, ...more)),
  };
}

const circuit = (relay: string) => `${relay}/p2p-circuit`;
const DEAD = '/ip6/::1/tcp/1';
const status = (status: 'ok' | 'no-reservation') => encodeHop({ type: 'status', status });

/** What a voter is shown of an election before anything is asked. */
const SHOWN = /Fingerprint/;

/** A relay that holds reservations for whoever asks, and connects everybody to whoever holds one: to the wrong peer, that is. */
async function misleadingRelay(t: TestContext): ReturnType<typeof lyingRelay> {
  return lyingRelay(t, async (channel, relay, from) => {
    const request = await readHop(channel);
    if (request.type === 'reserve') return say(channel, reserved());
    const victim = relay.getConnections().find(({ id }) => id !== from.id);
    if (victim === undefined) throw new Error('nobody is there');
    const stop = channelOn(await victim.newStream(STOP));
    await say(stop, encodeStop({ type: 'connect', peer: from.remotePeer }));
    await stop.read(decodeStop, { signal: AbortSignal.timeout(5000) });
    await say(channel, status('ok'));
    splice(channel.handOver(), stop.handOver(), { bytes: 1e9, ms: 1e6, stalledMs: 1e6 }, () => undefined);
  });
}

describe('a voter whose relay lies', () => {
  it('is shown no other election, and casts no ballot there', async (t) => {
    const { place, invite, vote } = await ways(t);
    const others: NodeService[] = [];
    const other = await PollingPlace.start(t, {
      secrets: false,
      misbehave: (service) => {
        others.push(service);
        return {};
      },
    });
    const { address, target } = await misleadingRelay(t);
    await nodeBehind(t, others[0] as NodeService, [target], { seed: testSeed(77) });
    const ran = await vote(invite(circuit(address)));
    failed(ran, 'unreachable', 3, place);
    assert.match(ran.err, /the relay connected to somebody who did not prove to be the peer/);
    assert.doesNotMatch(ran.err, SHOWN);
    assert.equal(other.log.turnout.ballots, 0);
  });

  it('votes by an honest way beside it', async (t) => {
    const { place, service, invite, vote } = await ways(t);
    const says: readonly ((channel: Channel) => Promise<void>)[] = [
      (channel) => say(channel, status('no-reservation')),
      // It says that it has connected, and nothing more comes, or the end.
      (channel) => say(channel, status('ok')),
      async (channel) => {
        await say(channel, status('ok'));
        channel.handOver().abort(new Error('reset'));
      },
    ];
    const liars = await Promise.all(
      says.map((then, index) =>
        lyingRelay(
          t,
          async (channel) => {
            await readHop(channel);
            await then(channel);
          },
          { seed: testSeed(80 + index) },
        ),
      ),
    );
    const honest = await testRelay(t);
    await nodeBehind(t, service, [honest.target], { seed: AUTHORITY });
    const ran = await vote(invite(DEAD, ...[...liars, honest].map(({ address }) => circuit(address))));
    assert.equal(ran.code, 0, ran.err);
    const { path, address } = ran.events['connected'] ?? {};
    assert.deepEqual([path, address], ['relayed', circuit(honest.address)]);
    assert.equal(place.log.turnout.ballots, 1);
  });

  it('or cuts every connection in the middle, has one ballot in the log once that is over', async (t) => {
    const { place, service, invite, vote } = await ways(t, { policy: { secrecy: 'sealed' } });
    // A visit of this voter takes more bytes than the relay lets through at once, and the ballot and its receipt less.
    const { address, target, relay } = await testRelay(t, { limits: { relayedBytes: 12_000 } });
    await nodeBehind(t, service, [target], { seed: AUTHORITY });
    const ran = await vote(invite(circuit(address)), '--wait', '60');
    assert.equal(ran.code, 0, ran.err);
    assert.ok(relay.figures().relayedEver > 1, 'it was cut');
    assert.ok(ran.lines.some(({ event }) => event === 'waiting'));
    assert.equal(place.log.turnout.ballots, 1);
  });

  it('or lost the organiser’s reservation, gets through when that is renewed', async (t) => {
    const { place, service, argv, invite } = await ways(t);
    const { address, target } = await testRelay(t);
    await place.hangUp();
    const io = capturedIo();
    const running = runVoter(argv(invite(circuit(address)), '--wait', '60'), io);
    await io.waitFor('the relay can not reach the peer now');
    await nodeBehind(t, service, [target], { seed: AUTHORITY });
    assert.equal(await running, 0, io.err());
    assert.equal(place.log.turnout.ballots, 1);
  });
});

describe('a voter whose invite', () => {
  it('is stale finds the organiser by the way that is left, whoever has taken the others', async (t) => {
    const { place, invite, vote } = await ways(t);
    const stranger = await nodeBehind(t, await serviceOfAnother(t), [], { seed: testSeed(78) });
    const taken = (stranger.node.addresses()[0] ?? '').replace(/\/p2p\/.*/, '');
    const ran = await vote(invite(taken, DEAD, place.bareAddress));
    assert.equal(ran.code, 0, ran.err);
    assert.equal(ran.events['connected']?.['address'], place.bareAddress);

    await place.hangUp();
    const none = await vote(invite(DEAD), '--receipt', join(place.folder, 'none'));
    failed(none, 'unreachable', 3);
    assert.match(none.err, /connection refused: nothing listens there/);
    assert.equal(place.log.turnout.ballots, 1);
  });

  it('leads to a stranger alone is told who is there, and shown nothing of them', async (t) => {
    const { place, invite, vote } = await ways(t);
    const stranger = await nodeBehind(t, await serviceOfAnother(t), [], { seed: testSeed(78) });
    const taken = (stranger.node.addresses()[0] ?? '').replace(/\/p2p\/.*/, '');
    const ran = await vote(invite(taken));
    failed(ran, 'wrong-peer', 1, place);
    assert.ok(ran.err.includes(stranger.node.peerId));
    assert.doesNotMatch(ran.err, SHOWN);
  });

  it('is for another election of the same organiser is told so, and casts nothing', async (t) => {
    const { place, vote } = await ways(t);
    const other = await PollingPlace.start(t, { secrets: false });
    const { peerId } = place.node;
    assert.equal(other.node.peerId, peerId, 'one key for both');
    const wrong = formatInvite({ peerId, electionId: other.log.electionId, addresses: [place.bareAddress] });
    const ran = await vote(wrong);
    failed(ran, 'wrong-election', 1, place);
    assert.doesNotMatch(ran.err, SHOWN);
    assert.equal(other.log.turnout.ballots, 0);
  });

  it('was cut short or changed anywhere casts nothing in another election', async (t) => {
    const { place, vote } = await ways(t);
    const { peerId } = place.node;
    const { electionId } = place.log;
    const good = place.invite;
    const another = (text: string, at: number) =>
      `${text.slice(0, at)}${text[at] === '2' ? '3' : '2'}${text.slice(at + 1)}`;
    const inPeer = good.indexOf(peerId) + 20;
    const inElection = good.indexOf(electionId) + 30;
    const cases: readonly [string, string, number][] = [
      [good.slice(0, inPeer), 'bad-invite', 2],
      [good.slice(0, inElection), 'bad-invite', 2],
      [good.slice(0, good.indexOf('?')), 'bad-invite', 2],
      [good.slice(0, good.indexOf('/tcp/')), 'bad-address', 2],
      [another(good, inPeer), 'wrong-peer', 1],
      [another(good, inElection), 'wrong-election', 1],
      [good.replace('psephos:', 'psephos'), 'bad-address', 2],
    ];
    for (const [invite, code, exit] of cases) {
      const ran = await vote(invite);
      failed(ran, code, exit, place);
      assert.doesNotMatch(ran.err, SHOWN, invite);
    }
    assert.equal((await vote(good)).code, 0);
    await until('it is cast', () => place.log.turnout.ballots === 1);
  });
});

/** What another organiser's node serves. */
async function serviceOfAnother(t: TestContext): Promise<NodeService> {
  return (await ways(t)).service;
}
