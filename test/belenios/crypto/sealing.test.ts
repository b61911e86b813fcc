import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { group, scalarFromBigInt } from '#src/crypto/group/group.js';
import { type Choice, recomputeChoices } from '#src/belenios/v1/answer.js';
import { ballotContext, sealBallot, verifyBallot } from '#src/belenios/v1/ballot.js';
import { scalarOfSeed } from '#src/crypto/group/seed.js';
import { combine, decryptPartially, verifyPartialDecryption } from '#src/belenios/v1/decryption.js';
import { DiscreteLog } from '#src/belenios/v1/discrete-log.js';
import { decodeBallot, encodeBallot, hashToSign } from '#src/belenios/v1/encoding/ballot.js';
import { encodeElection } from '#src/belenios/v1/encoding/election.js';
import { electionHash } from '#src/belenios/v1/encoding/hashes.js';
import type { Ballot, Election, Proof, Question } from '#src/belenios/v1/messages.js';
import { TallySum } from '#src/belenios/v1/tally.js';
import { generateTrustee, verifyTrustees } from '#src/belenios/v1/trustees.js';
import { testSeed } from '../../support/temp-election.ts';
import { valueOf } from '../../support/results.ts';

const random = (length: number) => new Uint8Array(randomBytes(length));

function place(questions: readonly Question[], trusteeCount = 1) {
  const keys = Array.from({ length: trusteeCount }, () => generateTrustee(random));
  const trustees = keys.map(({ publicKey }) => ({ kind: 'Single', key: publicKey }) as const);
  const { publicKey } = valueOf(verifyTrustees(trustees));
  const election: Election = {
    description: '',
    name: 'Board',
    publicKey,
    questions,
    uuid: 'AbcdefGhijkLmn',
  };
  const hash = electionHash(encodeElection(election));
  return { keys, trustees, election, hash, context: ballotContext(election, hash) };
}

const question = fc
  .record({ answers: fc.integer({ min: 1, max: 4 }), blank: fc.boolean() })
  .chain(({ answers, blank }) =>
    fc
      .tuple(fc.integer({ min: 0, max: answers }), fc.integer({ min: 0, max: answers }))
      .map(([a, b]): Question => {
        const bounds = { min: Math.min(a, b), max: Math.max(a, b) };
        const named = Array.from({ length: answers }, (_, i) => `answer ${i}`);
        return { answers: named, ...(blank ? { blank } : {}), ...bounds, question: 'Which?' };
      }),
  );

function choiceFor({ answers, blank, min, max }: Question): fc.Arbitrary<Choice> {
  const indexes = answers.map((_, index) => index);
  const chosen = fc
    .subarray(indexes, { minLength: min, maxLength: max })
    .map((some) => some.sort((a, b) => a - b));
  return blank === true ? fc.oneof(chosen, fc.constant(null)) : chosen;
}

/** What a vote adds to each cell. */
function cellsOf({ answers, blank }: Question, choice: Choice): bigint[] {
  const cells = answers.map((_, index) => (choice?.includes(index) === true ? 1n : 0n));
  return blank === true ? [choice === null ? 1n : 0n, ...cells] : cells;
}

const election = fc.array(question, { minLength: 1, maxLength: 2 }).chain((questions) =>
  fc.record({
    questions: fc.constant(questions),
    votes: fc.array(
      fc.record({
        choices: fc.tuple(...questions.map(choiceFor)),
        weight: fc.bigInt({ min: 1n, max: 50n }),
      }),
      { minLength: 0, maxLength: 3 },
    ),
  }),
);

