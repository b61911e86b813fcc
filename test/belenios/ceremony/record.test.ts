import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { recordOf } from '#src/belenios/v1/ceremony/record.js';
import { signStep } from '#src/belenios/v1/ceremony/step-signature.js';
import { polynomialText, voutputText } from '#src/belenios/v1/encoding/ceremony.js';
import { ceremonySeed } from '#src/belenios/v1/ceremony/seed.js';
import { quorumOf } from '#src/belenios/v1/quorum.js';
import { readTrustees, trusteeNames } from '#src/belenios/v1/sealed-round.js';
import { memberSecrets } from '#src/belenios/v1/signed-message.js';
import { equalBytes } from '#src/base/bytes.js';
import { group } from '#src/crypto/group/group.js';
import { scalarOfSeed } from '#src/crypto/group/seed.js';
import type { CeremonyStep } from '#src/election/entries.js';
import { ceremonyProblems, startProblems } from '#src/election/trustee-steps.js';
import { platformRandom } from '#src/services/platform-random.js';
import { MadeCeremony, NAMES, anotherPolynomial, invited, trusteeSeed } from '../../support/made-ceremony.ts';
import { errorOf, valueOf } from '../../support/results.ts';

const signingOf = (ceremony: MadeCeremony, trustee: number) =>
  valueOf(memberSecrets(ceremonySeed(trusteeSeed(trustee), ceremony.cid.bytes))).signing;

/** A step with another text, signed by its trustee all the same. */
const resigned = (ceremony: MadeCeremony, step: CeremonyStep, text: string): CeremonyStep =>
  signStep(
    ceremony.record.signedIn(step.kind),
    { kind: step.kind, trustee: step.trustee, text },
    signingOf(ceremony, step.trustee),
    platformRandom,
  );

