import * as z from 'zod';
import { unusable } from '../../base/errors.ts';
import type { Question } from '../../election/entries.ts';
import { MAX_ANSWERS, MAX_QUESTIONS, MAX_TEXT_BYTES } from '../../election/limits.ts';
import { firstIssue, questionSchema } from '../../election/schemas.ts';
import { linesOf, throwProblems } from '../text-file.ts';

/** Reads a list of candidates, one name a line. Throws `bad-candidates` with every fault and its line. */
export function parseCandidates(text: string, path: string): string[] {
  const problems: string[] = [];
  const lines = new Map<string, number>();
  for (const { number, text: line } of linesOf(text)) {
    const name = line.normalize('NFC');
    const twin = lines.get(name);
    if (twin !== undefined) problems.push(`Lines ${twin} and ${number}: "${name}" is there twice.`);
    else lines.set(name, number);
    if (/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(name))
      problems.push(`Line ${number}: a control character in the name.`);
    if (Buffer.byteLength(name) > MAX_TEXT_BYTES)
      problems.push(`Line ${number}: longer than ${MAX_TEXT_BYTES} bytes.`);
  }
  if (lines.size === 0) problems.push('It holds no candidate; write one name a line.');
  if (lines.size > MAX_ANSWERS)
    problems.push(`It holds ${lines.size} candidates; ${MAX_ANSWERS} are possible.`);
  throwProblems('bad-candidates', path, problems);
  return [...lines.keys()];
}

/** One question as a questions file has it; `min` and `max` are 1 and `blank` is false unless given. */
const fileQuestionSchema = z.strictObject({
  question: z.string(),
  answers: z.array(z.string()),
  min: z.number().default(1),
  max: z.number().default(1),
  blank: z.boolean().default(false),
});

/** Shown in `--help`; a test reads it with `parseQuestions`. */
export const QUESTIONS_EXAMPLE = `[
  { "question": "Who should chair the committee?", "answers": ["Ada", "Grace"], "blank": true },
  { "question": "Which two events?", "answers": ["Hike", "Quiz", "Film"], "min": 1, "max": 2 }
]`;

/** Reads a questions file: a JSON array as in `QUESTIONS_EXAMPLE`. Throws `bad-questions` with every fault. */
export function parseQuestions(text: string, path: string): Question[] {
  const list = parseJson(text, path);
  if (!Array.isArray(list))
    throw unusable('bad-questions', `${path} is not a JSON array of questions.`, { hint: EXAMPLE_HINT });
  if (list.length === 0)
    throw unusable('bad-questions', `${path} holds no question.`, { hint: EXAMPLE_HINT });
  if (list.length > MAX_QUESTIONS)
    throw unusable('bad-questions', `${path} holds ${list.length} questions; ${MAX_QUESTIONS} are possible.`);
  const problems: string[] = [];
  const questions = list.flatMap((item: unknown, index) => {
    const read = fileQuestionSchema.safeParse(item);
    const question = read.success ? checkQuestion(read.data) : firstIssue(read.error);
    if (typeof question !== 'string') return [question];
    problems.push(`Question ${index + 1}: ${question}.`);
    return [];
  });
  throwProblems('bad-questions', path, problems);
  return questions;
}

const EXAMPLE_HINT = 'Run "admin init --help" for an example.';

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // JSON.parse throws only where the text is not JSON.
    throw unusable('bad-questions', `${path} is not JSON: ${(error as Error).message}.`, {
      hint: EXAMPLE_HINT,
      cause: error,
    });
  }
}

/** The question in the one form that the log takes, or what is wrong with it. */
function checkQuestion(given: z.infer<typeof fileQuestionSchema>): Question | string {
  const tidy = (text: string) => text.trim().normalize('NFC');
  const question = {
    ...given,
    question: tidy(given.question),
    answers: given.answers.map(tidy),
    method: 'count',
  };
  const checked = questionSchema.safeParse(question);
  return checked.success ? checked.data : firstIssue(checked.error);
}

/** What the command line says of a single question. */
export interface QuestionOptions {
  readonly question: string;
  readonly min: number;
  readonly max: number;
  readonly blank: boolean;
}

/** The question over a list of candidates. Throws `bad-questions`. */
export function questionOver(candidates: readonly string[], options: QuestionOptions): Question {
  const question = checkQuestion({ ...options, answers: [...candidates] });
  if (typeof question === 'string') {
    throw unusable('bad-questions', `The question can't be asked: ${question}.`, {
      hint: 'Check --question, --min and --max against the number of candidates.',
    });
  }
  return question;
}
