import { refused, unusable } from '../../base/errors.ts';
import { type Choice, choiceProblems } from '../../election/choices.ts';
import type { Question } from '../../election/entries.ts';

/**
 * `--choose` on the command line. A vote must never depend on a guess, so a value that can be read in two ways is
 * refused, naming both. The grammar, for a round with the questions 1 to n:
 *
 *   value := [question "="] choice          "2=Alice": for question 2. Left out, values go to the questions in order;
 *                                            with one question, all of them are for it.
 *   choice := answer | answer "," answer …   several where the question allows; or one `--choose` for each
 *   answer := its text | its number | "blank" | "none" | "#" number | "#blank" | "#none"
 *
 * `2=#3` is the form that is never taken for an answer's text, whatever the answers are called.
 */
const QUESTION_PREFIX = /^([1-9][0-9]{0,3})=(.*)$/s;
const NUMBER = /^[1-9][0-9]{0,3}$/;

/** One thing that a voter can say of a question: an answer's index, a blank vote, or none of the answers. */
type Pick = number | 'blank' | 'none';

/** What was said of one question. */
interface Said {
  readonly text: string;
  /** Whether the question was named, so that "#3" can only be a number. */
  readonly named: boolean;
}

/**
 * Reads the values of `--choose` into one choice per question. Throws `bad-choice`: usage where a value names no answer,
 * or more than one; refused where the answers are clear but no valid vote.
 */
export function parseChoices(values: readonly string[], questions: readonly Question[]): Choice[] {
  const perQuestion = assign(values, questions);
  const choices = questions.map((question, index) => choiceOf(perQuestion[index] ?? [], question, index));
  const problems = choiceProblems(choices, questions);
  if (problems.length > 0) {
    throw refused('bad-choice', `Not a valid vote: ${problems.join('; ')}.`, {
      hint: 'Nothing was cast. Run the program again with other choices.',
    });
  }
  return choices;
}

function assign(values: readonly string[], questions: readonly Question[]): Said[][] {
  const given = values.some((value) => QUESTION_PREFIX.test(value))
    ? assignByNumber(values, questions)
    : assignInOrder(values, questions);
  const missing = given.findIndex((list) => list.length === 0);
  if (missing >= 0) {
    throw badChoice(`no --choose for question ${missing + 1}`, 'Give one, "blank" if you wish and may.');
  }
  return given;
}

function assignInOrder(values: readonly string[], questions: readonly Question[]): Said[][] {
  const said = values.map((text) => ({ text, named: false }));
  if (questions.length === 1) return [said];
  if (values.length === questions.length) return said.map((one) => [one]);
  throw badChoice(
    `${values.length} --choose given for ${questions.length} questions`,
    'Give one for each question, in their order, or say which: --choose "2=…".',
  );
}

function assignByNumber(values: readonly string[], questions: readonly Question[]): Said[][] {
  const given = questions.map((): Said[] => []);
  for (const value of values) {
    const [, number, text] = QUESTION_PREFIX.exec(value) ?? [];
    if (number === undefined || text === undefined) {
      throw badChoice(
        `--choose "${value}" does not say for which question, while another one does`,
        'Write all of them as "<question number>=<choice>".',
      );
    }
    const same = nameOf(text).startsWith('#') ? undefined : answerCalled(value, questions);
    if (same !== undefined) {
      throw badChoice(`"${value}" can be read in two ways`, `Write "${same}" for the answer of that text.`);
    }
    const list = given[Number(number) - 1];
    if (list === undefined)
      throw badChoice(`there is no question ${number}; the round has ${questions.length}`, '');
    list.push({ text, named: true });
  }
  return given;
}

/** The answer of any question whose text is exactly this, in the form that has one meaning only. */
function answerCalled(text: string, questions: readonly Question[]): string | undefined {
  for (const [index, { answers }] of questions.entries()) {
    const at = answers.findIndex((answer) => nameOf(answer) === nameOf(text));
    if (at >= 0) return `${index + 1}=#${at + 1}`;
  }
  return undefined;
}

function choiceOf(said: readonly Said[], question: Question, index: number): Choice {
  const where = `question ${index + 1}`;
  const picks = said.flatMap((one) => readList(one, question, index));
  const answers = picks.filter((pick) => typeof pick === 'number').sort((a, b) => a - b);
  const twice = answers.find((answer, at) => answer === answers[at + 1]);
  if (twice !== undefined)
    throw badChoice(`${where}: answer ${twice + 1} is chosen twice`, 'Name each answer once.');
  if (answers.length === picks.length) return answers;
  if (picks.length > 1) {
    throw badChoice(`${where}: "blank" and "none" stand alone`, 'Choose either that or answers.');
  }
  return picks[0] === 'blank' ? null : [];
}

/** A value as a whole or, where it has commas, as a list; both at once can't stand. */
function readList({ text, named }: Said, question: Question, index: number): Pick[] {
  const whole = readings(text, named, question);
  const parts = text.includes(',') ? text.split(',') : [];
  const listed = parts.map((part) => readings(part, named, question));
  const isList = listed.length > 0 && listed.every((part) => part.length > 0);
  const [only, other] = whole;
  if (only !== undefined && (isList || other !== undefined)) throw ambiguous(text, whole, isList, index);
  if (only !== undefined) return [only];
  if (!isList) throw unknownAnswer(text, question, index);
  return listed.map((part, at) => {
    if (part[0] === undefined || part.length > 1) throw ambiguous(parts[at] ?? '', part, false, index);
    return part[0];
  });
}

/** Everything that a text can mean, each once. */
function readings(text: string, named: boolean, question: Question): Pick[] {
  const name = nameOf(text);
  const explicit = name.startsWith('#') ? keyword(name.slice(1), question) : keyword(name, question);
  if (named && name.startsWith('#')) return explicit;
  const byText = question.answers.flatMap((answer, at) => (nameOf(answer) === name ? [at] : []));
  return [...new Set([...byText, ...explicit])];
}

function keyword(name: string, question: Question): Pick[] {
  if (name === 'blank' || name === 'none') return [name];
  return NUMBER.test(name) && Number(name) <= question.answers.length ? [Number(name) - 1] : [];
}

/** A text as it was typed, in the form that answers have. */
function nameOf(text: string): string {
  return text.normalize('NFC').trim();
}

function ambiguous(text: string, picks: readonly Pick[], isList: boolean, index: number): Error {
  const number = index + 1;
  const ways = picks.map((pick) =>
    typeof pick === 'number'
      ? `"${number}=#${pick + 1}" for answer ${pick + 1}`
      : `"${number}=#${pick}" for ${pick}`,
  );
  if (isList) ways.push('one --choose for each answer');
  return badChoice(
    `question ${number}: "${text.trim()}" can be read in two ways`,
    `Write ${ways.join(', or ')}.`,
  );
}

function unknownAnswer(value: string, question: Question, index: number): Error {
  const where = `question ${index + 1}`;
  const wanted = nameOf(value).toLowerCase();
  const near = question.answers.find((answer) => answer.toLowerCase() === wanted);
  const answers = `The answers are numbered 1 to ${question.answers.length}.`;
  const commas = value.includes(',')
    ? ' An answer that has a comma in it gets a --choose of its own, or is named by its number.'
    : '';
  return badChoice(
    `${where}: there is no answer "${value}"`,
    near === undefined ? `${answers}${commas}` : `Did you mean "${near}"?`,
  );
}

function badChoice(what: string, hint: string): Error {
  return unusable('bad-choice', `${what.charAt(0).toUpperCase()}${what.slice(1)}.`, {
    hint: `${hint} Nothing was cast.`.trim(),
  });
}
