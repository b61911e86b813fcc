import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import { proveReadiness } from '#src/belenios/v1/readiness.js';
import type { TrusteeMessage } from '#src/election/trustee-messages.js';
import { Caretaker } from '#src/services/caretaker.js';
import type { PeerRefusal } from '#src/services/ports.js';
import { platformRandom } from '#src/services/platform-random.js';
import { SealedElection, singleTrustees } from '../support/sealed-election.ts';
import { QUESTION } from '../support/temp-election.ts';

const refusal = (code: string, message: RegExp) => (error: PeerRefusal) => {
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return true;
};

async function electionOf(t: TestContext, trustees: number): Promise<SealedElection> {
  return SealedElection.create(t, { questions: [QUESTION], trustees: singleTrustees(trustees), voters: 6 });
}

/** A trustee's answer to a call; the newest unless named. */
function answer(sealed: SealedElection, trustee: number, by = trustee, call?: string): TrusteeMessage {
  const { log } = sealed.election;
  const newest = call ?? log.state.call?.cid.toString() ?? '';
  const secret = sealed.secrets[by - 1];
  assert.ok(secret !== undefined);
  const question = { electionId: log.electionId, call: newest, trustee };
  return {
    kind: 'readiness',
    trustee,
    call: newest,
    proof: proveReadiness(question, secret, platformRandom),
  };
}

describe('calls to the trustees', () => {
  it('keep a round closed until enough have shown that they could decrypt, and name who has not', async (t) => {
    const sealed = await electionOf(t, 3);
    const { election } = sealed;
    const { organiser } = election;
    const desk = election.trusteeDesk();
    await assert.rejects(organiser.open(), { code: 'trustees-not-ready' });
    await organiser.calls.call();
    await desk.handIn(answer(sealed, 1));
    await desk.handIn(answer(sealed, 3));
    await assert.rejects(organiser.open(), ({ code, message }: { code: string; message: string }) => {
      assert.equal(code, 'trustees-not-ready');
      assert.match(message, /Missing: trustee 2\./);
      return true;
    });
    assert.equal(organiser.calls.readiness()?.spare, -1);
    await desk.handIn(answer(sealed, 2));
    assert.deepEqual(organiser.calls.readiness()?.absent, []);
    election.now += 24 * 3_600_000 + 1;
    await assert.rejects(organiser.open(), { code: 'trustees-not-ready' });
    election.now -= 3_600_000;
    await organiser.open();
    // A new call asks everybody anew, while the round goes on.
    await organiser.calls.call();
    assert.deepEqual(organiser.calls.readiness()?.absent, [1, 2, 3]);
    await desk.handIn(answer(sealed, 2));
    assert.deepEqual(organiser.calls.readiness()?.ready, [2]);
  });

  it('take the same answer again, and none that is another’s, for another call, or of nobody', async (t) => {
    const sealed = await electionOf(t, 2);
    const { election } = sealed;
    const { log, organiser } = election;
    const desk = election.trusteeDesk();
    await assert.rejects(desk.handIn(answer(sealed, 1, 1, 'none')), refusal('too-late', /earlier call/));
    const before = (await organiser.calls.call()).cid.toString();
    const early = answer(sealed, 1);
    await desk.handIn(early);
    const { size } = log.head;
    await desk.handIn(early);
    assert.equal(log.head.size, size);
    await organiser.calls.call();
    await assert.rejects(desk.handIn(early), refusal('too-late', /earlier call/));
    await assert.rejects(desk.handIn(answer(sealed, 1, 1, before)), refusal('too-late', /earlier call/));
    await assert.rejects(desk.handIn(answer(sealed, 1, 2)), refusal('bad-proof', /does not hold/));
    await assert.rejects(desk.handIn(answer(sealed, 3, 1)), refusal('bad-proof', /no trustee 3/));
    assert.deepEqual(organiser.calls.readiness()?.ready, []);
    assert.equal(election.events.filter(({ type }) => type === 'trustee-refused').length, 2);
  });
});

describe('an organiser’s program that runs', () => {
  it('asks the trustees before a scheduled opening and closing, and once a day while a round is open', async (t) => {
    const [minute, day] = [60_000, 24 * 3_600_000];
    const begin = 1_000_000;
    const sealed = await electionOf(t, 1);
    const { election } = sealed;
    const { log, organiser } = election;
    const [opens, closes] = [begin + day, begin + 3 * day + 60 * minute];
    await organiser.prepare({ title: 'Round 1', questions: [QUESTION], opens, closes });
    const calls: number[] = [];
    const caretaker = new Caretaker({
      log,
      organiser,
      clock: { now: () => election.now },
      onEvent: (event) => {
        if (event.type === 'trustees-called') calls.push(election.now - begin);
      },
      askTrusteesEvery: day,
    });
    const desk = election.trusteeDesk();
    for (; election.now <= closes; election.now += 5 * minute) {
      const before = calls.length;
      await caretaker.tick();
      if (calls.length > before) await desk.handIn(answer(sealed, 1));
    }
    assert.deepEqual(
      calls.map((time) => time / minute),
      // 15 minutes before it opens; a day after that, and so on; 15 minutes before it closes.
      [1440 - 15, 2 * 1440 - 15, 3 * 1440 - 15, 3 * 1440 + 45],
    );
    assert.equal(log.state.phase, 'counting');
  });
});

describe('decryptions that trustees hand in', () => {
  it('are taken once each, and lead to the result with the last one', async (t) => {
    const sealed = await electionOf(t, 2);
    const { election } = sealed;
    const desk = election.trusteeDesk();
    await sealed.open();
    for (let voter = 0; voter < 5; voter++) await sealed.vote(voter, [[0]]);
    const early: TrusteeMessage = {
      kind: 'decryption',
      round: 1,
      trustee: 1,
      partialDecryption: '{}',
      proof: '{}',
    };
    await assert.rejects(desk.handIn(early), refusal('too-late', /does not wait/));
    await sealed.close();
    const [first, second] = [1, 2].map((trustee): TrusteeMessage => {
      return { kind: 'decryption', round: 1, ...sealed.decryption(trustee) };
    });
    assert.ok(first?.kind === 'decryption' && second?.kind === 'decryption');
    await assert.rejects(desk.handIn({ ...first, trustee: 2 }), refusal('bad-proof', /does not hold/));
    await assert.rejects(desk.handIn({ ...first, trustee: 3 }), refusal('bad-proof', /no trustee 3/));
    await assert.rejects(desk.handIn({ ...first, partialDecryption: '{}' }), refusal('bad-proof', /./));
    const { proof } = second;
    await assert.rejects(
      desk.handIn({ ...first, proof }),
      refusal('bad-proof', /proof of the whole does not hold/),
    );
    await assert.rejects(desk.handIn({ ...first, proof: '{}' }), refusal('bad-proof', /can't be read/));
    await assert.rejects(desk.handIn({ ...first, round: 2 }), refusal('too-late', /does not wait/));
    await desk.handIn(first);
    const { size } = election.log.head;
    await desk.handIn(first);
    assert.equal(election.log.head.size, size);
    const result = () => sealed.round.result?.entry.questions[0]?.answers[0];
    assert.equal(result(), undefined);
    await desk.handIn(second);
    assert.equal(result(), 15);
    await desk.handIn(second);
    const taken = election.events.flatMap((event) => (event.type === 'decryption-taken' ? [event] : []));
    assert.deepEqual(
      taken.map(({ trustee, missing }) => [trustee, missing === null]),
      [
        [1, false],
        [2, true],
      ],
    );
  });
});
