import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Choice } from '#src/belenios/v1/answer.js';
import { ballotContext, sealBallot } from '#src/belenios/v1/ballot.js';
import { scalarOfSeed } from '#src/crypto/group/seed.js';
import { ballotJudge } from '#src/belenios/v1/audit/ballot-judge.js';
import type { AuditCryptography } from '#src/belenios/v1/audit/cryptography.js';
import { cryptography } from '#src/belenios/v1/cryptography.js';
import { decryptPartially } from '#src/belenios/v1/decryption.js';
import { decodeBallot, encodeBallot } from '#src/belenios/v1/encoding/ballot.js';
import { encodeElection } from '#src/belenios/v1/encoding/election.js';
import { electionHash } from '#src/belenios/v1/encoding/hashes.js';
import { encodeEncryptedTally } from '#src/belenios/v1/encoding/tally.js';
import type { Ciphertext, Election, Question } from '#src/belenios/v1/messages.js';
import { judgeDecryptions, openTally } from '#src/belenios/v1/opening.js';
import { TallySum } from '#src/belenios/v1/tally.js';
import { generateTrustee } from '#src/belenios/v1/trustees.js';
import { group } from '#src/crypto/group/group.js';
import { platformRandom as random } from '#src/services/platform-random.js';
import { testSeed } from '../../support/temp-election.ts';
import { valueOf } from '../../support/results.ts';
import { referenceCryptography as reference } from '../audit/reference-cryptography.ts';

const question = fc
  .record({
    answers: fc.integer({ min: 1, max: 3 }),
    blank: fc.boolean(),
    bounds: fc.tuple(fc.nat(3), fc.nat(3)),
  })
  .map(({ answers, blank, bounds }): Question => {
    const [min = 0, max = 0] = bounds.map((bound) => Math.min(bound, answers)).sort((a, b) => a - b);
    const named = Array.from({ length: answers }, (_, index) => `answer ${index}`);
    return { answers: named, ...(blank ? { blank } : {}), min, max, question: 'Which?' };
  });

function choiceFor({ answers, blank, min, max }: Question): fc.Arbitrary<Choice> {
  const chosen = fc.subarray([...answers.keys()], { minLength: min, maxLength: max });
  return blank === true ? fc.oneof(chosen, fc.constant(null)) : chosen;
}

const VOTERS = 3;

/** Questions, the voters' weights, and votes in the order of casting, of which a voter's last one counts. */
const elections = fc.array(question, { minLength: 1, maxLength: 2 }).chain((questions) =>
  fc.record({
    questions: fc.constant(questions),
    weights: fc.array(fc.oneof(fc.constant(1n), fc.bigInt({ min: 1n, max: 400n })), {
      minLength: VOTERS,
      maxLength: VOTERS,
    }),
    votes: fc.array(
      fc.record({ voter: fc.nat(VOTERS - 1), choices: fc.tuple(...questions.map(choiceFor)) }),
      { maxLength: 6 },
    ),
  }),
);

function electionOf(questions: readonly Question[]) {
  const trustee = generateTrustee(random);
  const { publicKey } = trustee.publicKey;
  const election: Election = { description: '', name: 'Board', publicKey, questions, uuid: 'AbcdefGhijkLmn' };
  const text = encodeElection(election);
  return { trustee, election, text, hash: electionHash(text) };
}

/** What the votes give when nobody hides them. */
function plainCount(
  questions: readonly Question[],
  counting: ReadonlyMap<number, readonly Choice[]>,
  weights: readonly bigint[],
): bigint[][] {
  return questions.map(({ answers, blank }, at) => {
    const sum = (counts: (choice: Choice) => boolean) =>
      [...counting].reduce(
        (total, [voter, choices]) => total + (counts(choices[at] ?? null) ? (weights[voter] ?? 0n) : 0n),
        0n,
      );
    const cells = answers.map((_, index) => sum((choice) => choice?.includes(index) === true));
    return blank === true ? [sum((choice) => choice === null), ...cells] : cells;
  });
}

type Cells = readonly (readonly Ciphertext[])[];

