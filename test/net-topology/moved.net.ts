import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Running, jsonLines } from '../support/processes.ts';
import { report } from './support/figures.ts';
import type { Home } from './support/home.ts';
import { Internet } from './support/internet.ts';
import { IP6_ONLY } from './support/line.ts';
import { needsNet } from './support/needs-net.ts';
import type { NetNode } from './support/net-node.ts';
import { Polls, castOf, organised } from './support/polls.ts';
import { Relay } from './support/relay.ts';

const PORT = 4000;
/** Whom nobody runs here. */
const OTHER_PEER = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN';
const CHANGES = 8;
/** Of bytes: a handshake, who one is, and where. */
const MOST_PER_CHANGE = 16_384;

interface Scene {
  readonly internet: Internet;
  readonly hotspot: Home;
  readonly laptop: NetNode;
}

/** An organiser's laptop behind a hotspot that lets voters in, by IPv6. */
async function scene(t: TestContext): Promise<Scene> {
  const internet = await Internet.start(t);
  const hotspot = await internet.home('hotspot', { families: IP6_ONLY, nat: 'preserving' });
  await hotspot.letIn(PORT);
  return { internet, hotspot, laptop: await hotspot.host('laptop') };
}

/** Resolves once an observer has so many entries. */
async function untilHas(observer: Running, entries: number): Promise<void> {
  for (;;) {
    const sizes = jsonLines(observer.stdout).flatMap(({ event, size }) =>
      event === 'caught-up' ? [Number(size)] : [],
    );
    if ((sizes.at(-1) ?? 0) >= entries) return;
    await observer.waitFor(new RegExp(`(?:"event":"caught-up"[^]*){${sizes.length + 1}}\n`));
  }
}

/** The way that a voter's program says it took. */
function pathOf(voted: { readonly stdout: string }): unknown {
  return jsonLines(voted.stdout).find(({ event }) => event === 'connected')?.['path'];
}

describe('an organiser whose IPv6 prefix changes, and voters who hold yesterday’s invite', () => {
  it('is found through an observer, who finds the organiser again as well', async (t) => {
    if (!(await needsNet(t))) return;
    const { internet, hotspot, laptop } = await scene(t);
    const polls = await Polls.open(laptop, await organised(t, 2));
    const { node: observing } = await internet.host('observer', IP6_ONLY);
    const observer = observing.start('observer', [
      ...['--data', join(polls.election.folder, 'observer'), '--json'],
      ...['--dial', polls.invite],
    ]);
    await untilHas(observer, 1);
    const [, old = ''] = await polls.admin.waitFor(/"event":"invite","invite":"([^"]*&o=[^"]*)"/);
    const voter = await internet.host('voter', IP6_ONLY);

    await hotspot.renumber();
    const changed = performance.now();
    const voted = await polls.vote(voter.node, 0, { invite: old }).finished;
    const { index } = castOf(voted);
    const votedMs = performance.now() - changed;
    assert.equal(pathOf(voted), 'direct-ip6');
    await untilHas(observer, index + 1);
    const observedMs = performance.now() - changed;
    const again = performance.now();
    castOf(await polls.vote(voter.node, 1, { invite: old }).finished);
    const laterMs = performance.now() - again;
    assert.equal((await observer.kill('SIGINT')).code, 0, observer.stderr);
    await polls.expectBallots(2);
    await report(t, {
      topology: '6 admin’s IPv6 prefix changes, old invite, an observer stays',
      path: 'direct ip6',
      figures: {
        voterRecoveryMs: Math.round(votedMs),
        observerRecoveryMs: Math.round(observedMs),
        laterVoterMs: Math.round(laterMs),
      },
    });
  });

  it('is found through a relay that was told of the new line, and dialled directly where that is quicker', async (t) => {
    if (!(await needsNet(t))) return;
    const { internet, hotspot, laptop } = await scene(t);
    const election = await organised(t, 2);
    const relay = await Relay.start(t, await internet.host('relay', IP6_ONLY), election.electionId);
    const polls = await Polls.open(laptop, election, relay.flags);
    const old = polls.invite;
    assert.match(old, /p2p-circuit/);
    const voter = await internet.host('voter', IP6_ONLY);
    castOf(await polls.vote(voter.node, 0, { invite: old }).finished);

    await hotspot.renumber();
    const changed = performance.now();
    const voted = await polls.vote(voter.node, 1, { invite: old }).finished;
    castOf(voted);
    const votedMs = performance.now() - changed;
    await polls.expectBallots(2);
    await report(t, {
      topology: '6 admin’s IPv6 prefix changes, old invite, a relay stays',
      path: String(pathOf(voted)),
      figures: { voterRecoveryMs: Math.round(votedMs) },
    });
  });

  it('is found through a server of the table that the invite does not name', async (t) => {
    if (!(await needsNet(t))) return;
    const { internet, hotspot, laptop } = await scene(t);
    const election = await organised(t, 1);
    // A relay for others, to which the organiser holds no reservation.
    const server = await Relay.start(t, await internet.host('server', IP6_ONLY), OTHER_PEER);
    const bootstrap = ['--bootstrap', server.flags[1] ?? ''];
    const polls = await Polls.open(laptop, election, bootstrap);
    const old = polls.invite;
    const voter = await internet.host('voter', IP6_ONLY);

    await hotspot.renumber();
    const changed = performance.now();
    const voted = await polls.vote(voter.node, 0, { invite: old, args: bootstrap }).finished;
    castOf(voted);
    const votedMs = performance.now() - changed;
    assert.equal(pathOf(voted), 'direct-ip6');
    await polls.expectBallots(1);
    await report(t, {
      topology: '6 admin’s IPv6 prefix changes, old invite, a DHT server stays',
      path: 'direct ip6',
      figures: { voterRecoveryMs: Math.round(votedMs) },
    });
  });

  it('is found by the last of many addresses, where they change every second', async (t) => {
    if (!(await needsNet(t))) return;
    const { internet, hotspot, laptop } = await scene(t);
    const election = await organised(t, 1);
    const host = await internet.host('server', IP6_ONLY);
    const server = await Relay.start(t, host, OTHER_PEER);
    const bootstrap = ['--bootstrap', server.flags[1] ?? ''];
    const polls = await Polls.open(laptop, election, bootstrap);
    const old = polls.invite;
    const before = await internet.traffic(hotspot.line, host.line);
    for (let change = 0; change < CHANGES; change++) {
      await hotspot.renumber();
      await sleep(1_000);
    }
    const flapped = await internet.traffic(hotspot.line, host.line);
    const told = flapped.ip6 - before.ip6;
    assert.ok(told < CHANGES * MOST_PER_CHANGE, `${told} bytes were sent to say so`);
    const voter = await internet.host('voter', IP6_ONLY);
    castOf(await polls.vote(voter.node, 0, { invite: old, args: bootstrap }).finished);
    await polls.expectBallots(1);
    await report(t, {
      topology: '6 admin’s address changes every second',
      path: 'direct ip6',
      figures: { toldBytesPerChange: Math.round(told / CHANGES) },
    });
  });
});
