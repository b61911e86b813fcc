import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import { median, report } from './support/figures.ts';
import { Internet } from './support/internet.ts';
import { type Families, IP4_ONLY, IP6_ONLY } from './support/line.ts';
import { needsNet } from './support/needs-net.ts';
import { CASTS, Polls, castOf, organised } from './support/polls.ts';

interface Direct {
  readonly topology: string;
  readonly families: Families;
  readonly family: 'ip4' | 'ip6';
}

/** A voter behind a router, an organiser whom everybody can dial: votes with the invite that `admin` printed. */
async function votesDirectly(t: TestContext, { topology, families, family }: Direct): Promise<void> {
  const internet = await Internet.start(t);
  const organiser = await internet.host('organiser', families);
  const home = await internet.home('home', { families, nat: 'preserving' });
  const laptop = await home.host('laptop');
  const polls = await Polls.open(organiser.node, await organised(t, CASTS + 1));
  assert.ok(polls.invite.includes(`/${family}/${organiser.line.addresses[family]}/tcp/`), polls.invite);

  castOf(await polls.vote(laptop, 0).finished);
  const passed = async () => {
    const [there, back] = [
      await internet.traffic(home.line, organiser.line),
      await internet.traffic(organiser.line, home.line),
    ];
    return there[family] + back[family];
  };
  const before = await passed();
  assert.ok(before > 0);
  const medianMs = Math.round(median(await polls.cast(laptop, 1)));
  const bytesPerBallot = Math.round(((await passed()) - before) / CASTS);
  await polls.expectBallots(CASTS + 1);
  await report(t, { topology, path: `direct ${family}`, figures: { medianMs, bytesPerBallot } });
}

describe('a voter whose organiser can be dialled', () => {
  it('votes from behind a NAT, by IPv4', async (t) => {
    if (!(await needsNet(t))) return;
    await votesDirectly(t, {
      topology: '1 voter behind NAT44, admin on public IPv4',
      families: IP4_ONLY,
      family: 'ip4',
    });
  });

  it('votes from behind a firewall, by IPv6', async (t) => {
    if (!(await needsNet(t))) return;
    await votesDirectly(t, {
      topology: '2 IPv6 on both sides, stateful firewall before the voter',
      families: IP6_ONLY,
      family: 'ip6',
    });
  });
});
