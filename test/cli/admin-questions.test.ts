import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PsephosError } from '#src/base/errors.js';
import {
  QUESTIONS_EXAMPLE,
  parseCandidates,
  parseQuestions,
  questionOver,
} from '#src/cli/admin/questions-file.js';
import { questionsSchema } from '#src/election/schemas.js';

describe('a candidates file', () => {
  it('has one name a line, however lines end', () => {
    assert.deepEqual(parseCandidates('Ada\r\nGrace\r\n\r\n  Zoe\u0308  \n', 'c'), [
      'Ada',
      'Grace',
      'Zo\u00eb',
    ]);
  });

  it('may have commas and quotes in names', () => {
    assert.deepEqual(parseCandidates('Lovelace, Ada\n"Amazing" Grace\n', 'c'), [
      'Lovelace, Ada',
      '"Amazing" Grace',
    ]);
  });

  it('is refused when it is empty', () => {
    for (const text of ['', '\n\n', '  \r\n'])
      assert.throws(() => parseCandidates(text, 'c.txt'), /c\.txt can't be used:\n {2}It holds no candidate/);
  });

  it('is refused with both lines where a name is there twice', () => {
    assert.throws(() => parseCandidates('Ada\nGrace\n Ada\n', 'c'), /Lines 1 and 3: "Ada" is there twice/);
    assert.throws(() => parseCandidates('Zo\u00eb\nZoe\u0308\n', 'c'), /Lines 1 and 2: "Zoë"/);
  });

  it('is refused with the line of a control character', () => {
    assert.throws(() => parseCandidates('Ada\nGr\u001bace\n', 'c'), /Line 2: a control character/);
  });

  it('is refused beyond a thousand names', () => {
    const text = Array.from({ length: 1001 }, (_, i) => `c${i}`).join('\n');
    assert.throws(() => parseCandidates(text, 'c'), /It holds 1001 candidates; 1000 are possible/);
  });
});

describe('a questions file', () => {
  it('is read as the help shows it, with what it leaves out filled in', () => {
    assert.deepEqual(parseQuestions(QUESTIONS_EXAMPLE, 'q'), [
      {
        question: 'Who should chair the committee?',
        answers: ['Ada', 'Grace'],
        min: 1,
        max: 1,
        blank: true,
        method: 'count',
      },
      {
        question: 'Which two events?',
        answers: ['Hike', 'Quiz', 'Film'],
        min: 1,
        max: 2,
        blank: false,
        method: 'count',
      },
    ]);
  });

  const refusedFiles: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
    'no JSON': ['question: who', /q\.json is not JSON: /],
    'no array': ['{"question": "Who?", "answers": ["a"]}', /not a JSON array of questions/],
    'no question': ['[]', /holds no question/],
    'an unknown field': ['[{"question":"Who?","answers":["a"],"secret":true}]', /Question 1: .*secret/],
    'a question without answers': ['[{"question":"Who?","answers":[]}]', /Question 1: /],
    'a missing field': ['[{"answers":["a"]}]', /Question 1: question: /],
    'an answer that is there twice': [
      '[{"question":"Who?","answers":["a","a"]}]',
      /Question 1: expected answers that differ/,
    ],
    'an answer that is there twice in two normal forms': [
      '[{"question":"Who?","answers":["\u00eb","e\u0308"]}]',
      /answers that differ/,
    ],
    'more choices than answers': [
      '[{"question":"Who?","answers":["a"],"max":2}]',
      /Question 1: expected min ≤ max/,
    ],
    'min above max': ['[{"question":"Who?","answers":["a","b"],"min":2}]', /Question 1: expected min ≤ max/],
    'a fraction': ['[{"question":"Who?","answers":["a","b"],"max":1.5}]', /Question 1: max/],
    'a text for a number': ['[{"question":"Who?","answers":["a","b"],"max":"2"}]', /Question 1: max/],
    'an empty question': ['[{"question":" ","answers":["a"]}]', /Question 1: question/],
    'a control character': ['[{"question":"Who\\u0007?","answers":["a"]}]', /Question 1: question/],
    'more questions than possible': [
      JSON.stringify(new Array(65).fill({ question: 'Q', answers: ['a'] })),
      /65 questions; 64 are possible/,
    ],
  };
  for (const [what, [text, message]] of Object.entries(refusedFiles)) {
    it(`is refused for ${what}`, () => {
      assert.throws(
        () => parseQuestions(text, 'q.json'),
        (error) => error instanceof PsephosError && error.kind === 'usage' && message.test(error.message),
      );
    });
  }

  it('names every faulty question', () => {
    const text =
      '[{"question":"A?","answers":[]},{"question":"B?","answers":["b"]},{"question":"C?","answers":["c"],"max":0}]';
    assert.throws(() => parseQuestions(text, 'q'), /Question 1: .*\n.*Question 3: /s);
  });

  it('yields questions that the log takes, or a refusal in words', () => {
    const question = fc.record(
      {
        question: fc.string(),
        answers: fc.array(fc.string(), { maxLength: 5 }),
        min: fc.integer({ min: -1, max: 6 }),
        max: fc.integer({ min: -1, max: 6 }),
        blank: fc.boolean(),
      },
      { requiredKeys: ['question', 'answers'] },
    );
    fc.assert(
      fc.property(fc.array(question, { minLength: 1, maxLength: 4 }), (list) => {
        try {
          assert.ok(questionsSchema.safeParse(parseQuestions(JSON.stringify(list), 'q')).success);
        } catch (error) {
          assert.ok(error instanceof PsephosError, String(error));
        }
      }),
    );
  });
});

describe('a question over candidates', () => {
  it('is refused where the numbers do not fit them', () => {
    const over = (min: number, max: number) =>
      questionOver(['a', 'b'], { question: 'Who?', min, max, blank: false });
    assert.equal(over(0, 2).max, 2);
    assert.throws(() => over(1, 3), /The question can't be asked: expected min ≤ max/);
    assert.throws(() => over(2, 1), /expected min ≤ max/);
  });
});
