import { refused } from '../../base/errors.ts';
import type { Question, QuestionResult } from '../../election/entries.ts';
import { fingerprint } from '../../crypto/credential.ts';
import type { BallotChecks } from '../../services/ballot-checks.ts';
import type { ElectionLog } from '../../services/election-log.ts';
import type { Organiser } from '../../services/organiser.ts';
import type { QuestionOutcome, ResultDocument } from './reports.ts';

type RoundWithResult = ReturnType<Organiser['results']>[number];

/** A round's result as it is published. Nothing in it changes later but what voters' programs found, so that it can be written again. */
export async function resultDocument(
  log: ElectionLog,
  { entry, close, result }: RoundWithResult,
  checks: BallotChecks,
): Promise<ResultDocument> {
  if (close === undefined) throw new Error('a result without a close');
  const size = result.entry.seq + 1;
  return {
    title: log.genesis.title,
    electionId: log.electionId,
    fingerprint: fingerprint(log.electionId),
    round: entry.round,
    roundTitle: entry.title,
    opened: entry.time,
    closed: close.time,
    closedBy: close.reason,
    turnout: result.entry.turnout,
    checks: checks.of(entry.round),
    questions: entry.questions.map((question, index) =>
      questionResult(question, result.entry.questions[index]),
    ),
    log: { size, head: result.cid.toString(), checkpoint: await checkpointOver(log, size) },
  };
}

function questionResult(question: Question, result: QuestionResult | undefined): QuestionOutcome {
  if (result === undefined) throw new Error('a result lacks one of its questions');
  const { winners } = result;
  return {
    question: question.question,
    min: question.min,
    max: question.max,
    blankAllowed: question.blank,
    answers: question.answers.map((answer, index) => ({
      answer,
      votes: result.answers[index] ?? 0,
      winner: winners.includes(index),
    })),
    blank: result.blank,
    outcome: winners.length === 0 ? 'no-votes' : winners.length === 1 ? 'winner' : 'tie',
    winners: winners.map((index) => question.answers[index] ?? ''),
  };
}

/** The first checkpoint that covers so many entries: always the same one. */
async function checkpointOver(log: ElectionLog, size: number): Promise<string> {
  for await (const text of log.store.checkpoints(size)) return text;
  throw refused('store-damaged', `No checkpoint covers entry ${size - 1}.`);
}
