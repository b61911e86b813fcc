import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { group, scalarFromBigInt } from '#src/crypto/group/group.js';
import { prepareQuestion, verifyAnswer } from '#src/belenios/v1/answer.js';
import { ciphertextText, sumCiphertexts } from '#src/belenios/v1/elgamal.js';
import { decryptPartially, verifyPartialDecryption } from '#src/belenios/v1/decryption.js';
import type { Answer, Ciphertext, PartialDecryption, Question } from '#src/belenios/v1/messages.js';
import { type Claim, proveOneOf } from '#src/belenios/v1/proofs.js';
import { generateTrustee, verifyTrustees } from '#src/belenios/v1/trustees.js';
import { errorOf } from '../../support/results.ts';

const random = (length: number) => new Uint8Array(randomBytes(length));
const y = group.multiplyBase(group.randomScalar(random));
const CONTEXT = 'phi|credential';

/** m·g, as claims have it. */
const raised = (m: number) => (m === 0 ? undefined : group.multiplyBase(scalarFromBigInt(BigInt(m))));

/** Which claim a prover pretends to know of. */
interface Pretence {
  readonly blank: number;
  readonly overall: number;
}

/**
 * An answer with any numbers in its cells, by a prover that does everything as it should except to tell the truth where it can't: then it
 * closes the proof of the claim that `pretence` names, or of 0 or 1, whatever is nearer, with the randomness that it has.
 */
function answerOf(question: Question, cells: readonly number[], pretence: Pretence): Answer {
  const blank = question.blank === true;
  const r = cells.map(() => group.randomScalar(random));
  const randomness = (at: number) => r[at] ?? group.zero;
  const choices = cells.map((m, at): Ciphertext => {
    const masked = group.multiply(randomness(at), y);
    const message = raised(m);
    return {
      alpha: group.multiplyBase(randomness(at)),
      beta: message === undefined ? masked : group.add(masked, message),
    };
  });
  const individualProofs = choices.map((ciphertext, at) =>
    proveOneOf(
      y,
      [0, 1].map((m): Claim => ({ ciphertext, message: raised(m) })),
      Math.min(cells[at] ?? 0, 1),
      randomness(at),
      (commitments) => `prove|${CONTEXT}|${ciphertextText(ciphertext)}|${commitments}`,
      random,
    ),
  );
  const statement = `${CONTEXT}|${choices.map(ciphertextText).join(',')}`;
  const sum = sumCiphertexts(choices.slice(blank ? 1 : 0));
  const sumRandomness = group.sumScalars(r.slice(blank ? 1 : 0));
  const sumClaims = Array.from({ length: question.max - question.min + 1 }, (_, i): Claim => ({
    ciphertext: sum,
    message: raised(question.min + i),
  }));
  if (!blank) {
    const hashed = (commitments: string) => `prove|${statement}|${ciphertextText(sum)}|${commitments}`;
    const overallProof = proveOneOf(y, sumClaims, pretence.overall, sumRandomness, hashed, random);
    return { choices, individualProofs, overallProof };
  }
  const [first] = choices;
  assert.ok(first !== undefined);
  const blankProof = proveOneOf(
    y,
    [
      { ciphertext: first, message: undefined },
      { ciphertext: sum, message: undefined },
    ],
    pretence.blank,
    pretence.blank === 0 ? randomness(0) : sumRandomness,
    (commitments) => `bproof0|${statement}|${commitments}`,
    random,
  );
  const overallProof = proveOneOf(
    y,
    [{ ciphertext: first, message: group.generator }, ...sumClaims],
    pretence.overall,
    pretence.overall === 0 ? randomness(0) : sumRandomness,
    (commitments) => `bproof1|${statement}|${commitments}`,
    random,
  );
  return { choices, individualProofs, overallProof, blankProof };
}

const verdict = (question: Question, answer: Answer) =>
  verifyAnswer(y, prepareQuestion(question), CONTEXT, answer);

const OPEN: Question = { answers: ['a', 'b', 'c'], min: 1, max: 2, question: '?' };
const BLANK: Question = { ...OPEN, blank: true };

