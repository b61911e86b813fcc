import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { type TestContext, describe, it } from 'node:test';
import * as z from 'zod';
import { needsWebRtc } from '../support/needs-webrtc.ts';
import { jsonLines } from '../support/processes.ts';
import { median, report } from './support/figures.ts';
import type { Home, Nat } from './support/home.ts';
import { Internet } from './support/internet.ts';
import { type Families, IP4_ONLY, IP6_ONLY, type Line } from './support/line.ts';
import { needsNet } from './support/needs-net.ts';
import type { NetNode } from './support/net-node.ts';
import { CASTS, Polls, castOf, organised } from './support/polls.ts';
import { Relay, hasRelay } from './support/relay.ts';
import { STUN_PORT, startStun } from './support/stun.ts';

const connectedEvent = z.object({
  event: z.literal('connected'),
  path: z.string(),
  address: z.string(),
  notPunched: z.string().optional(),
});

/** Whatever passed between two lines, both ways. */
async function passed(internet: Internet, one: Line, other: Line): Promise<number> {
  const [there, back] = [await internet.traffic(one, other), await internet.traffic(other, one)];
  return there.ip4 + there.ip6 + back.ip4 + back.ip6;
}

interface Homes {
  readonly internet: Internet;
  readonly relay: Relay;
  readonly polls: Polls;
  readonly stun: string;
  readonly office: Home;
  readonly home: Home;
  readonly laptop: NetNode;
}

interface Setting {
  readonly families?: Families;
  readonly organiser: Nat;
  readonly voter: Nat;
  readonly voters: number;
}

/** Organiser and voter behind routers of their own, a relay, and a STUN server where there is NAT; the organiser helps voters to direct ways. */
async function twoHomes(t: TestContext, setting: Setting): Promise<Homes> {
  const { families = IP4_ONLY, organiser, voter, voters } = setting;
  const internet = await Internet.start(t);
  const election = await organised(t, voters);
  const server = await internet.host('stun', IP4_ONLY);
  if (families.ip4) await startStun(t, server);
  const stun = `${server.line.addresses.ip4}:${STUN_PORT}`;
  const relay = await Relay.start(t, await internet.host('relay'), election.electionId);
  const office = await internet.home('office', { families, nat: organiser });
  const home = await internet.home('home', { families, nat: voter });
  const flags = families.ip4 ? ['--webrtc', '--stun', stun] : ['--webrtc'];
  const polls = await Polls.open(await office.host('organiser'), election, [...relay.flags, ...flags]);
  return { internet, relay, polls, stun, office, home, laptop: await home.host('laptop') };
}

/** How the voter's program says that it got there. */
function wayOf(stdout: string): z.infer<typeof connectedEvent> {
  const [way] = jsonLines(stdout).flatMap((line) => connectedEvent.safeParse(line).data ?? []);
  assert.ok(way, stdout);
  return way;
}

/** The bytes of a voter's ballot in the log, as the receipt has them. */
async function ballotBytes(polls: Polls, voter: number): Promise<number> {
  const [, entry] = /^extra (\S+)$/m.exec(await readFile(polls.receiptFile(voter), 'utf8')) ?? [];
  assert.ok(entry);
  return Buffer.from(entry, 'base64').length;
}