describe('sealed ballots', () => {
  it('decrypt together to the sum of the votes, and to nothing else', () => {
    fc.assert(
      fc.property(election, fc.integer({ min: 1, max: 3 }), ({ questions, votes }, trusteeCount) => {
        const { keys, trustees, election: made, hash, context } = place(questions, trusteeCount);
        const sum = new TallySum(made);
        for (const [index, { choices, weight }] of votes.entries()) {
          const { ballot } = sealBallot(context, scalarOfSeed(testSeed(index)), choices, random);
          assert.deepEqual(verifyBallot(context, ballot), {
            ok: true,
            value: {
              credential: ballot.credential,
              choices: ballot.answers.map((answer) => answer.choices),
            },
          });
          const text = encodeBallot(ballot);
          assert.equal(hashToSign(text), ballot.signature.hash);
          assert.equal(encodeBallot(valueOf(decodeBallot(text))), text);
          sum.add(
            ballot.answers.map((answer) => answer.choices),
            weight,
          );
        }
        const tally = sum.value();
        const factors = new Map(
          keys.map(({ secret, publicKey }, index) => {
            const partial = decryptPartially(hash, secret, tally, random);
            assert.ok(verifyPartialDecryption(hash, publicKey.publicKey, tally, partial).ok);
            return [index + 1, partial.decryptionFactors];
          }),
        );
        const total = votes.reduce((all, { weight }) => all + weight, 0n);
        const log = new DiscreteLog(total);
        const result = valueOf(combine(trustees, tally, factors)).map((row) =>
          row.map((point) => log.solve(point)),
        );
        const expected = questions.map((one, at) =>
          cellsOf(one, null).map((_, cell) =>
            votes.reduce(
              (all, { choices, weight }) => all + weight * (cellsOf(one, choices[at] as Choice)[cell] ?? 0n),
              0n,
            ),
          ),
        );
        assert.deepEqual(result, expected);
        factors.delete(1);
        assert.ok(!combine(trustees, tally, factors).ok);
      }),
      { numRuns: 12 },
    );
  });

  const QUESTIONS: readonly Question[] = [
    { answers: ['a', 'b', 'c'], blank: true, min: 1, max: 2, question: 'Which two?' },
    { answers: ['x', 'y'], min: 1, max: 1, question: 'Which one?' },
  ];
  const here = place(QUESTIONS);
  const secret = scalarOfSeed(testSeed(1));
  const sealed = sealBallot(here.context, secret, [[0, 2], [1]], random);

  it('are refused with any of their proofs or numbers changed', () => {
    const { ballot } = sealed;
    const altered = (proof: Proof): Proof => ({
      ...proof,
      response: group.addScalars(proof.response, group.one),
    });
    const [first, second] = ballot.answers;
    assert.ok(first !== undefined && second !== undefined);
    const [cell] = first.choices;
    assert.ok(cell !== undefined && first.blankProof !== undefined);
    const withFirst = (change: object): Ballot => ({ ...ballot, answers: [{ ...first, ...change }, second] });
    const bad: Ballot[] = [
      ...first.individualProofs.flatMap((proofs, at) =>
        proofs.map((_, part) =>
          withFirst({
            individualProofs: first.individualProofs.map((own, i) =>
              i === at ? own.map((one, j) => (j === part ? altered(one) : one)) : own,
            ),
          }),
        ),
      ),
      ...first.overallProof.map((_, part) =>
        withFirst({ overallProof: first.overallProof.map((one, j) => (j === part ? altered(one) : one)) }),
      ),
      ...first.blankProof.map((_, part) =>
        withFirst({ blankProof: first.blankProof?.map((one, j) => (j === part ? altered(one) : one)) }),
      ),
      withFirst({
        choices: [{ ...cell, beta: group.add(cell.beta, group.generator) }, ...first.choices.slice(1)],
      }),
      withFirst({ choices: first.choices.toReversed() }),
      withFirst({ overallProof: first.overallProof.slice(1) }),
      withFirst({ individualProofs: first.individualProofs.slice(1) }),
      { ...ballot, answers: [second, first] },
      { ...ballot, answers: [first] },
      { ...ballot, answers: [first, second, second] },
      { ...ballot, signature: { ...ballot.signature, proof: altered(ballot.signature.proof) } },
      { ...ballot, credential: group.multiplyBase(scalarOfSeed(testSeed(2))) },
      { ...ballot, electionUuid: 'another1234567' },
    ];
    for (const [index, one] of bad.entries())
      assert.ok(!verifyBallot(here.context, one).ok, `change ${index}`);
    const { choices, individualProofs, overallProof } = first;
    const withoutBlank = { choices, individualProofs, overallProof };
    assert.ok(!verifyBallot(here.context, { ...ballot, answers: [withoutBlank, second] }).ok);
  });

  it('are refused in another election, even with the same questions and key', () => {
    const other = ballotContext(here.election, electionHash('another text'));
    assert.ok(!verifyBallot(other, { ...sealed.ballot, electionHash: other.electionHash }).ok);
  });

  it('are not made for what is no valid vote', () => {
    const bad: readonly (readonly Choice[])[] = [
      [[], [0]],
      [[0, 1, 2], [0]],
      [[3], [0]],
      [[0, 0], [0]],
      [[0], null],
      [[0]],
    ];
    for (const choices of bad)
      assert.throws(() => sealBallot(here.context, secret, choices, random), RangeError);
  });

  it('can be opened by whoever has their randomness, and by nobody else', () => {
    const [prepared] = here.context.questions;
    const [randomness] = sealed.randomness;
    const [answer] = sealed.ballot.answers;
    assert.ok(prepared !== undefined && randomness !== undefined && answer !== undefined);
    const recomputed = (choice: Choice) =>
      recomputeChoices(here.election.publicKey, prepared, choice, randomness);
    assert.deepEqual(recomputed([0, 2]), answer.choices);
    assert.notDeepEqual(recomputed([0, 1]), answer.choices);
  });

  it('of equal votes have nothing in common but the election and the credential', () => {
    const ballots = Array.from(
      { length: 40 },
      () => sealBallot(here.context, secret, [null, [0]], random).ballot,
    );
    const elements = ballots.flatMap(({ answers }) =>
      answers.flatMap(({ choices, overallProof }) => [
        ...choices.flatMap(({ alpha, beta }) => [alpha, beta]),
        ...overallProof.flatMap(({ challenge, response }) => [challenge, response]),
      ]),
    );
    const texts = new Set(elements.map((bytes) => Buffer.from(bytes).toString('hex')));
    assert.equal(texts.size, elements.length);
    // Each of the low 248 bits of a random point's encoding is set about half of the time: within six standard deviations.
    const points = ballots.flatMap(({ answers }) =>
      answers.flatMap(({ choices }) => choices.flatMap(({ alpha, beta }) => [alpha, beta])),
    );
    const limit = 3 * Math.sqrt(points.length);
    for (let bit = 0; bit < 248; bit++) {
      const set = points.filter((bytes) => (((bytes[bit >> 3] as number) >> (bit & 7)) & 1) === 1).length;
      assert.ok(
        Math.abs(set - points.length / 2) < limit,
        `bit ${bit} is set ${set} times in ${points.length}`,
      );
    }
  });
});

