import { PsephosError, refused } from '../../base/errors.ts';
import { orInterrupted as orInterruptedWith } from '../ask.ts';
import { normaliseSecret, normaliseUsername } from '../../crypto/credential.ts';
import { type Choice, choiceProblems } from '../../election/choices.ts';
import type { Question } from '../../election/entries.ts';
import type { Io } from '../io.ts';
import { expectRoom } from '../receipt-file.ts';
import { howMany, questionTitle } from '../vote-text.ts';
import { printable } from '../printable.ts';

/** Asks the person at the terminal. Every method throws `interrupted` on Ctrl-C. */
export interface Ask {
  username(): Promise<string>;
  /** Not shown while it is typed. */
  secret(): Promise<string>;
  choice(question: Question, index: number, of: number): Promise<Choice>;
  confirm(question: string, preset: boolean): Promise<boolean>;
  /** What to do with a sealed ballot. */
  nextStep(): Promise<NextStep>;
  /** What to do with a ballot that an earlier run of the program left. */
  keptBallot(): Promise<KeptStep>;
  /** One of several, which may have names of several lines. */
  oneOf<T>(message: string, choices: readonly { readonly name: string; readonly value: T }[]): Promise<T>;
  /** The name of a file to be written, where there is none yet. */
  newFile(preset: string): Promise<string>;
}

/** Cast a sealed ballot, open it to have its encryption checked, or end. */
export type NextStep = 'cast' | 'check' | 'nothing';

/** Cast a kept ballot, throw it away and vote anew, or leave it where it is. */
export type KeptStep = 'cast' | 'discard' | 'leave';

const KEPT_STEPS: readonly { readonly name: string; readonly value: KeptStep }[] = [
  { name: 'cast it', value: 'cast' },
  { name: 'throw it away, and choose anew', value: 'discard' },
  { name: 'leave it as it is: it is for another voter to say', value: 'leave' },
];
const STEPS: readonly { readonly name: string; readonly value: NextStep }[] = [
  { name: 'cast it', value: 'cast' },
  {
    name: 'check the encryption first: this ballot is opened, and a new one made to be cast',
    value: 'check',
  },
  { name: 'cast nothing', value: 'nothing' },
];
const PAGE = 15;
const BLANK = 'blank';

/** Somebody to ask; undefined where input or output is no terminal. */
export async function askerOf(io: Io): Promise<Ask | undefined> {
  if (io.stdin.isTTY !== true || io.stderr.isTTY !== true) return undefined;
  // Not needed by scripts, and takes a while to load.
  const prompts = await import('@inquirer/prompts');
  // Prompts go to stderr: stdout is for results.
  const context = { input: io.stdin, output: io.stderr, signal: io.signal };

  return {
    username: () =>
      orInterrupted(
        prompts.input(
          { message: 'Your username', validate: (text) => whyNot(normaliseUsername(text)) },
          context,
        ),
      ),
    secret: () =>
      orInterrupted(
        prompts.password(
          {
            message: 'Your secret (as on your sheet)',
            mask: '*',
            validate: (text) => whyNot(normaliseSecret(text)),
          },
          context,
        ),
      ),
    confirm: (message, preset) => orInterrupted(prompts.confirm({ message, default: preset }, context)),
    oneOf: (message, choices) =>
      orInterrupted(prompts.select({ message, choices: [...choices], pageSize: PAGE, loop: false }, context)),
    nextStep: () =>
      orInterrupted(
        prompts.select(
          { message: 'Cast this ballot?', choices: STEPS, pageSize: PAGE, loop: false },
          context,
        ),
      ),
    keptBallot: () =>
      orInterrupted(
        prompts.select(
          { message: 'What shall become of it?', choices: KEPT_STEPS, pageSize: PAGE, loop: false },
          context,
        ),
      ),
    newFile: (preset) =>
      orInterrupted(
        prompts.input({ message: 'File to open it with', default: preset, validate: whyNoRoom }, context),
      ),
    choice: async (question, index, of) => {
      const message = `${questionTitle(question, index, of)} (${howMany(question)})`;
      const answers = question.answers.map((answer, value) => ({ name: printable(answer), value }));
      const choices: { name: string; value: number | typeof BLANK }[] = answers;
      if (question.blank) choices.push({ name: '(blank vote)', value: BLANK });
      if (question.max === 1 && question.min === 1) {
        return choiceOf([
          await orInterrupted(prompts.select({ message, choices, pageSize: PAGE, loop: false }, context)),
        ]);
      }
      const chosen = await orInterrupted(
        prompts.checkbox(
          {
            message,
            choices,
            pageSize: PAGE,
            loop: false,
            // One key for "all" is of no use here, and does harm where it is hit by mistake.
            shortcuts: { all: null, invert: null },
            validate: (picked) => {
              const picks = picked.map(({ value }) => value);
              if (picks.includes(BLANK) && picks.length > 1) return 'A blank vote stands alone.';
              const [problem] = choiceProblems([choiceOf(picks)], [question]);
              return problem === undefined ? true : capitalised(problem.replace(/^question 1: /, ''));
            },
          },
          context,
        ),
      );
      return choiceOf(chosen);
    },
  };
}

function choiceOf(picks: readonly (number | typeof BLANK)[]): Choice {
  const answers = picks.filter((pick) => pick !== BLANK);
  return picks.includes(BLANK) ? null : answers.sort((a, b) => a - b);
}

function whyNot(read: { readonly ok: true } | { readonly ok: false; readonly error: string }): true | string {
  return read.ok ? true : `That can't be right: ${read.error}.`;
}

async function whyNoRoom(path: string): Promise<true | string> {
  try {
    await expectRoom(path);
    return true;
  } catch (error) {
    if (error instanceof PsephosError) return error.message;
    throw error;
  }
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

const NOTHING_CAST = 'Nothing was cast.';

function orInterrupted<T>(prompt: Promise<T>): Promise<T> {
  return orInterruptedWith(prompt, NOTHING_CAST);
}

/** For a program that was asked to end before any ballot was sent. */
export function interrupted(cause: unknown): Error {
  return refused('interrupted', `Interrupted. ${NOTHING_CAST}`, { cause });
}
