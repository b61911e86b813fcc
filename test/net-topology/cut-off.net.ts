import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { jsonLines } from '../support/processes.ts';
import { median, report } from './support/figures.ts';
import { Internet } from './support/internet.ts';
import { needsNet } from './support/needs-net.ts';
import { Polls, castOf, organised } from './support/polls.ts';

/** Voters whose line dies, each at another moment of the exchange. */
const VOTERS = 12;
/** Seconds that voters' programs are to wait for: longer than this takes by far. */
const PATIENCE = '300';

describe('an organiser who is cut off while ballots are cast', () => {
  it('gets every ballot once when the line is back, whenever it died', async (t) => {
    if (!(await needsNet(t))) return;
    const internet = await Internet.start(t);
    const organiser = await internet.host('organiser');
    const polls = await Polls.open(organiser.node, await organised(t, VOTERS + 1));
    const accepted = () =>
      jsonLines(polls.admin.stdout).filter(({ event }) => event === 'ballot-accepted').length;

    const first = await internet.host('first');
    castOf(await polls.vote(first.node, 0).finished);
    const { ip6: whole } = await internet.traffic(organiser.line, first.line);

    const voters = await Promise.all(
      Array.from({ length: VOTERS }, async (_, index) => {
        const { node, line } = await internet.host(`voter${index}`);
        // What the organiser's computer sends gets lost, so that some ballots arrive and their receipts don't.
        await internet.loseAfter(Math.floor((whole * index) / VOTERS), organiser.line, line);
        return { running: polls.vote(node, index + 1, { args: ['--wait', PATIENCE] }) };
      }),
    );
    // One whose line dies after the receipt has nothing to wait for.
    await Promise.all(voters.map(({ running }) => running.waitFor(/"event":"(?:waiting|cast)"/)));
    const waiting = voters.filter(({ running }) => !running.stdout.includes('"event":"cast"'));
    // Voter 0's ballot and those with a receipt are accepted: more than that, and there are ballots in the log whose voters don't know it.
    const receiptsLost = accepted() - 1 - (VOTERS - waiting.length);
    assert.ok(receiptsLost > 0, 'no receipt was lost');
    assert.ok(receiptsLost < waiting.length, 'no ballot was lost');

    // From now on they are told that there is no way, and try again at longer and longer intervals.
    await organiser.line.cut();
    await internet.loseNothing();
    await Promise.all(waiting.map(({ running }) => running.waitFor(/("event":"waiting"[^]*){4}/)));
    await organiser.line.mend();
    const mended = performance.now();
    const times = await Promise.all(
      waiting.map(async ({ running }) => {
        await running.waitFor(/"event":"cast"/);
        return performance.now() - mended;
      }),
    );
    for (const { running } of voters) castOf(await running.finished);
    await polls.expectBallots(VOTERS + 1);
    await report(t, {
      topology: '7 admin cut off during casting, voters wait',
      path: 'direct ip6',
      figures: {
        waiting: waiting.length,
        receiptsLost,
        medianRecoveryMs: Math.round(median(times)),
        longestRecoveryMs: Math.round(Math.max(...times)),
      },
    });
  });
});