describe('a voter who looks for a direct way', () => {
  it('finds one through both routers, and the ballot does not cross the relay', async (t) => {
    if (!hasRelay(t) || !(await needsNet(t, 'turnserver')) || !(await needsWebRtc(t))) return;
    const voters = 1 + CASTS;
    const homes = await twoHomes(t, { organiser: 'preserving', voter: 'preserving', voters });
    const { internet, relay, polls, stun, office, home, laptop } = homes;
    const voted = await polls.vote(laptop, 0, { args: ['--webrtc', '--stun', stun] }).finished;
    castOf(voted);
    const { path, address } = wayOf(voted.stdout);
    assert.equal(path, 'punched');
    assert.ok(address.startsWith(`/ip4/${office.line.addresses.ip4}/udp/`), address);
    const ballot = await ballotBytes(polls, 0);
    const { bytes } = await relay.passedOn();
    assert.ok(bytes > 0 && bytes < ballot, `${bytes} bytes crossed the relay, the ballot has ${ballot}`);
    assert.ok((await passed(internet, office.line, home.line)) > ballot);

    const medianMs = Math.round(median(await polls.cast(laptop, 1, { stun })));
    const bytesThroughRelay = Math.round(((await relay.passedOn()).bytes - bytes) / CASTS);
    assert.ok(bytesThroughRelay < ballot);
    await polls.expectBallots(voters);
    await report(t, {
      topology: '4 as 3, with --webrtc and a STUN server',
      path: 'punched',
      figures: { medianMs, bytesThroughRelay, ballotBytes: ballot },
    });
  });

  it('finds one through the firewalls of both, by IPv6, without a STUN server', async (t) => {
    if (!hasRelay(t) || !(await needsNet(t)) || !(await needsWebRtc(t))) return;
    const homes = await twoHomes(t, {
      families: IP6_ONLY,
      organiser: 'preserving',
      voter: 'preserving',
      voters: 1,
    });
    const { relay, polls, laptop } = homes;
    const voted = await polls.vote(laptop, 0, { args: ['--webrtc'] }).finished;
    castOf(voted);
    assert.equal(wayOf(voted.stdout).path, 'punched');
    assert.ok((await relay.passedOn()).bytes < (await ballotBytes(polls, 0)));
    await polls.expectBallots(1);
  });

  for (const { who, organiser, voter } of [
    { who: 'the voter’s router is', organiser: 'preserving', voter: 'symmetric' },
    { who: 'both routers are', organiser: 'symmetric', voter: 'symmetric' },
  ] as const) {
    it(`stays with the relay where ${who} symmetric`, async (t) => {
      if (!hasRelay(t) || !(await needsNet(t, 'turnserver')) || !(await needsWebRtc(t))) return;
      const { relay, polls, stun, laptop } = await twoHomes(t, { organiser, voter, voters: 1 });
      const started = performance.now();
      const voted = await polls.vote(laptop, 0, { args: ['--webrtc', '--stun', stun] }).finished;
      const toReceiptMs = Math.round(performance.now() - started);
      castOf(voted);
      const { path, notPunched } = wayOf(voted.stdout);
      assert.deepEqual(
        { path, notPunched },
        { path: 'relayed', notPunched: 'no packet got through in time' },
      );
      assert.ok((await relay.passedOn()).bytes > (await ballotBytes(polls, 0)));
      await polls.expectBallots(1);
      await report(t, {
        topology: `5 symmetric NAT (${organiser === voter ? 'both' : 'voter'}), with --webrtc`,
        path: 'relayed',
        figures: { toReceiptMs },
      });
    });
  }

  it('is served by a relay as before where the organiser does not look for direct ways', async (t) => {
    if (!hasRelay(t) || !(await needsNet(t)) || !(await needsWebRtc(t))) return;
    const internet = await Internet.start(t);
    const election = await organised(t, 1);
    const relay = await Relay.start(t, await internet.host('relay'), election.electionId);
    const behindFirewall = { families: IP6_ONLY, nat: 'preserving' } as const;
    const office = await internet.home('office', behindFirewall);
    const home = await internet.home('home', behindFirewall);
    const polls = await Polls.open(await office.host('organiser'), election, relay.flags);
    const voted = await polls.vote(await home.host('laptop'), 0, { args: ['--webrtc'] }).finished;
    castOf(voted);
    const { path, notPunched } = wayOf(voted.stdout);
    assert.deepEqual({ path, notPunched }, { path: 'relayed', notPunched: 'the peer does not offer it' });
    await polls.expectBallots(1);
  });
});
