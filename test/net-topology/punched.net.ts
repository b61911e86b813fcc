import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import * as z from 'zod';
import { jsonLines } from '../support/processes.ts';
import { median, report } from './support/figures.ts';
import type { Nat } from './support/home.ts';
import { Internet } from './support/internet.ts';
import { IP4_ONLY, type Line } from './support/line.ts';
import { needsNet } from './support/needs-net.ts';
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
  readonly office: Awaited<ReturnType<Internet['home']>>;
  readonly home: Awaited<ReturnType<Internet['home']>>;
  readonly laptop: Awaited<ReturnType<Awaited<ReturnType<Internet['home']>>['host']>>;
}

/** Organiser and voter behind routers of their own, a relay, and a STUN server; the organiser helps voters to direct ways. */
async function twoHomes(
  t: TestContext,
  voters: number,
  nats: { organiser: Nat; voter: Nat },
): Promise<Homes> {
  const internet = await Internet.start(t);
  const election = await organised(t, voters);
  const server = await internet.host('stun', IP4_ONLY);
  await startStun(t, server);
  const stun = `${server.line.addresses.ip4}:${STUN_PORT}`;
  const relay = await Relay.start(t, await internet.host('relay'), election.electionId);
  const office = await internet.home('office', { families: IP4_ONLY, nat: nats.organiser });
  const home = await internet.home('home', { families: IP4_ONLY, nat: nats.voter });
  const polls = await Polls.open(await office.host('organiser'), election, [
    ...relay.flags,
    ...['--webrtc', '--stun', stun],
  ]);
  return { internet, relay, polls, stun, office, home, laptop: await home.host('laptop') };
}

/** How the voter's program says that it got there. */
function wayOf(stdout: string): z.infer<typeof connectedEvent> {
  const [way] = jsonLines(stdout).flatMap((line) => connectedEvent.safeParse(line).data ?? []);
  assert.ok(way, stdout);
  return way;
}

describe('a voter who looks for a direct way', () => {
  it('finds one through both routers, and the ballot does not cross the relay', async (t) => {
    if (!hasRelay(t) || !(await needsNet(t, 'turnserver'))) return;
    const homes = await twoHomes(t, 1 + CASTS, { organiser: 'preserving', voter: 'preserving' });
    const { internet, relay, polls, stun, office, home, laptop } = homes;
    const before = await relay.passedOn();
    const voted = await polls.vote(laptop, 0, { args: ['--webrtc', '--stun', stun] }).finished;
    castOf(voted);
    console.log(
      wayOf(voted.stdout),
      before,
      await relay.passedOn(),
      await passed(internet, office.line, home.line),
    );
    const times = await polls.cast(laptop, 1, { stun });
    const after = await relay.passedOn();
    console.log(times, after, await passed(internet, office.line, home.line));
    await polls.expectBallots(1 + CASTS);
    await report(t, {
      topology: '4 as 3, with --webrtc and a STUN server',
      path: 'punched',
      figures: { medianMs: Math.round(median(times)) },
    });
  });
});
