import type { AuditReport, AuditedElection, AuditedRound } from '../../audit/report.ts';
import { toBase64, toHex } from '../../base/bytes.ts';
import { neededText, trusteeRowsOf } from '../trustee-rows.ts';
import { verdictLine } from './report-text.ts';

/** The report as one object a line: the election, each check, each round's result, other objects, and last the verdict. */
export function reportObjects(report: AuditReport, others: readonly object[] = []): object[] {
  const { election, trustees, checks, rounds, verdict, first, source, size, head, checkpoint, enrolled } =
    report;
  return [
    {
      event: 'election',
      election: election === undefined ? null : electionObject(election),
    },
    ...(trustees === undefined
      ? []
      : [
          {
            event: 'trustees',
            needed: neededText(trustees),
            trustees: trusteeRowsOf(trustees),
            called: report.call?.entry.time ?? null,
            ready: report.call?.answers.map(({ trustee }) => trustee) ?? [],
          },
        ]),
    ...checks.map((check) => ({ event: 'check', ...check })),
    ...rounds.map(roundObject),
    ...others,
    {
      event: 'verdict',
      verdict,
      reason: verdictLine(report),
      first: first ?? null,
      enrolled,
      source,
      size,
      head,
      checkpoint:
        checkpoint === undefined
          ? null
          : { size: checkpoint.size, root: toBase64(checkpoint.root), text: checkpoint.text },
    },
  ];
}

function electionObject({ registrar, ...election }: AuditedElection): object {
  return {
    ...election,
    authority: toHex(election.authority),
    ...(registrar === undefined ? {} : { registrar: { ...registrar, key: toHex(registrar.key) } }),
  };
}

function roundObject({ round, result, closed, published }: AuditedRound): object {
  return {
    event: 'result',
    round: round.round,
    title: round.title,
    closed,
    published,
    turnout: result.turnout,
    questions: round.questions.map(({ question, answers }, index) => {
      const counted = result.questions[index];
      // Sealed, and not decrypted: nobody knows, which is not the same as 0.
      if (counted === undefined) return { question, answers: null, blank: null, tie: null };
      return {
        question,
        answers: answers.map((answer, place) => ({
          answer,
          votes: counted.answers[place] ?? 0,
          winner: counted.winners.includes(place),
        })),
        blank: counted.blank,
        tie: counted.winners.length > 1,
      };
    }),
  };
}