describe('a key ceremony of single trustees and a group', () => {
  for (const [singles, members, threshold] of [
    [0, 1, 1],
    [0, 3, 1],
    [0, 3, 2],
    [0, 3, 3],
    [2, 3, 2],
    [2, 0, 0],
  ] as const) {
    it(`of ${singles} singles and ${threshold} of ${members} makes trustees, each of whom has the secret of its key`, () => {
      const ceremony = new MadeCeremony(invited(singles, members, threshold)).run();
      const { trustees } = ceremony.record;
      assert.ok(trustees !== undefined);
      const sound = valueOf(readTrustees(trustees));
      assert.deepEqual(trusteeNames(sound), NAMES.slice(0, singles + members));
      for (const [at, key] of sound.keys.entries()) {
        const secret = valueOf(ceremony.participant(at + 1).secret(at + 1));
        assert.ok(equalBytes(group.multiplyBase(secret), key));
        assert.equal(ceremony.participant(at + 1).number, at + 1);
      }
      const all = new Set(sound.keys.map((_, at) => at + 1));
      assert.deepEqual(quorumOf(sound, all), {
        enough: true,
        spare: singles > 0 ? 0 : members - threshold,
        absent: [],
      });
      const [first] = all;
      if (first !== undefined) all.delete(first);
      assert.equal(quorumOf(sound, all).enough, singles === 0 && members > threshold);
      const start = { threshold, trustees: ceremony.record.invited, ceremony: ceremony.cid.toString() };
      const again = recordOf(start, ceremony.steps);
      assert.equal(again.fault, undefined);
      assert.equal(again.record.trustees, trustees);
    });
  }

  it('says at every step who has what to do', () => {
    const ceremony = new MadeCeremony(invited(1, 2, 2));
    const due = () => [1, 2, 3].map((trustee) => ceremony.record.due(trustee) ?? null);
    assert.deepEqual(due(), ['key', 'certificate', 'certificate']);
    ceremony.take(ceremony.step(2));
    assert.deepEqual(due(), ['key', null, 'certificate']);
    ceremony.take(ceremony.step(3));
    assert.deepEqual(due(), ['key', 'polynomial', 'polynomial']);
    ceremony.take(ceremony.step(3));
    ceremony.take(ceremony.step(2));
    assert.deepEqual(due(), ['key', 'share', 'share']);
    ceremony.take(ceremony.step(2));
    assert.deepEqual(due(), ['key', null, 'share']);
    assert.equal(ceremony.record.isDone(2), true);
    assert.equal(ceremony.record.isDone(3), false);
    ceremony.take(ceremony.step(3));
    assert.equal(ceremony.record.due(3), undefined);
    ceremony.take(ceremony.step(1));
    assert.deepEqual(due(), [null, null, null]);
    assert.ok(ceremony.record.trustees !== undefined);
  });

  it('refuses a step that another trustee signed, or that was signed for another ceremony, place or kind', () => {
    const ceremony = new MadeCeremony(invited(0, 3, 2)).run('polynomial');
    const step = ceremony.step(1);
    const other = new MadeCeremony(invited(0, 3, 2)).run('polynomial').step(1);
    const [context, own, foreign] = [
      ceremony.record.signedIn('polynomial'),
      signingOf(ceremony, 1),
      signingOf(ceremony, 2),
    ];
    for (const [forged, offence] of [
      [signStep(context, step, foreign, platformRandom), 'bad-signature'],
      [{ ...step, signature: other.signature }, 'bad-signature'],
      [{ ...step, trustee: 2 }, 'bad-signature'],
      [
        { ...signStep(context, { ...step, kind: 'share' }, own, platformRandom), kind: 'polynomial' },
        'bad-signature',
      ],
      [{ ...step, text: ceremony.step(2).text }, 'bad-signature'],
      [{ ...step, signature: 'nonsense' }, 'bad-signature'],
      [
        signStep({ ...context, answers: context.answers.slice(1) }, step, own, platformRandom),
        'bad-signature',
      ],
      [other, 'bad-signature'],
    ] as const) {
      const fault = errorOf(ceremony.record.take(forged));
      assert.equal(fault.offence, offence);
      assert.deepEqual(fault.accused, []);
    }
    ceremony.take(step);
  });

  it('accuses by number whoever signed a step that is not sound, and takes a sound one after it', () => {
    const ceremony = new MadeCeremony(invited(2, 3, 2)).run('polynomial');
    const step = ceremony.step(4);
    const polynomial = valueOf(polynomialText.decode(step.text));
    const [first] = polynomial.secrets;
    const short = polynomialText.encode({ ...polynomial, secrets: first === undefined ? [] : [first] });
    const fault = errorOf(ceremony.record.take(resigned(ceremony, step, short)));
    assert.equal(fault.offence, 'wrong-count');
    assert.deepEqual(fault.accused, [4]);
    ceremony.take(step);
  });

  it('refuses steps out of order, and a key or a share under another name', () => {
    const ceremony = new MadeCeremony(invited(1, 2, 2));
    const early = { ...ceremony.step(2), kind: 'polynomial' } as const;
    assert.equal(errorOf(ceremony.record.take(early)).offence, 'out-of-order');
    const key = ceremony.step(1);
    const renamed = key.text.replace('"Ana"', '"Eve"');
    const forged = signStep(
      ceremony.record.signedIn('key'),
      { ...key, text: renamed },
      scalarOfSeed(trusteeSeed(1)),
      platformRandom,
    );
    assert.equal(errorOf(ceremony.record.take(forged)).offence, 'malformed');
    ceremony.run('share');
    const share = ceremony.step(3);
    const voutput = valueOf(voutputText.decode(share.text));
    const eve = voutputText.encode({ ...voutput, publicKey: { ...voutput.publicKey, name: 'Eve' } });
    assert.equal(errorOf(ceremony.record.take(resigned(ceremony, share, eve))).offence, 'malformed');
    ceremony.run();
    assert.ok(ceremony.record.trustees !== undefined);
  });

  it('refuses one key for two trustees, alone or in a group, and accuses both', () => {
    const singles = new MadeCeremony(invited(2, 0, 0));
    singles.take(singles.step(1));
    const copy = valueOf(singles.participant(2, trusteeSeed(1)).step(2, platformRandom));
    assert.ok(copy !== undefined);
    const fault = errorOf(singles.record.take(copy));
    assert.deepEqual([fault.offence, fault.accused], ['same-key', [1, 2]]);
    const members = new MadeCeremony(invited(1, 2, 2));
    members.take(members.step(2));
    const twin = valueOf(members.participant(3, trusteeSeed(2)).step(3, platformRandom));
    assert.ok(twin !== undefined);
    const both = errorOf(members.record.take(twin));
    assert.deepEqual([both.offence, both.accused], ['same-key', [2, 3]]);
  });

  it('ends with a complaint, which names who sent a wrong secret, and takes nothing after it', () => {
    const ceremony = new MadeCeremony(invited(1, 3, 2)).run('polynomial');
    const wrong = ceremony.step(3);
    const message = valueOf(polynomialText.decode(wrong.text));
    const secrets = valueOf(polynomialText.decode(anotherPolynomial(ceremony, 3)));
    // The coefexps of one polynomial, and the secrets of another: both signed by the cheater.
    const text = polynomialText.encode({ ...message, secrets: secrets.secrets });
    ceremony.take(resigned(ceremony, wrong, text));
    ceremony.run('share');
    const complaint = ceremony.step(2);
    assert.equal(complaint.kind, 'complaint');
    ceremony.take(complaint);
    assert.deepEqual(ceremony.record.ended?.accused, [3]);
    assert.equal(ceremony.record.ended.offence, 'wrong-secret');
    assert.deepEqual(
      [1, 2, 3, 4].map((trustee) => ceremony.record.due(trustee)),
      [undefined, undefined, undefined, undefined],
    );
    assert.equal(errorOf(ceremony.record.take(complaint)).offence, 'out-of-order');
  });

  it('gives a trustee other secrets in every ceremony, from one seed', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ minLength: 36, maxLength: 36 }),
        (seed, cid) => {
          const other = cid.map((byte, at) => (at === 35 ? byte ^ 1 : byte));
          assert.equal(ceremonySeed(seed, cid), ceremonySeed(seed, cid));
          assert.notEqual(ceremonySeed(seed, cid), ceremonySeed(seed, other));
          assert.ok(memberSecrets(ceremonySeed(seed, cid)).ok);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('the entries of a key ceremony', () => {
  it('can’t be started with a threshold or with trustees that can’t be', () => {
    const { trustees } = invited(1, 3, 2).start;
    const members = trustees.slice(1);
    const [single] = trustees;
    assert.ok(single !== undefined);
    assert.deepEqual(startProblems({ threshold: 2, trustees }), []);
    assert.deepEqual(startProblems({ threshold: 0, trustees: [single] }), []);
    for (const bad of [
      { threshold: 0, trustees },
      { threshold: 4, trustees },
      { threshold: 1, trustees: [single] },
      { threshold: 2, trustees: [...members, single] },
      { threshold: 2, trustees: [...members, ...members] },
      invited(0, 21, 11).start,
    ])
      assert.notDeepEqual(startProblems(bad), []);
  });

  it('stand only where they may', () => {
    const { start } = invited(1, 2, 2);
    const ceremony = new MadeCeremony({ start }).run();
    const base = { v: 1, seq: 9, prev: null, time: 0, kind: 'ceremony' } as const;
    const state = { cid: ceremony.cid, ...start, steps: ceremony.steps.slice(0, 3), done: false };
    const problems = (step: CeremonyStep, changes: Partial<typeof state> = {}) =>
      ceremonyProblems({ ...base, step }, { ...state, ...changes });
    const [next, early] = [ceremony.steps[3], ceremony.steps[0]];
    assert.ok(next !== undefined && early !== undefined);
    assert.deepEqual(problems(next), []);
    assert.notDeepEqual(problems(next, { done: true }), []);
    assert.notDeepEqual(problems(early), []);
    assert.notDeepEqual(problems({ ...next, trustee: 4 }), []);
    assert.notDeepEqual(problems({ ...next, kind: 'key' }), []);
    assert.notDeepEqual(problems({ ...early, kind: 'share' }), []);
    assert.notDeepEqual(problems(next, { steps: [...state.steps, { ...next, kind: 'complaint' }] }), []);
    assert.notDeepEqual(ceremonyProblems({ ...base, step: next }, undefined), []);
  });
});
