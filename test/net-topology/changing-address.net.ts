import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { jsonLines } from '../support/processes.ts';
import { report } from './support/figures.ts';
import { Internet } from './support/internet.ts';
import { IP6_ONLY } from './support/line.ts';
import { needsNet } from './support/needs-net.ts';
import { Polls, castOf, organised } from './support/polls.ts';

const PORT = 4000;

describe('an organiser whose IPv6 prefix changes while ballots are cast', () => {
  it('is dialled by the new invite, and found again by an observer who was told where it might be', async (t) => {
    if (!(await needsNet(t))) return;
    const internet = await Internet.start(t);
    const hotspot = await internet.home('hotspot', { families: IP6_ONLY, nat: 'preserving' });
    await hotspot.letIn(PORT);
    const laptop = await hotspot.host('laptop');
    const polls = await Polls.open(laptop, await organised(t, 2));
    const before = polls.announced;
    assert.ok(before.invite.includes(`/ip6/${hotspot.addressOf(laptop)}/tcp/${PORT}`), before.invite);
    const voter = await internet.host('voter', IP6_ONLY);
    castOf(await polls.vote(voter.node, 0).finished);

    const { node: observing } = await internet.host('observer', IP6_ONLY);
    const [, peerId] = /\/p2p\/(\w+)$/.exec(before.addresses[0] ?? '') ?? [];
    const coming = `/ip6/${hotspot.comingAddressOf(laptop)}/tcp/${PORT}/p2p/${peerId}`;
    const observer = observing.start('observer', [
      ...['--data', join(polls.election.folder, 'observer'), '--json'],
      ...['--dial', before.invite, '--dial', coming],
    ]);
    const size = async (atLeast: number) => {
      for (;;) {
        const sizes = jsonLines(observer.stdout).flatMap(({ event, size }) =>
          event === 'caught-up' ? [Number(size)] : [],
        );
        if ((sizes.at(-1) ?? 0) >= atLeast) return;
        await observer.waitFor(new RegExp(`(?:"event":"caught-up"[^]*){${sizes.length + 1}}\n`));
      }
    };
    await size(7);

    await hotspot.renumber();
    const changed = performance.now();
    await polls.admin.waitFor(/(?:"event":"addresses"[^]*){2}\n/);
    const announcedMs = performance.now() - changed;
    assert.ok(polls.invite.includes(`/ip6/${hotspot.addressOf(laptop)}/tcp/${PORT}`), polls.invite);
    assert.ok(coming.startsWith(`/ip6/${hotspot.addressOf(laptop)}/`));
    const { index } = castOf(await polls.vote(voter.node, 1).finished);
    await size(index + 1);
    const recoveryMs = performance.now() - changed;
    assert.equal((await observer.kill('SIGINT')).code, 0, observer.stderr);
    await polls.expectBallots(2);
    await report(t, {
      topology: '6 admin’s IPv6 prefix changes, observer resumes',
      path: 'direct ip6',
      figures: { announcedMs: Math.round(announcedMs), observerRecoveryMs: Math.round(recoveryMs) },
    });
  });

  it('still serves, and tells the last address, where it changed every second', async (t) => {
    if (!(await needsNet(t))) return;
    const internet = await Internet.start(t);
    const hotspot = await internet.home('hotspot', { families: IP6_ONLY, nat: 'preserving' });
    await hotspot.letIn(PORT);
    const laptop = await hotspot.host('laptop');
    const polls = await Polls.open(laptop, await organised(t, 1));
    for (let change = 0; change < 6; change++) {
      await hotspot.renumber();
      await sleep(1_000);
    }
    const last = `/ip6/${hotspot.addressOf(laptop)}/tcp/${PORT}`;
    await polls.admin.waitFor(new RegExp(`"event":"addresses"[^\\n]*"invite":"[^"]*a=${last}["&][^\\n]*\\n`));
    const voter = await internet.host('voter', IP6_ONLY);
    castOf(await polls.vote(voter.node, 0).finished);
    await polls.expectBallots(1);
  });
});
