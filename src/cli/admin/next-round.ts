import { refused } from '../../base/errors.ts';
import type { Question } from '../../election/entries.ts';
import type { RoundState } from '../../election/log-state.ts';
import type { DraftRound } from '../../services/ports.ts';
import type { NextRound } from './commands.ts';
import type { OpenElection } from './election-folder.ts';

export interface NextDraft {
  readonly draft: DraftRound;
  /** Answers carried over beyond the number asked for, since they tie at the cut; with the one that they tie with. */
  readonly tied: string[];
}

/** The round that an organiser asks for. Throws `cannot-carry` where the last result gives no answers to carry over. */
export function nextDraft({ log, organiser }: OpenElection, wish: NextRound): NextDraft {
  const { questions, tied } =
    'carry' in wish.questions
      ? carryOver(organiser.results().at(-1), wish.questions.carry)
      : { questions: wish.questions, tied: [] };
  const title = wish.title ?? `Round ${log.state.rounds.length + 1}`;
  return { draft: { title, questions, opens: wish.opens, closes: wish.closes }, tied };
}

/**
 * The last round's question with its `count` most voted answers, in the order of the ballot paper. Answers that tie at
 * the cut are all kept: which of them to drop is not for a program to choose.
 */
export function carryOver(
  last: Pick<RoundState, 'entry' | 'result'> | undefined,
  count: number,
): { readonly questions: Question[]; readonly tied: string[] } {
  if (last?.result === undefined) throw cannot('No round has a result yet');
  const [question, another] = last.entry.questions;
  const votes = last.result.entry.questions[0]?.answers;
  if (question === undefined || votes === undefined || another !== undefined) {
    throw cannot(
      `Round ${last.entry.round} had ${last.entry.questions.length} questions, and it is not clear which to ask again`,
    );
  }
  if (count >= question.answers.length) {
    throw cannot(
      `Round ${last.entry.round} had ${question.answers.length} answers, of which ${count} can't be a choice`,
    );
  }
  const cut = [...votes].sort((a, b) => b - a)[count - 1] ?? 0;
  const kept = question.answers.filter((_, index) => (votes[index] ?? 0) >= cut);
  const atCut = question.answers.filter((_, index) => votes[index] === cut);
  const max = Math.min(question.max, kept.length);
  return {
    questions: [{ ...question, answers: kept, max, min: Math.min(question.min, max) }],
    tied: kept.length > count ? atCut : [],
  };
}

function cannot(why: string): Error {
  return refused('cannot-carry', `${why}.`, {
    hint: 'Give the answers of the next round with --candidates or --questions.',
  });
}