describe('proofs of false statements', () => {
  it('fail where the same prover, telling the truth, succeeds', () => {
    assert.ok(verdict(OPEN, answerOf(OPEN, [1, 0, 1], { blank: 0, overall: 1 })).ok);
    assert.ok(verdict(BLANK, answerOf(BLANK, [0, 1, 0, 1], { blank: 0, overall: 2 })).ok);
    assert.ok(verdict(BLANK, answerOf(BLANK, [1, 0, 0, 0], { blank: 1, overall: 0 })).ok);
  });

  it('fail for a cell that is neither 0 nor 1, though the sum is right', () => {
    const refusal = errorOf(verdict(OPEN, answerOf(OPEN, [0, 2, 0], { blank: 0, overall: 1 })));
    assert.match(refusal, /cell 2 is 0 or 1/);
  });

  it('fail for any number of selections that is not allowed, whatever the prover pretends', () => {
    fc.assert(
      fc.property(fc.constantFrom([0, 0, 0], [1, 1, 1]), fc.integer({ min: 0, max: 1 }), (cells, overall) => {
        assert.match(
          errorOf(verdict(OPEN, answerOf(OPEN, cells, { blank: 0, overall }))),
          /overall proof does not hold/,
        );
      }),
      { numRuns: 8 },
    );
  });

  it('fail for a blank vote with selections', () => {
    for (const blank of [0, 1]) {
      const refusal = errorOf(verdict(BLANK, answerOf(BLANK, [1, 0, 1, 0], { blank, overall: 0 })));
      assert.match(refusal, /blank_proof does not hold/);
    }
  });

  it('fail for every vote that is none, of any numbers in the cells, and for no other', () => {
    const numbers = fc.constantFrom(0, 1, 1, 0, 2, -1);
    const cases = fc.record({
      question: fc.constantFrom(OPEN, BLANK, { ...OPEN, min: 0, max: 1 }, { ...BLANK, min: 0, max: 0 }),
      first: numbers,
      rest: fc.tuple(numbers, numbers, numbers),
      pretence: fc.record({ blank: fc.nat(1), overall: fc.nat(2) }),
    });
    fc.assert(
      fc.property(cases, ({ question, first, rest, pretence }) => {
        const cells = question.blank === true ? [first, ...rest] : rest;
        const selections = rest.reduce<number>((sum, one) => sum + one, 0);
        const isBlank = question.blank === true && first === 1;
        const isVote =
          cells.every((cell) => cell === 0 || cell === 1) &&
          (isBlank ? selections === 0 : selections >= question.min && selections <= question.max);
        // Of a vote, the honest prover's choice; of anything else, any.
        const place = selections - question.min;
        const honest =
          question.blank === true
            ? { blank: isBlank ? 1 : 0, overall: isBlank ? 0 : place + 1 }
            : { blank: 0, overall: place };
        const answer = answerOf(question, cells, isVote ? honest : pretence);
        assert.equal(verdict(question, answer).ok, isVote);
      }),
      { numRuns: 60 },
    );
  });

  it('fail for a decryption with another secret than that of the key, in the factor or in the proof', () => {
    const [secret, other] = [group.randomScalar(random), group.randomScalar(random)];
    const key = group.multiplyBase(secret);
    const alpha = group.multiplyBase(group.randomScalar(random));
    const tally = [[{ alpha, beta: group.generator }]];
    const [honest, lying] = [secret, other].map((one) => decryptPartially('phi', one, tally, random));
    assert.ok(honest !== undefined && lying !== undefined);
    const holds = (decryption: PartialDecryption) =>
      verifyPartialDecryption('phi', key, tally, decryption).ok;
    assert.ok(holds(honest));
    assert.ok(!holds(lying));
    assert.ok(!holds({ ...honest, decryptionFactors: lying.decryptionFactors }));
    assert.ok(!holds({ ...lying, decryptionFactors: honest.decryptionFactors }));
    assert.ok(!verifyPartialDecryption('another', key, tally, honest).ok);
  });

  it("fail for a trustee's key whose secret its owner does not know", () => {
    const known = generateTrustee(random).publicKey;
    const sum = group.add(known.publicKey, group.generator);
    assert.ok(verifyTrustees([{ kind: 'Single', key: known }]).ok);
    assert.ok(!verifyTrustees([{ kind: 'Single', key: { ...known, publicKey: sum } }]).ok);
  });

  it('fail for a vote that is neither blank nor has enough selections', () => {
    for (const overall of [0, 1, 2]) {
      const refusal = errorOf(verdict(BLANK, answerOf(BLANK, [0, 0, 0, 0], { blank: 0, overall })));
      assert.match(refusal, /overall proof does not hold/);
    }
  });

  it('fail under another key and in another context', () => {
    const answer = answerOf(OPEN, [1, 0, 0], { blank: 0, overall: 0 });
    const prepared = prepareQuestion(OPEN);
    assert.ok(verifyAnswer(y, prepared, CONTEXT, answer).ok);
    assert.ok(!verifyAnswer(group.generator, prepared, CONTEXT, answer).ok);
    assert.ok(!verifyAnswer(y, prepared, 'phi|another', answer).ok);
  });

  it('fail for a question with other bounds', () => {
    const answer = answerOf(OPEN, [1, 0, 0], { blank: 0, overall: 0 });
    for (const bounds of [
      { min: 0, max: 1 },
      { min: 2, max: 3 },
      { min: 1, max: 3 },
    ])
      assert.ok(!verdict({ ...OPEN, ...bounds }, answer).ok);
  });
});
