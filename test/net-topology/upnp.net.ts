import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import type { Home } from './support/home.ts';
import { Internet } from './support/internet.ts';
import { IP4_ONLY } from './support/line.ts';
import { median, report } from './support/figures.ts';
import { needsNet } from './support/needs-net.ts';
import type { NetNode } from './support/net-node.ts';
import { CASTS, Polls, castOf, organised } from './support/polls.ts';
import { offerUpnp } from './support/upnp.ts';

const PORT = 4000;

async function office(t: TestContext): Promise<{ internet: Internet; router: Home; organiser: NetNode }> {
  const internet = await Internet.start(t);
  const router = await internet.home('office', { families: IP4_ONLY, nat: 'preserving' });
  return { internet, router, organiser: await router.host('organiser') };
}

describe('an organiser who has the router asked to forward the port (--upnp)', () => {
  it('is dialled at the router’s address, which the invite names, until the program ends', async (t) => {
    if (!(await needsNet(t, 'miniupnpd'))) return;
    const { internet, router, organiser } = await office(t);
    await offerUpnp(t, router);
    const voters = 1 + CASTS;
    const polls = await Polls.open(organiser, await organised(t, voters), ['--upnp']);
    const address = `/ip4/${router.line.addresses.ip4}/tcp/${PORT}`;
    await polls.admin.waitFor(new RegExp(`"event":"port-forwarded","address":"${address}"`));
    await polls.admin.waitFor(new RegExp(`"event":"addresses"[^\n]*"${address}/p2p/`));
    assert.ok(polls.invite.includes(`?a=${address}&`), polls.invite);
    const voter = await internet.host('voter', IP4_ONLY);
    const voted = await polls.vote(voter.node, 0).finished;
    castOf(voted);
    assert.match(voted.stdout, /"path":"direct-ip4"/);
    const medianMs = Math.round(median(await polls.cast(voter.node, 1)));
    assert.match(await rules(router), /dport 4000/);
    await polls.expectBallots(voters);
    assert.doesNotMatch(await rules(router), /dport 4000/, 'the router forwards nothing any more');
    await report(t, { topology: '9 UPnP', path: 'direct ip4', figures: { medianMs } });
  });

  it('is told plainly where no router does that', async (t) => {
    if (!(await needsNet(t))) return;
    const { organiser } = await office(t);
    const polls = await Polls.open(organiser, await organised(t, 1), ['--upnp']);
    await polls.admin.waitFor(
      /"event":"port-not-forwarded","reason":"no router in this network answers to UPnP/,
    );
    const ended = await polls.admin.kill('SIGINT');
    assert.match(ended.stderr, /WARNING: the router does not forward voters to this computer/);
  });

  it('is told plainly where the router refuses', async (t) => {
    if (!(await needsNet(t, 'miniupnpd'))) return;
    const { router, organiser } = await office(t);
    await offerUpnp(t, router, { refuses: true });
    const polls = await Polls.open(organiser, await organised(t, 1), ['--upnp']);
    await polls.admin.waitFor(/"event":"port-not-forwarded","reason":"it (?:refuses|is set not to)/);
    await polls.admin.kill('SIGINT');
  });
});

/** What the router forwards because programs asked for it. */
function rules(router: Home): Promise<string> {
  return router.router.exec(['nft', 'list', 'chain', 'inet', 'upnp', 'prerouting_mapped']);
}