describe('whole elections with sealed ballots', () => {
  it('give what the votes give in the open, whichever way they are added up', () => {
    fc.assert(
      fc.property(elections, ({ questions, weights, votes }) => {
        const { trustee, election, text, hash } = electionOf(questions);
        const context = ballotContext(election, hash);
        const judge = valueOf(ballotJudge(text, cryptography));
        const weightOf = (voter: number) => weights[voter] ?? 0n;
        const changing = new TallySum(election);
        const counting = new Map<number, readonly Choice[]>();
        const cells = new Map<number, Cells>();
        for (const { voter, choices } of votes) {
          const { ballot } = sealBallot(context, scalarOfSeed(testSeed(voter)), choices, random);
          const judged = valueOf(judge(encodeBallot(ballot)));
          const before = cells.get(voter);
          if (before !== undefined) changing.remove(before, weightOf(voter));
          changing.add(judged.choices, weightOf(voter));
          cells.set(voter, judged.choices);
          counting.set(voter, choices);
        }
        const tally = changing.value();
        const last = [...cells].map(([voter, choices]) => ({ choices, weight: weightOf(voter) }));
        for (const by of [cryptography, reference])
          assert.equal(encodeEncryptedTally(by.encryptedTally(election, last)), encodeEncryptedTally(tally));

        const decryption = decryptPartially(hash, trustee.secret, tally, random);
        const keys = [trustee.publicKey.publicKey];
        const { factors, ignored } = judgeDecryptions(hash, keys, tally, [{ owner: 1, decryption }]);
        assert.deepEqual(ignored, []);
        const total = last.reduce((sum, { weight }) => sum + weight, 0n);
        const trustees = [{ kind: 'Single', key: trustee.publicKey }] as const;
        const result = valueOf(openTally(trustees, tally, factors, total));
        assert.deepEqual(result, plainCount(questions, counting, weights));
        assert.ok(reference.verifyPartialDecryption(hash, keys[0] ?? group.identity, tally, decryption).ok);
        assert.ok(reference.verifyResult(trustees, tally, [{ owner: 1, decryption }], result).ok);
      }),
      { numRuns: 15 },
    );
  });

  it('have the same ballots for a library of other people, as they are and with any number or point changed', () => {
    const verdict = (by: AuditCryptography, { election, hash }: ReturnType<typeof electionOf>) =>
      by.ballotVerifier(election, hash);
    const cases = fc.record({
      questions: fc.array(question, { minLength: 1, maxLength: 2 }),
      seed: fc.nat(9),
      picks: fc.infiniteStream(fc.nat(1000)),
    });
    fc.assert(
      fc.property(
        cases.chain(({ questions, seed, picks }) =>
          fc.record({
            questions: fc.constant(questions),
            seed: fc.constant(seed),
            picks: fc.constant(picks),
            choices: fc.tuple(...questions.map(choiceFor)),
          }),
        ),
        ({ questions, seed, picks, choices }) => {
          const place = electionOf(questions);
          const context = ballotContext(place.election, place.hash);
          const { ballot } = sealBallot(context, scalarOfSeed(testSeed(seed)), choices, random);
          const [ours, theirs] = [verdict(cryptography, place), verdict(reference, place)];
          assert.ok(ours(ballot).ok);
          assert.ok(theirs(ballot).ok);
          // Another number or point of the same ballot in the place of one: both still read it, and refuse it.
          const text = encodeBallot(ballot);
          for (const pattern of [/"(\d{60,})"/g, /"([0-9a-f]{64})"/g]) {
            const found = [...text.matchAll(pattern)];
            const pick = () => found[(picks.next().value ?? 0) % found.length];
            const [to, from] = [pick(), pick()?.[1]];
            if (to === undefined || from === undefined || to[1] === from) continue;
            const changed = text.slice(0, to.index + 1) + from + text.slice(to.index + to[0].length - 1);
            const read = decodeBallot(changed);
            if (!read.ok) continue;
            assert.deepEqual([ours(read.value).ok, theirs(read.value).ok], [false, false], changed);
          }
        },
      ),
      { numRuns: 15 },
    );
  });
});
