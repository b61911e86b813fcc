import type { Choice } from '../../election/choices.ts';
import type { Question } from '../../election/entries.ts';
import { registrarFingerprint } from '../../election/registration.ts';
import type { DraftRound } from '../../services/ports.ts';
import type { KnownElection } from '../../services/voter-session.ts';
import { formatTime, fromNowInWords } from '../time.ts';
import { printable } from '../printable.ts';
import { howMany, questionTitle, voteText } from '../vote-text.ts';
import { decryptersOf, rulesLines } from './rules-text.ts';

/** What ties the election shown to the one the voter means: the first of these that was given. */
export type Anchor = 'address' | 'election' | 'fingerprint' | 'none';

export type Standing = 'open' | 'closed' | 'not-open';

/** Whether a voter can vote now. */
export function standingOf({ round, open }: Pick<KnownElection, 'round' | 'open'>): Standing {
  if (round === null) return 'not-open';
  return open ? 'open' : 'closed';
}

/** The election as a voter should see it before typing anything. */
export function electionText(election: KnownElection, anchor: Anchor, now: number): string {
  const { genesis, round, fingerprint, electionId, draft } = election;
  const lines = [printable(genesis.title)];
  if (genesis.description !== '') lines.push(printable(genesis.description));
  lines.push(
    '',
    `  Election     ${electionId}`,
    `  Fingerprint  ${fingerprint}`,
    `  Authority    ${anchorText(anchor)}`,
  );
  const { registrar } = genesis;
  if (registrar !== undefined) lines.push(`  Registrar    ${registrarFingerprint(registrar.key)}`);
  lines.push(...statusLines(election, now));
  lines.push(...rulesLines(genesis.policy, election.trustees));
  if (round !== null && election.open) lines.push('', ...questionsLines(round.entry.questions));
  else if (draft !== null)
    lines.push('', 'Planned, and free to change until it opens:', '', ...questionsLines(draft.questions));
  return `${lines.join('\n')}\n`;
}

function anchorText(anchor: Anchor): string {
  switch (anchor) {
    case 'address':
      return 'verified: the peer holds the key that the address names';
    case 'election':
      return 'verified: the peer holds the key of the election that you named';
    case 'fingerprint':
      return 'verified: the peer holds the key of the election with the fingerprint that you gave';
    case 'none':
      return 'NOT VERIFIED: nothing that you gave says which election this should be';
  }
}

function statusLines(election: KnownElection, now: number): string[] {
  const { round, genesis, turnout, draft } = election;
  const lines: string[] = [];
  if (round !== null) {
    const { round: number, title, closes } = round.entry;
    const name = title === genesis.title ? '' : `: ${printable(title)}`;
    lines.push(`  Round        ${number}${name}`);
    lines.push(`  Status       ${election.open ? `open, ${closingText(closes, now)}` : 'closed'}`);
    lines.push(`  Turnout      ${turnoutText(turnout.voted, turnout.voters)}`);
  }
  if (!election.open) {
    const opens = draft === null ? undefined : openingText(draft, now);
    if (round === null) lines.push(`  Status       not open yet${opens === undefined ? '' : `; ${opens}`}`);
    else if (opens !== undefined) lines.push(`  Next round   ${opens}`);
  }
  return lines;
}

function openingText({ opens }: DraftRound, now: number): string {
  return opens === null
    ? 'it opens when the organiser opens it'
    : `it opens ${formatTime(opens)}, ${fromNowInWords(opens, now)}`;
}

function closingText(closes: number | null, now: number): string {
  return closes === null
    ? 'until the organiser closes it'
    : `closes ${formatTime(closes)}, ${fromNowInWords(closes, now)}`;
}

function turnoutText(voted: number, voters: number): string {
  const share = voters > 0 ? ` (${Math.floor((100 * voted) / voters)} %)` : '';
  return `${voted} of ${voters} voted${share}, as the organiser's machine counts`;
}

function questionsLines(questions: readonly Question[]): string[] {
  return questions.flatMap((question, index) => [
    ...(index > 0 ? [''] : []),
    `${questionTitle(question, index, questions.length)} (${howMany(question)})`,
    ...question.answers.map((answer, at) => `  ${String(at + 1).padStart(3)}  ${printable(answer)}`),
  ]);
}

/** What is about to be cast. */
export function ballotText(
  questions: readonly Question[],
  choices: readonly Choice[],
  number: number,
): string {
  const which =
    number > 1
      ? `Your ballot, number ${number} in this round; it replaces your earlier one:`
      : 'Your ballot:';
  return `${which}\n${voteText(questions, choices)}`;
}

/** The election as JSON carries it: times in ms since 1970. */
export function electionJson(election: KnownElection, anchor: Anchor): object {
  const { electionId, fingerprint, genesis, round, trustees, draft, turnout, checkpoint } = election;
  return {
    event: 'election',
    electionId,
    fingerprint,
    verifiedBy: anchor,
    title: genesis.title,
    description: genesis.description,
    policy: genesis.policy,
    ...(genesis.registrar === undefined ? {} : { registrar: registrarFingerprint(genesis.registrar.key) }),
    ...(trustees === null ? {} : { trustees: decryptersOf(trustees) }),
    status: standingOf(election),
    round:
      round === null
        ? null
        : {
            round: round.entry.round,
            title: round.entry.title,
            opened: round.entry.time,
            closes: round.entry.closes,
            questions: round.entry.questions,
          },
    draft,
    turnout,
    logSize: checkpoint.size,
  };
}
