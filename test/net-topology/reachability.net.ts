import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import * as z from 'zod';
import { jsonLines, run } from '../support/processes.ts';
import { Internet } from './support/internet.ts';
import { type Families, IP4_ONLY, IP6_ONLY } from './support/line.ts';
import type { NetNode } from './support/net-node.ts';
import { needsNet } from './support/needs-net.ts';
import { Polls, castOf, organised } from './support/polls.ts';
import { Relay, hasRelay } from './support/relay.ts';

const reachEvent = z.object({
  event: z.literal('reach'),
  reachable: z.boolean().nullable(),
  findings: z.array(z.object({ family: z.string(), address: z.string(), reached: z.boolean().nullable() })),
});
type Reach = z.infer<typeof reachEvent>;

/** The port that `admin` listens on unless it is told otherwise. */
const PORT = 4000;

interface Asked {
  readonly internet: Internet;
  readonly polls: Polls;
  readonly relay: Relay;
  /** What `admin` says. */
  readonly reach: Reach;
}

/** Runs an election on a computer with a relay elsewhere, until it says whether it can be reached. */
async function asked(t: TestContext, at: (internet: Internet) => Promise<NetNode>): Promise<Asked> {
  const internet = await Internet.start(t);
  const election = await organised(t, 1);
  const relay = await Relay.start(t, await internet.host('relay'), election.electionId);
  const polls = await Polls.open(await at(internet), election, relay.flags);
  const reach = await nextReach(polls, 1);
  return { internet, polls, relay, reach };
}

/** What `admin` says of it for the nth time. */
async function nextReach({ admin }: Polls, nth: number): Promise<Reach> {
  await admin.waitFor(new RegExp(`(?:"event":"reach"[^]*?){${nth}}\n`));
  const said = jsonLines(admin.stdout).flatMap((line) => reachEvent.safeParse(line).data ?? []);
  return said[nth - 1] as Reach;
}

function behindRouter(
  families: Families,
  prepare: (home: Awaited<ReturnType<Internet['home']>>, node: NetNode) => Promise<void>,
) {
  return async (internet: Internet): Promise<NetNode> => {
    const home = await internet.home('office', { families, nat: 'preserving' });
    const node = await home.host('organiser');
    await prepare(home, node);
    return node;
  };
}

describe('an organiser with a relay is told', () => {
  it('that voters can reach a computer with public addresses', async (t) => {
    if (!hasRelay(t) || !(await needsNet(t))) return;
    const { reach, polls } = await asked(t, async (internet) => (await internet.host('organiser')).node);
    assert.equal(reach.reachable, true);
    assert.deepEqual(
      reach.findings.map(({ family, reached }) => ({ family, reached })),
      [
        { family: 'ip6', reached: true },
        { family: 'ip4', reached: true },
      ],
    );
    const status = await run('admin', [...polls.election.common, 'status']);
    const text = (await polls.admin.kill('SIGINT')).stderr;
    assert.match(text, /Checked from outside: voters can reach this computer, by IPv6 and IPv4/);
    assert.match(status.stdout, /Reachable +Checked from outside: voters can reach this computer/);
  });

  it('that a firewall keeps voters out, and how to let them in', async (t) => {
    if (!hasRelay(t) || !(await needsNet(t))) return;
    const { reach, polls } = await asked(
      t,
      behindRouter(IP6_ONLY, () => Promise.resolve()),
    );
    assert.equal(reach.reachable, false);
    const text = (await polls.admin.kill('SIGINT')).stderr;
    assert.match(text, /WARNING: VOTERS ELSEWHERE CAN NOT REACH THIS COMPUTER/);
    assert.match(text, /A firewall turns them away.*TCP port 4000/);
    assert.match(text, /Until then they come through the relay/);
  });

  it('that the firewall is open', async (t) => {
    if (!hasRelay(t) || !(await needsNet(t))) return;
    const { reach, polls } = await asked(
      t,
      behindRouter(IP6_ONLY, (home) => home.letIn(PORT)),
    );
    assert.equal(reach.reachable, true);
    await polls.admin.kill('SIGINT');
  });

  it('that a router stands before the computer', async (t) => {
    if (!hasRelay(t) || !(await needsNet(t))) return;
    const { reach, polls } = await asked(
      t,
      behindRouter(IP4_ONLY, () => Promise.resolve()),
    );
    assert.equal(reach.reachable, false);
    const [{ address } = { address: '' }] = reach.findings;
    assert.match(address, /^\/ip4\/44\.128\.\d+\.2\/tcp\/4000$/);
    const text = (await polls.admin.kill('SIGINT')).stderr;
    assert.match(text, /behind a router \(NAT\), which others see as 44\.128\.\d+\.2.*forward TCP port 4000/);
  });

  it('that the router forwards the port, and the invite names its address', async (t) => {
    if (!hasRelay(t) || !(await needsNet(t))) return;
    const { internet, reach, polls, relay } = await asked(
      t,
      behindRouter(IP4_ONLY, (home, node) => home.forward(PORT, node)),
    );
    assert.equal(reach.reachable, true);
    const [{ address } = { address: '' }] = reach.findings;
    // The addresses have changed with it.
    await polls.admin.waitFor(new RegExp(`"event":"addresses"[^\n]*"${address}/p2p/`));
    assert.ok(polls.invite.includes(`a=${address}&`), polls.invite);
    const before = await relay.passedOn();
    const voter = await internet.host('voter', IP4_ONLY);
    const voted = await polls.vote(voter.node, 0).finished;
    castOf(voted);
    assert.match(voted.stdout, /"path":"direct-ip4"/);
    assert.equal((await relay.passedOn()).bytes, before.bytes);
    await polls.expectBallots(1);
  });
});

describe('an organiser without a relay', () => {
  it('is told by an observer whether voters get through', async (t) => {
    if (!(await needsNet(t))) return;
    const internet = await Internet.start(t);
    const home = await internet.home('office', { families: IP6_ONLY, nat: 'preserving' });
    const organiser = await home.host('organiser');
    const polls = await Polls.open(organiser, await organised(t, 1));
    await home.letIn(PORT);
    const { node: observing } = await internet.host('observer', IP6_ONLY);
    const observer = observing.start('observer', [
      ...['--data', join(polls.election.folder, 'observer'), '--json', '--dial', polls.invite],
    ]);
    await observer.waitFor(/"event":"caught-up"/);
    assert.equal((await nextReach(polls, 1)).reachable, true);
    const status = await run('admin', [...polls.election.common, 'status', '--json']);
    assert.match(status.stdout, /"reach":\[\{"helper":"12D3KooW\w+","family":"ip6"[^}]*"reached":true\}\]/);
    await observer.kill('SIGINT');
    await polls.admin.kill('SIGINT');
  });
});
