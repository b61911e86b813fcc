import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import type { CeremonyStep } from '#src/election/entries.js';
import { PeerRefusal } from '#src/services/ports.js';
import { cleanUp } from '../support/cleanup.ts';
import { invited } from '../support/made-ceremony.ts';
import type { PlaceOptions } from '../support/polling-place.ts';
import { type Running, start } from '../support/processes.ts';
import { TrusteePlace } from '../support/trustee-place.ts';

/** Where a trustee's program is killed: before the organiser's took what it handed in, or after, with no answer. */
const MOMENTS = ['before it is taken', 'after it is taken, and before the answer'] as const;

/** A place whose node kills the trustee's process, the first time that it hands something of this kind in. */
async function killing(
  t: TestContext,
  kind: CeremonyStep['kind'] | 'readiness' | 'decryption',
  moment: (typeof MOMENTS)[number],
): Promise<{ readonly set: TrusteePlace; readonly run: () => Promise<void> }> {
  let victim: Running | undefined;
  let killed = false;
  const misbehave: PlaceOptions['misbehave'] = (service) => ({
    async handIn(message) {
      const what = message.kind === 'step' ? message.step.kind : message.kind;
      if (killed || victim === undefined || what !== kind) return service.handIn(message);
      killed = true;
      if (moment !== 'before it is taken') await service.handIn(message);
      await victim.kill('SIGKILL');
      throw new PeerRefusal('internal', 'nobody hears this');
    },
  });
  const set = await TrusteePlace.start(t, kind === 'key' ? invited(2, 0, 0) : invited(0, 2, 2), {
    misbehave,
  });
  cleanUp(t, async () => victim?.kill('SIGKILL'));
  /** Runs the first trustee's program until it has nothing to do, and then the second's as a process, however often it is killed. */
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
  return { set, run };
}

describe('a trustee’s program that is killed while it hands in', () => {
  for (const kind of ['key', 'certificate', 'polynomial', 'share', 'readiness', 'decryption'] as const)
    for (const moment of MOMENTS)
      it(`its ${kind}, ${moment}, goes on when it is started again`, async (t) => {
        const { set, run } = await killing(t, kind, moment);
        const { organiser, log } = set.place;
        for (let i = 0; i < 3; i++) await run();
        await set.trustees.settle(set.place.invite, 1);
        assert.equal(organiser.ceremony.standing()?.done, true);
        assert.deepEqual(organiser.calls.readiness()?.ready, [1, 2]);
        await set.voteAndClose();
        await run();
        assert.equal(set.votes, 6);
        assert.equal(await set.verdict(), 'valid');
        assert.equal(log.state.ceremony?.steps.length, kind === 'key' ? 2 : 6);
        assert.deepEqual(set.place.defects, []);
      });
});
