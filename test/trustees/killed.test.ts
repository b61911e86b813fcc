import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import type { CeremonyStep } from '#src/election/entries.js';
import { PeerRefusal } from '#src/services/ports.js';
import { cleanUp } from '../support/cleanup.ts';
import { invited } from '../support/made-ceremony.ts';
import type { PlaceOptions } from '../support/polling-place.ts';
import { type Running, start } from '../support/processes.ts';
import { TrusteePlace } from '../support/trustee-place.ts';

/**
 * A place whose node kills the second trustee's process the first two times that it hands something of this kind in: before it is taken, and then
 * after it is, with no answer sent. And what runs the first trustee's program until it has nothing to do, and then the second's as a process, however
 * often it is killed.
 */
async function killing(
  t: TestContext,
  kind: CeremonyStep['kind'] | 'readiness' | 'decryption',
): Promise<{
  readonly set: TrusteePlace;
  readonly run: () => Promise<void>;
  readonly kills: () => number;
}> {
  let victim: Running | undefined;
  let kills = 0;
  const misbehave: PlaceOptions['misbehave'] = (service) => ({
    async handIn(message) {
      const what = message.kind === 'step' ? message.step.kind : message.kind;
      if (kills === 2 || victim === undefined || what !== kind) return service.handIn(message);
      kills++;
      if (kills === 2) await service.handIn(message);
      await victim.kill('SIGKILL');
      throw new PeerRefusal('internal', 'nobody hears this');
    },
  });
  const who = kind === 'key' ? invited(2, 0, 0) : invited(0, 2, 2);
  const set = await TrusteePlace.start(t, who, { misbehave });
  cleanUp(t, async () => victim?.kill('SIGKILL'));
  const run = async () => {
    victim = undefined;
    await set.trustees.settle(set.place.invite, 1);
    for (;;) {
      victim = start('trustee', ['join', '--dial', set.place.invite, '--once', ...set.trustees.own(2)]);
      const { code, signal, stderr } = await victim.finished;
      if (signal === 'SIGKILL') continue;
      assert.equal(code, 0, stderr);
      return;
    }
  };
  return { set, run, kills: () => kills };
}

describe('a trustee’s program that is killed while it hands in', () => {
  for (const kind of ['key', 'certificate', 'polynomial', 'share', 'readiness', 'decryption'] as const)
    it(`its ${kind}, before it is taken and then before the answer, goes on when it is started again`, async (t) => {
      const { set, run, kills } = await killing(t, kind);
      const { organiser, log } = set.place;
      while (organiser.ceremony.standing()?.done !== true) await run();
      await run();
      assert.deepEqual(organiser.calls.readiness()?.ready, [1, 2]);
      await set.voteAndClose();
      await run();
      assert.equal(set.votes, 6);
      assert.equal(kills(), 2);
      assert.equal(await set.verdict(), 'valid');
      assert.equal(log.state.ceremony?.steps.length, kind === 'key' ? 2 : 6);
      assert.deepEqual(set.place.defects, []);
    });
});
