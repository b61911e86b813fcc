import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import { median, report } from './support/figures.ts';
import type { Nat } from './support/home.ts';
import { Internet } from './support/internet.ts';
import { type Families, IP4_ONLY, IP6_ONLY, type Line } from './support/line.ts';
import { needsNet } from './support/needs-net.ts';
import type { NetNode } from './support/net-node.ts';
import { CASTS, Polls, castOf, organised } from './support/polls.ts';
import { Relay, hasRelay } from './support/relay.ts';

/** How many voters cast at once to see what a relay can do. */
const AT_ONCE = 4;

/** Bytes of packets that only ask for a connection, for all ballots of a test: with one of them no ballot gets far. */
const ATTEMPTS = 200 * 80;

interface Relayed {
  readonly topology: string;
  readonly organiser: { readonly families: Families; readonly nat: Nat };
  readonly voter: { readonly families: Families; readonly nat: Nat };
  /** Whether to see as well how many ballots a second the relay passes on. */
  readonly measuresRate?: boolean;
}

/** Whatever passed between two lines, both ways. */
async function passed(internet: Internet, one: Line, other: Line): Promise<number> {
  const [there, back] = [await internet.traffic(one, other), await internet.traffic(other, one)];
  return there.ip4 + there.ip6 + back.ip4 + back.ip6;
}

/** Organiser and voter behind routers of their own, and a relay that both can reach. */
async function votesThroughRelay(
  t: TestContext,
  { topology, organiser, voter, measuresRate = false }: Relayed,
): Promise<void> {
  const internet = await Internet.start(t);
  const voters = 1 + CASTS + (measuresRate ? AT_ONCE * CASTS : 0);
  const election = await organised(t, voters);
  const relay = await Relay.start(t, await internet.host('relay'), election.electionId);
  const office = await internet.home('office', organiser);
  const home = await internet.home('home', voter);
  const laptop = await home.host('laptop');
  const polls = await Polls.open(await office.host('organiser'), election, relay.flags);
  assert.match(polls.invite, /p2p-circuit/);

  castOf(await polls.vote(laptop, 0).finished);
  const before = await relay.passedOn();
  const medianMs = Math.round(median(await polls.cast(laptop, 1)));
  const after = await relay.passedOn();
  assert.ok(after.connections - before.connections >= CASTS);
  const rateFigures = measuresRate ? { ballotsPerSecond: await rate(polls, laptop, 1 + CASTS) } : {};
  assert.ok((await passed(internet, office.line, home.line)) < ATTEMPTS, 'nothing went another way');
  await polls.expectBallots(voters);
  await report(t, {
    topology,
    path: 'relayed',
    figures: {
      medianMs,
      bytesPerBallot: Math.round((after.bytes - before.bytes) / CASTS),
      ...rateFigures,
    },
  });
}

/**
 * Ballots a second through the relay, of AT_ONCE voters' computers at once, each ballot over a connection of its own. They know of no other
 * way, so that none of them waits for one.
 */
async function rate(polls: Polls, at: NetNode, first: number): Promise<number> {
  const [head = '', query = ''] = polls.invite.split('?');
  const ways = query.split('&').filter((part) => !part.startsWith('a=') || part.includes('/p2p-circuit'));
  const invite = `${head}?${ways.join('&')}`;
  const perCaster = await Promise.all(
    Array.from({ length: AT_ONCE }, (_, i) => polls.cast(at, first + i * CASTS, { invite })),
  );
  const seconds = perCaster.map((times) => times.reduce((sum, ms) => sum + ms, 0) / 1000);
  return Math.round(seconds.reduce((sum, time) => sum + CASTS / time, 0));
}

describe('a voter whose organiser can’t be dialled', () => {
  it('votes through a relay, both behind NATs', async (t) => {
    if (!hasRelay(t) || !(await needsNet(t))) return;
    const behindNat = { families: IP4_ONLY, nat: 'preserving' } as const;
    await votesThroughRelay(t, {
      topology: '3 admin behind NAT44 with a relay, voter behind another NAT',
      organiser: behindNat,
      voter: behindNat,
      measuresRate: true,
    });
  });

  it('votes through a relay, both behind symmetric NATs', async (t) => {
    if (!hasRelay(t) || !(await needsNet(t))) return;
    const behindNat = { families: IP4_ONLY, nat: 'symmetric' } as const;
    await votesThroughRelay(t, {
      topology: '5 symmetric NATs',
      organiser: behindNat,
      voter: behindNat,
    });
  });

  it('votes by IPv4 alone where the organiser has IPv6 alone, through a relay that has both', async (t) => {
    if (!hasRelay(t) || !(await needsNet(t))) return;
    await votesThroughRelay(t, {
      topology: '8 IPv4-only voter, IPv6-only admin, dual-stack relay',
      organiser: { families: IP6_ONLY, nat: 'preserving' },
      voter: { families: IP4_ONLY, nat: 'preserving' },
    });
  });
});

describe('an organiser with a relay', () => {
  for (const { what, topology, families } of [
    {
      what: 'the IPv6 prefix of the computer',
      topology: '6 admin’s IPv6 prefix changes, voter holds the old invite',
      families: IP6_ONLY,
    },
    {
      what: 'the IPv4 address of the router, of which the computer is told nothing,',
      topology: '6 admin’s router gets another IPv4 address, voter holds the old invite',
      families: IP4_ONLY,
    },
  ]) {
    it(`is found by yesterday’s invite after ${what} has changed`, async (t) => {
      if (!hasRelay(t) || !(await needsNet(t))) return;
      const internet = await Internet.start(t);
      const election = await organised(t, 2);
      const relay = await Relay.start(t, await internet.host('relay'), election.electionId);
      const hotspot = await internet.home('hotspot', { families, nat: 'preserving' });
      const voter = await internet.host('voter', families);
      const polls = await Polls.open(await hotspot.host('organiser'), election, relay.flags);
      const { invite } = polls;
      castOf(await polls.vote(voter.node, 0, { invite }).finished);
      await hotspot.renumber();
      const changed = performance.now();
      castOf(await polls.vote(voter.node, 1, { invite, args: ['--wait', '120'] }).finished);
      const recoveryMs = Math.round(performance.now() - changed);
      assert.ok((await passed(internet, hotspot.line, voter.line)) < ATTEMPTS, 'nothing went another way');
      await polls.expectBallots(2);
      await report(t, { topology, path: 'relayed', figures: { recoveryMs } });
    });
  }
});
