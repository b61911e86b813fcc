import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { addressOf } from '../support/observer-program.ts';
import { keptIn } from '../support/kept-ballots.ts';
import { type Running, jsonLines } from '../support/processes.ts';
import { newStateFolder } from '../support/state-folder.ts';
import { tempFolder } from '../support/temp-election.ts';
import { median, report } from './support/figures.ts';
import { Internet, type PublicHost } from './support/internet.ts';
import { needsNet } from './support/needs-net.ts';
import { Polls, castOf, organised } from './support/polls.ts';

/** Voters whose line dies, each at another moment of the exchange. */
const VOTERS = 24;
/** Of those that wait, every so manieth has its program killed, and runs it again. */
const KILLED = 3;
/** How long the organiser is away for, in ms. */
const AWAY_MS = 60_000;
/** Seconds that voters' programs are to wait for: longer than this takes by far. */
const PATIENCE = '300';

/** How many ms after a moment each of the programs has its receipt. */
async function timesToReceipt(running: readonly Running[], since: number): Promise<number[]> {
  return Promise.all(
    running.map(async (voter) => {
      await voter.waitFor(/"event":"cast"/);
      return performance.now() - since;
    }),
  );
}

/** An observer of an election, on a computer of its own; resolves to its address on the internet once it has all there is. */
async function observe(t: TestContext, { node, line }: PublicHost, invite: string): Promise<string> {
  const data = join(await tempFolder(t), 'observer');
  const observer = node.start('observer', ['--dial', invite, '--data', data, '--json']);
  await observer.waitFor(/"event":"caught-up"/);
  const [port, end] = (await addressOf(observer)).split('/tcp/')[1]?.split('/p2p/') ?? [];
  return `/ip6/${line.addresses.ip6}/tcp/${port ?? ''}/p2p/${end ?? ''}`;
}

describe('an organiser who is cut off for a minute while ballots are cast', () => {
  it('gets every ballot once when the line is back, whenever it died, and whichever programs were killed', async (t) => {
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
        const state = newStateFolder();
        const vote = () => polls.vote(node, index + 1, { args: ['--wait', PATIENCE], state });
        return { state, vote, running: vote() };
      }),
    );
    // One whose line dies after the receipt has nothing to wait for.
    await Promise.all(voters.map(({ running }) => running.waitFor(/"event":"(?:waiting|cast)"/)));
    const waiting = voters.filter(({ running }) => !running.stdout.includes('"event":"cast"'));
    const done = voters.filter((voter) => !waiting.includes(voter));
    // Voter 0's ballot and those with a receipt are accepted: more than that, and there are ballots in the log whose voters don't know it.
    const receiptsLost = accepted() - 1 - done.length;
    assert.ok(receiptsLost > 0, 'no receipt was lost');
    assert.ok(receiptsLost < waiting.length, 'no ballot was lost');

    // From now on they are told that there is no way, and try again at longer and longer intervals.
    await organiser.line.cut();
    await internet.loseNothing();
    const back = sleep(AWAY_MS);
    const killed = waiting.filter((_, index) => index % KILLED === 0);
    await Promise.all(killed.map(({ running }) => running.kill('SIGKILL')));
    const kept = (await Promise.all(waiting.map(({ state }) => keptIn(state)))).flat().length;
    assert.ok(kept >= receiptsLost, 'a ballot that was sent is kept');
    const runs = waiting.map((voter) => (killed.includes(voter) ? voter.vote() : voter.running));
    await Promise.all(runs.map((running) => running.waitFor(/"event":"waiting"/)));
    await back;
    await organiser.line.mend();
    const times = await timesToReceipt(runs, performance.now());
    for (const { finished } of [...runs, ...done.map(({ running }) => running)]) castOf(await finished);
    for (const { state } of voters) assert.deepEqual(await keptIn(state), []);
    await polls.expectBallots(VOTERS + 1);
    await report(t, {
      topology: '7 admin cut off for a minute during casting, voters wait',
      path: 'direct ip6',
      figures: {
        waiting: waiting.length,
        killed: killed.length,
        kept,
        receiptsLost,
        medianRecoveryMs: Math.round(median(times)),
        longestRecoveryMs: Math.round(Math.max(...times)),
      },
    });
  });

  it('gets the ballots of those who came meanwhile, and saw the election at an observer', async (t) => {
    if (!(await needsNet(t))) return;
    const late = 6;
    const internet = await Internet.start(t);
    const organiser = await internet.host('organiser');
    const polls = await Polls.open(organiser.node, await organised(t, late));
    const observer = await observe(t, await internet.host('observer'), polls.invite);
    const invite = `${polls.invite}&o=${encodeURIComponent(observer)}`;

    await organiser.line.cut();
    const runs = await Promise.all(
      Array.from({ length: late }, async (_, voter) => {
        const { node } = await internet.host(`voter${voter}`);
        const running = polls.vote(node, voter, { invite, args: ['--wait', PATIENCE] });
        await running.waitFor(/"event":"kept"/);
        return running;
      }),
    );
    await organiser.line.mend();
    const times = await timesToReceipt(runs, performance.now());
    for (const { finished } of runs) castOf(await finished);
    await polls.expectBallots(late);
    await report(t, {
      topology: '7 admin away, voters come and wait with ballots that they made at an observer',
      path: 'direct ip6',
      figures: { waiting: late, medianRecoveryMs: Math.round(median(times)) },
    });
  });
});
