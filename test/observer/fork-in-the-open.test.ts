import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { judgeEvidence, parseEvidence } from '#src/log/evidence.js';
import { dialPeer, parseDialTarget } from '#src/net/index.js';
import { ballotOf, forkPlace } from '../support/forked-place.ts';
import { addressOf, evidenceIn, startObserver } from '../support/observer-program.ts';
import { PollingPlace } from '../support/polling-place.ts';
import { run } from '../support/processes.ts';
import { run as runVoter } from '../support/run-voter.ts';
import { Relay } from '../support/relay.ts';
import { tempFolder } from '../support/temp-election.ts';

const VOTERS = 50;
const BEFORE = 25;
const OBSERVERS = 5;
const KEYS_ONLY = { secrets: false, voters: VOTERS } as const;

describe('an election of 50 voters and 5 observers whose authority shows two histories', () => {
  it('is found out by every observer and every later voter, and the evidence convinces anybody', async (t) => {
    const begun = await PollingPlace.start(t, KEYS_ONLY);
    const { peerId } = begun.node;
    // Each observer has its own way to the organiser's address; what stands there is the organiser's to choose.
    let histories = [begun, begun] as readonly [PollingPlace, PollingPlace];
    const lines = await Promise.all(
      Array.from({ length: OBSERVERS }, (_, number) =>
        Relay.start(t, () => histories[number < 3 ? 0 : 1].port),
      ),
    );
    const folder = await tempFolder(t);
    const folders = lines.map((_, number) => join(folder, `observer-${number}`));
    const observers = lines.map((line, number) =>
      startObserver(t, folders[number] as string, ['--dial', line.address(peerId)]),
    );
    await castOver(begun, begun.address, 0, BEFORE);
    await Promise.all(observers.map((observer) => observer.waitFor(/"event":"observer-known"/)));

    const { one, other } = await forkPlace(t, begun, KEYS_ONLY);
    histories = [one, other];
    for (const line of lines) line.cut();
    await castOver(one, one.address, BEFORE, BEFORE + 3, 0);
    await castOver(other, other.address, BEFORE, BEFORE + 2, 1);

    // Every observer names it.
    await Promise.all(observers.map((observer) => observer.waitFor(/"alarm":"fork"/)));
    await Promise.all(observers.map((observer) => observer.waitFor(/"event":"alarm-kept"/)));

    // Every later voter, whichever history is shown and whichever observer is asked, and before anything is cast.
    const addresses = await Promise.all(observers.map(addressOf));
    const cast = [one, other].map(({ log }) => log.turnout.ballots);
    for (let voter = BEFORE + 3; voter < VOTERS; voter++) {
      const place = voter % 2 === 0 ? one : other;
      const ran = await runVoter([
        ...['--dial', place.address, '--observer', addresses[voter % OBSERVERS] as string],
        ...['--key-file', await place.keyFile(voter), '--choose', 'a', '--yes', '--wait', '0', '--json'],
        ...['--receipt', join(place.folder, `v${voter}.tlog-proof`)],
      ]);
      assert.deepEqual([ran.error?.code, ran.code], ['alarm', 1], ran.err);
      const alarm = ran.lines.find(({ alarm: kind }) => kind === 'fork');
      assertConvicts(await readFile(String(alarm?.['file']), 'utf8'), place.log.electionId);
    }
    assert.deepEqual(
      [one, other].map(({ log }) => log.turnout.ballots),
      cast,
    );

    for (const kept of folders) {
      const files = await evidenceIn(kept);
      assert.ok(files.length > 0, kept);
      for (const { text } of files) assertConvicts(text, one.log.electionId);
    }
    const [file] = await evidenceIn(folders[0] as string);
    const verified = await run('verify-log', ['--evidence', file?.path ?? '']);
    assert.equal(verified.code, 0, verified.stderr);
    assert.match(verified.stdout, /PROVEN: the authority signed two histories/);
    const ended = await Promise.all(observers.map((observer) => observer.kill('SIGINT')));
    for (const { code, stderr } of ended) {
      assert.equal(code, 1, 'an alarm was raised');
      assert.match(stderr, /THE AUTHORITY SIGNED TWO HISTORIES/);
    }

    // Who starts again has not forgotten it.
    const again = startObserver(t, folders[0] as string);
    await again.waitFor(/"alarm":"fork"/);
    const status = await run('observer', ['status', '--data', folders[0] as string]);
    assert.match(status.stdout, /ALARM: THE AUTHORITY SIGNED TWO HISTORIES/);
    assert.equal((await again.kill('SIGINT')).code, 1);
    assert.doesNotMatch(again.stdout, /"event":"cosigned"/);
  });
});

/** Casts first ballots of voters over the network. */
async function castOver(
  place: PollingPlace,
  address: string,
  from: number,
  to: number,
  answer = 0,
): Promise<void> {
  const client = await dialPeer(parseDialTarget(address));
  try {
    for (let voter = from; voter < to; voter++) await client.cast(ballotOf(place, voter, answer));
  } finally {
    await client.close();
  }
}

function assertConvicts(text: string, electionId: string): void {
  const parsed = parseEvidence(text);
  assert.ok(parsed.ok);
  const judged = judgeEvidence(parsed.value);
  assert.ok(judged.ok && judged.value.finding.kind === 'fork');
  assert.equal(judged.value.electionId, electionId);
}
