import { type Command, InvalidArgumentError, Option } from 'commander';
import { unusable } from '../../base/errors.ts';
import type { Question } from '../../election/entries.ts';
import { parseCandidates, parseQuestions, questionOver } from './questions-file.ts';
import { readTextFile } from '../text-file.ts';
import { TIME_HELP, parseTime } from '../time.ts';
import { type UntestedOption, untestedOption } from './trustee-options.ts';

/** What the command line says of a round that is to be prepared; the same for the first one and for later ones. */
export interface RoundOptions extends UntestedOption {
  readonly candidates?: string;
  readonly question?: string;
  readonly min?: number;
  readonly max?: number;
  readonly blank?: boolean;
  readonly questions?: string;
  readonly opens?: number;
  readonly closes?: number;
  readonly open?: true;
}

export function addRoundOptions(command: Command): Command {
  return command
    .option('--candidates <file>', 'the answers of one question, one a line')
    .option('--question <text>', 'that question; the title, unless given')
    .option('--min <n>', 'how many answers a ballot must choose (default: 1)', wholeNumber)
    .option('--max <n>', 'how many it may choose (default: 1)', wholeNumber)
    .option('--blank', 'allow a blank vote, which is counted as such')
    .option('--no-blank', 'do not (the default)')
    .addOption(
      new Option('--questions <file>', 'several questions, as JSON').conflicts([
        'candidates',
        'question',
        'min',
        'max',
        'blank',
      ]),
    )
    .option('--opens <time>', `when voting opens: ${TIME_HELP}`, time)
    .option('--closes <time>', 'when it closes; in the same form', time)
    .addOption(new Option('--open', 'open at once').conflicts(['opens']))
    .addOption(untestedOption());
}

function wholeNumber(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

/** A time that an organiser gives lies ahead: one that is past is a slip of the pen. */
function time(text: string): number {
  const now = Date.now();
  const read = parseTime(text, now);
  if (!read.ok) throw new InvalidArgumentError(`${read.error}.`);
  if (read.value <= now) throw new InvalidArgumentError('That time is past.');
  return read.value;
}

/** The questions that the options name. Throws a usage error where they name none, or what the files' readers throw. */
export async function questionsFrom(
  options: RoundOptions,
  defaultQuestion: string | undefined,
): Promise<Question[]> {
  if (options.questions !== undefined)
    return parseQuestions(await readTextFile(options.questions), options.questions);
  if (options.candidates === undefined) {
    throw unusable('usage', 'There is nothing to vote on: give --candidates or --questions.', {
      hint: 'See --help for an example.',
    });
  }
  const question = options.question ?? defaultQuestion;
  if (question === undefined)
    throw unusable('usage', 'Give the question that the candidates answer: --question "…".');
  const candidates = parseCandidates(await readTextFile(options.candidates), options.candidates);
  const { min = Math.min(1, options.max ?? 1), max = Math.max(1, options.min ?? 1), blank = false } = options;
  return [questionOver(candidates, { question, min, max, blank })];
}
