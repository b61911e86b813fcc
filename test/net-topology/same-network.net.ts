import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { peerIdOf } from '#src/net/index.js';
import { LAN_ELECTIONS } from '#src/net/limits.js';
import { jsonLines } from '../support/processes.ts';
import { testKey } from '../support/test-keys.ts';
import { startDaemon } from './support/daemon.ts';
import { report } from './support/figures.ts';
import type { Home } from './support/home.ts';
import { Internet } from './support/internet.ts';
import { needsNet } from './support/needs-net.ts';
import { Polls, castOf, organised } from './support/polls.ts';

const LIAR = fileURLToPath(new URL('support/lan-liar-child.js', import.meta.url));

async function hall(t: TestContext): Promise<{ readonly internet: Internet; readonly wifi: Home }> {
  const internet = await Internet.start(t);
  return { internet, wifi: await internet.home('hall', { nat: 'preserving' }) };
}

function peerIdIn(invite: string): string {
  const [, peerId = ''] = /^psephos:(\w+)\//.exec(invite) ?? [];
  return peerId;
}

function codeOf(output: string): unknown {
  const failed = jsonLines(output).find(({ error }) => error !== undefined);
  return (failed?.['error'] as { code?: unknown } | undefined)?.code;
}

describe('voters in the same network as the organiser', () => {
  it('find the election with no address, by what its organiser published of it', async (t) => {
    if (!(await needsNet(t))) return;
    const { internet, wifi } = await hall(t);
    const polls = await Polls.open(await wifi.host('laptop'), await organised(t, 2), ['--lan']);
    const voter = await wifi.host('voter');
    const peerId = peerIdIn(polls.invite);
    const started = performance.now();
    const voted = await polls.vote(voter, 0, { find: `psephos:${peerId}` }).finished;
    castOf(voted);
    const votedMs = performance.now() - started;
    const found = jsonLines(voted.stdout).find(({ event }) => event === 'found');
    assert.equal(found?.['peerId'], peerId);
    castOf(await polls.vote(voter, 1, { find: polls.election.electionId }).finished);

    // Nobody is there to look at what was found, and nothing says which election it should be.
    const unpinned = await polls.vote(voter, 0, { find: true }).finished;
    assert.deepEqual([unpinned.code, codeOf(unpinned.stdout)], [2, 'not-pinned']);
    const elsewhere = await internet.host('elsewhere');
    const lost = await polls.vote(elsewhere.node, 0, { find: peerId }).finished;
    assert.deepEqual([lost.code, codeOf(lost.stdout)], [3, 'not-found-here']);
    await polls.expectBallots(2);
    await report(t, {
      topology: 'same network, no address',
      path: 'mDNS, direct ip4',
      figures: { foundAndVotedMs: Math.round(votedMs) },
    });
  });

  it('are told of all elections there, and choose', async (t) => {
    if (!(await needsNet(t))) return;
    const { wifi } = await hall(t);
    const one = await Polls.open(await wifi.host('one'), await organised(t, 1), ['--lan']);
    const other = await Polls.open(await wifi.host('other'), await organised(t, 1), ['--lan']);
    // It does not answer.
    const silent = await Polls.open(await wifi.host('silent'), await organised(t, 1));
    const voter = await wifi.host('voter');
    const many = await one.vote(voter, 0, { find: true }).finished;
    assert.deepEqual([many.code, codeOf(many.stdout)], [2, 'several-found']);
    for (const { invite } of [one, other]) assert.ok(many.stderr.includes(peerIdIn(invite)), many.stderr);
    assert.ok(!many.stderr.includes(peerIdIn(silent.invite)));
    castOf(await other.vote(voter, 0, { find: peerIdIn(other.invite) }).finished);
    await other.expectBallots(1);
  });

  it('find the one that they mean, whoever else answers for it, and however many others do', async (t) => {
    if (!(await needsNet(t))) return;
    const { wifi } = await hall(t);
    const polls = await Polls.open(await wifi.host('laptop'), await organised(t, 1), ['--lan']);
    const peerId = peerIdIn(polls.invite);
    const liar = await wifi.host('liar');
    // Nothing listens there.
    const lies = Array.from(
      { length: 2 * LAN_ELECTIONS },
      (_, number) => `${peerIdOf(testKey(number + 2).publicKey)}=/ip4/${wifi.privateAddressOf(liar)}/tcp/9`,
    );
    const about = `${peerId}=/ip4/${wifi.privateAddressOf(liar)}/tcp/10`;
    const argv = [process.execPath, LIAR, wifi.privateAddressOf(liar), about, ...lies];
    await startDaemon(t, liar, argv, /answering/);
    const voter = await wifi.host('voter');
    castOf(await polls.vote(voter, 0, { find: peerId }).finished);
    await polls.expectBallots(1);
  });
});