describe('partial decryptions', () => {
  it('are refused for another key, tally or election, and with a factor changed', () => {
    const {
      keys,
      election: made,
      hash,
      context,
    } = place([{ answers: ['a', 'b'], min: 0, max: 2, question: 'Which?' }]);
    const [trustee] = keys;
    assert.ok(trustee !== undefined);
    const sum = new TallySum(made);
    const { ballot } = sealBallot(context, scalarOfSeed(testSeed(3)), [[0]], random);
    sum.add(
      ballot.answers.map((answer) => answer.choices),
      1n,
    );
    const tally = sum.value();
    const partial = decryptPartially(hash, trustee.secret, tally, random);
    const key = trustee.publicKey.publicKey;
    assert.ok(verifyPartialDecryption(hash, key, tally, partial).ok);
    assert.ok(!verifyPartialDecryption('x', key, tally, partial).ok);
    assert.ok(!verifyPartialDecryption(hash, group.generator, tally, partial).ok);
    assert.ok(!verifyPartialDecryption(hash, key, new TallySum(made).value(), partial).ok);
    const factors = partial.decryptionFactors.map((row) =>
      row.map((point) => group.add(point, group.generator)),
    );
    assert.ok(!verifyPartialDecryption(hash, key, tally, { ...partial, decryptionFactors: factors }).ok);
    assert.ok(!verifyPartialDecryption(hash, key, tally, { ...partial, decryptionFactors: [] }).ok);
  });
});

describe('a discrete logarithm', () => {
  const log = new DiscreteLog(10_000_000n);

  it('is found up to the bound, and not beyond', () => {
    for (const m of [0n, 1n, 3162n, 3163n, 9_999_999n, 10_000_000n])
      assert.equal(log.solve(group.multiplyBase(scalarFromBigInt(m))), m);
    assert.equal(log.solve(group.multiplyBase(scalarFromBigInt(10_000_001n))), undefined);
    assert.equal(log.solve(group.multiplyBase(scalarFromBigInt(-1n))), undefined);
  });
});
