import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cosignaturesOf } from '#src/log/cosignature.js';
import { dialPeer, parseDialTarget } from '#src/net/index.js';
import { LogCopy } from '#src/services/log-copy.js';
import { openLevelStore } from '#src/store/level-store.js';
import { LogBuilder, QUESTION, sorted, testVoter } from '../support/build-log.ts';
import { addressOf, caughtUp, startObserver } from '../support/observer-program.ts';
import { jsonLines, run } from '../support/processes.ts';
import { Puppet } from '../support/puppet.ts';
import { tempFolder } from '../support/temp-election.ts';
import { testKey } from '../support/test-keys.ts';

const VOTERS = sorted(Array.from({ length: 30 }, (_, number) => testVoter(`v${number}`, 50 + number)));
const ROUNDS_OF_BALLOTS = 200;
const KILLS = 4;

/** A log that takes a second or so to be checked, with a checkpoint every hundred entries. */
function longLog(): LogBuilder {
  const log = new LogBuilder();
  log.genesis();
  log.roll(VOTERS, 10);
  log.openRound(1, [QUESTION]);
  for (let number = 1; number <= ROUNDS_OF_BALLOTS; number++) castAll(log, number);
  log.checkpoint();
  return log;
}

function castAll(log: LogBuilder, number: number): void {
  for (const voter of VOTERS) log.cast(voter, number, [[number % 3]]);
  if (number % 3 === 0) log.checkpoint();
}

/** How many entries are in a copy that nobody holds, which must be sound. */
async function sizeOnDisk(folder: string): Promise<number> {
  const copy = await LogCopy.open({
    openStore: () => openLevelStore(folder, { create: true, program: 'a test' }),
    clock: { now: () => Date.now() },
    onProgress: () => undefined,
  });
  const { size } = copy.head;
  await copy.close();
  return size;
}

/** The sizes that a program said it cosigned. Its last line may be cut off. */
function cosignedSizes(stdout: string): number[] {
  return jsonLines(stdout.slice(0, stdout.lastIndexOf('\n') + 1)).flatMap((line) =>
    line['event'] === 'cosigned' ? [Number(line['size'])] : [],
  );
}

describe('an observer that is killed', () => {
  it('has a sound copy whenever that happens, goes on from it, and cosigns nothing smaller than before', async (t) => {
    const log = longLog();
    const source = await Puppet.start(t, { seed: testKey(1).seed });
    source.serve(log);
    const folder = join(await tempFolder(t), 'observer');
    let held = 0;
    let cosigned = 0;

    const check = async (stdout: string): Promise<void> => {
      const sizes = cosignedSizes(stdout);
      assert.deepEqual(
        sizes,
        [...sizes].sort((a, b) => a - b),
        'what it cosigns only grows',
      );
      for (const size of sizes) assert.ok(size >= cosigned, `${size} after ${cosigned}`);
      const onDisk = await sizeOnDisk(folder);
      assert.ok(onDisk >= held, `${onDisk} entries after ${held}`);
      held = onDisk;
      cosigned = Math.max(cosigned, ...sizes);
      assert.ok(cosigned <= held, 'it cosigned what is on its disk');
    };

    // While it catches up; then while the log grows.
    let number = ROUNDS_OF_BALLOTS;
    for (let kill = 0; kill < 2 * KILLS; kill++) {
      const observer = startObserver(t, folder, ['--dial', source.address]);
      const [, from] = await observer.waitFor(/"event":"following"[^\n]*"from":(\d+)/);
      assert.equal(Number(from), held, 'it goes on from what it has');
      if (kill >= KILLS) {
        await observer.waitFor(/"event":"cosigned"/);
        for (let more = 0; more <= kill; more++) {
          castAll(log, ++number);
          source.serve(log);
          await sleep(1);
        }
      }
      // Any moment: what counts holds at each.
      await sleep((kill % KILLS) * 80);
      const { stdout, stderr } = await observer.kill('SIGKILL');
      assert.doesNotMatch(stdout, /"event":"(alarm|bad-source|defect)"/, stderr);
      await check(stdout);
    }
    assert.ok(held > 0);

    log.checkpoint();
    source.serve(log);
    const last = startObserver(t, folder, ['--dial', source.address]);
    await caughtUp(last, log.size);
    await last.waitFor(new RegExp(`"event":"cosigned","size":${log.size}\\b`));
    const client = await dialPeer(parseDialTarget(await addressOf(last)));
    const { cosigned: shown } = await client.exchange({ checkpoint: null, observer: null, evidence: [] });
    await client.close();
    assert.ok(shown.some((text) => text.startsWith(log.checkpoints.at(-1) ?? '?')));
    assert.equal(shown.flatMap((text) => cosignaturesOf({ text })).length, 1);
    const ended = await last.kill('SIGINT');
    assert.equal(ended.code, 0, ended.stderr);
    await check(ended.stdout);
    assert.equal(held, log.size);
    const audit = await run('verify-log', [folder]);
    assert.equal(audit.code, 0, audit.stdout + audit.stderr);
  });
});
