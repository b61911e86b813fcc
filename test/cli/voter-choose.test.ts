import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PsephosError } from '#src/base/errors.js';
import { parseChoices } from '#src/cli/voter/choose.js';
import { choiceProblems } from '#src/election/choices.js';
import type { Question } from '#src/election/entries.js';

const question = (answers: readonly string[], rest: Partial<Question> = {}): Question => ({
  question: 'Which?',
  answers,
  min: 1,
  max: 1,
  blank: true,
  method: 'count',
  ...rest,
});

const fails = (kind: 'usage' | 'refused', message: RegExp) => (error: unknown) =>
  error instanceof PsephosError &&
  error.kind === kind &&
  error.code === 'bad-choice' &&
  message.test(`${error.message} ${error.hint ?? ''}`);

const ONE = [question(['Ana', 'Ben', 'Cho, Dee', 'Éva'])];
const MANY = [question(['Ana', 'Ben', 'Cho, Dee', 'Éva'], { min: 0, max: 3 })];

describe('--choose', () => {
  it('takes an answer by its text or its number', () => {
    assert.deepEqual(parseChoices(['Ben'], ONE), [[1]]);
    assert.deepEqual(parseChoices(['2'], ONE), [[1]]);
    assert.deepEqual(parseChoices(['#2'], ONE), [[1]]);
    assert.deepEqual(parseChoices(['Cho, Dee'], ONE), [[2]]);
    assert.deepEqual(parseChoices(['  Ana '], ONE), [[0]]);
    assert.deepEqual(parseChoices(['E\u0301va'], ONE), [[3]], 'whatever form of Unicode the terminal sends');
  });

  it('takes several as a list, or one by one, in any order', () => {
    assert.deepEqual(parseChoices(['4,1'], MANY), [[0, 3]]);
    assert.deepEqual(parseChoices(['Éva, Ana'], MANY), [[0, 3]]);
    assert.deepEqual(parseChoices(['Cho, Dee', 'Ana'], MANY), [[0, 2]]);
    assert.deepEqual(parseChoices(['1=3', '1=Ana'], MANY), [[0, 2]]);
  });

  it('takes a blank vote and no answer apart', () => {
    assert.deepEqual(parseChoices(['blank'], MANY), [null]);
    assert.deepEqual(parseChoices(['none'], MANY), [[]]);
    assert.throws(() => parseChoices(['blank', 'Ana'], MANY), fails('usage', /stand alone/));
    assert.throws(() => parseChoices(['blank,none'], MANY), fails('usage', /stand alone/));
  });

  it('goes by order or by number where there are several questions', () => {
    const questions = [question(['yes', 'no']), question(['a', 'b', 'c'], { max: 2 })];
    assert.deepEqual(parseChoices(['no', 'a,c'], questions), [[1], [0, 2]]);
    assert.deepEqual(parseChoices(['2=a', '1=blank', '2=3'], questions), [null, [0, 2]]);
    assert.throws(() => parseChoices(['no'], questions), fails('usage', /1 --choose given for 2 questions/));
    assert.throws(() => parseChoices(['no', 'a', 'c'], questions), fails('usage', /3 --choose given for 2/));
    assert.throws(
      () => parseChoices(['1=no', 'a'], questions),
      fails('usage', /does not say for which question/),
    );
    assert.throws(() => parseChoices(['1=no'], questions), fails('usage', /no --choose for question 2/i));
    assert.throws(() => parseChoices(['3=no', '1=no'], questions), fails('usage', /no question 3/));
  });

  it('refuses what can be read in two ways, and says how to write either', () => {
    const numbers = [question(['3', '2', '1'], { max: 3 })];
    assert.throws(
      () => parseChoices(['3'], numbers),
      fails('usage', /"1=#1" for answer 1, or "1=#3" for answer 3/),
    );
    assert.throws(() => parseChoices(['2,3'], numbers), fails('usage', /two ways/));
    assert.deepEqual(parseChoices(['2'], numbers), [[1]], 'both readings are the same answer');
    assert.deepEqual(parseChoices(['#3'], numbers), [[2]]);
    const blank = [question(['blank', 'x'])];
    assert.throws(
      () => parseChoices(['blank'], blank),
      fails('usage', /"1=#1" for answer 1, or "1=#blank" for blank/),
    );
    assert.deepEqual(parseChoices(['#blank'], blank), [null]);
    const commas = [question(['a', 'b', 'a,b'], { max: 2 })];
    assert.throws(
      () => parseChoices(['a,b'], commas),
      fails('usage', /"1=#3" for answer 3, or one --choose for each/),
    );
    assert.deepEqual(parseChoices(['a', 'b'], commas), [[0, 1]]);
    assert.deepEqual(parseChoices(['#3'], commas), [[2]]);
    const hashes = [question(['x', '#1', '1=x'])];
    assert.throws(
      () => parseChoices(['#1'], hashes),
      fails('usage', /"1=#2" for answer 2, or "1=#1" for answer 1/),
    );
    assert.deepEqual(parseChoices(['1=#1'], hashes), [[0]]);
    assert.throws(
      () => parseChoices(['1=x'], hashes),
      fails('usage', /Write "1=#3" for the answer of that text/),
    );
  });

  it('names what is no answer, and what it may have meant', () => {
    assert.throws(() => parseChoices(['Zoe'], ONE), fails('usage', /no answer "Zoe".*numbered 1 to 4/));
    assert.throws(() => parseChoices(['5'], ONE), fails('usage', /no answer "5"/));
    assert.throws(() => parseChoices(['0'], ONE), fails('usage', /no answer "0"/));
    assert.throws(() => parseChoices([''], ONE), fails('usage', /no answer ""/));
    assert.throws(() => parseChoices(['#'], ONE), fails('usage', /no answer "#"/));
    assert.throws(() => parseChoices(['ben'], ONE), fails('usage', /Did you mean "Ben"/));
    assert.throws(
      () => parseChoices(['Cho, Dee, Ana'], MANY),
      fails('usage', /comma in it gets a --choose of its own/),
    );
  });

  it('refuses votes that the question does not allow', () => {
    assert.throws(() => parseChoices(['1,2'], ONE), fails('refused', /2 chosen, at most 1 allowed/));
    assert.throws(() => parseChoices(['1,2,3,4'], MANY), fails('refused', /4 chosen, at most 3/));
    assert.throws(() => parseChoices(['none'], ONE), fails('refused', /0 chosen, at least 1/));
    assert.throws(
      () => parseChoices(['blank'], [question(['a'], { blank: false })]),
      fails('refused', /blank vote is not allowed/),
    );
    assert.throws(() => parseChoices(['1,1'], MANY), fails('usage', /chosen twice/));
  });

  const answersOf = fc.uniqueArray(
    fc
      .oneof(
        fc.string({ minLength: 1, maxLength: 8 }),
        fc.constantFrom('1', '2', '3', 'blank', 'none', '#1', '1=2', 'a,b', 'a', 'b', '1,2', ','),
      )
      .map((text) => text.normalize('NFC')),
    { minLength: 1, maxLength: 6 },
  );
  const questionOf = answersOf.chain((answers) =>
    fc
      .record({ min: fc.integer({ min: 0, max: answers.length }), blank: fc.boolean() })
      .chain(({ min, blank }) =>
        fc
          .integer({ min: Math.max(1, min), max: answers.length })
          .map((max) => question(answers, { min, max, blank })),
      ),
  );

  it('can express every valid vote, whatever the answers are called', () => {
    const ballot = fc.array(questionOf, { minLength: 1, maxLength: 3 }).chain((questions) =>
      fc.tuple(
        fc.constant(questions),
        fc.tuple(
          ...questions.map((one) =>
            fc.oneof(
              fc
                .uniqueArray(fc.nat(one.answers.length - 1), { minLength: one.min, maxLength: one.max })
                .filter((picks) => picks.length >= one.min),
              ...(one.blank ? [fc.constant(null)] : []),
            ),
          ),
        ),
      ),
    );
    fc.assert(
      fc.property(ballot, ([questions, choices]) => {
        const sorted = choices.map((choice) => (choice === null ? null : [...choice].sort((a, b) => a - b)));
        const values = choices.map((choice, at) => {
          const value =
            choice === null
              ? '#blank'
              : choice.length === 0
                ? '#none'
                : choice.map((pick) => `#${pick + 1}`).join(',');
          return `${at + 1}=${value}`;
        });
        assert.deepEqual(parseChoices(values, questions), sorted);
      }),
    );
  });

  it('never takes a text for another answer, and yields valid votes or a usage error only', () => {
    const value = fc.oneof(
      fc.string({ maxLength: 10 }),
      fc.constantFrom('1', '#1', 'blank', 'none', '1,2', 'a,b', 'a', '1=a', '#blank'),
    );
    fc.assert(
      fc.property(
        fc.array(questionOf, { minLength: 1, maxLength: 3 }),
        fc.array(value, { maxLength: 3 }),
        (questions, values) => {
          try {
            assert.deepEqual(choiceProblems(parseChoices(values, questions), questions), []);
          } catch (error) {
            assert.ok(error instanceof PsephosError && error.code === 'bad-choice', String(error));
          }
        },
      ),
    );
    fc.assert(
      fc.property(answersOf, fc.nat(5), (answers, nth) => {
        const at = nth % answers.length;
        const text = answers[at] as string;
        fc.pre(!/^[0-9]+=#/.test(text));
        try {
          assert.deepEqual(parseChoices([text], [question(answers)]), [[at]]);
        } catch (error) {
          assert.ok(error instanceof PsephosError, String(error));
        }
      }),
    );
  });
});
