import type {
  ArchiveAudit,
  ArchiveCheck,
  ArchiveCheckId,
  ArchiveCheckVerdict,
} from '../../belenios/v1/audit/report.ts';
import { printable, thousands } from '../printable.ts';

const TITLES: Readonly<Record<ArchiveCheckId, string>> = {
  archive: 'The archive is whole: its files, hashes and chain of events',
  election: 'The election can be read, and its questions are of a kind that is supported',
  trustees: "The trustees' keys, proofs and certificates make the election's public key",
  credentials: 'The list of credentials',
  ballots: 'Every ballot: its form, credential, signature and proofs',
  tally: 'The encrypted tally is the sum of the ballots that count',
  decryptions: "The trustees' partial decryptions",
  result: 'The result is what the decryptions give',
};
const MARKS: Readonly<Record<ArchiveCheckVerdict, string>> = {
  valid: '✓',
  invalid: '✗',
  absent: '–',
  'not-judged': '?',
};
/** Reasons shown of one check; `--json` has more. */
const SHOWN = 3;

/** What no archive can show: the protocol's proofs of decryption leave out what is decrypted (docs/SECURITY). */
const LIMIT =
  'A result in an archive holds against everybody but a trustee who also had the last ballot cast. A log of Psephos has proofs without that gap.';

/** The report for people. The last line is the verdict. */
export function archiveText(audit: ArchiveAudit): string {
  return [
    electionText(audit),
    `Checks\n${audit.checks.map(checkText).join('')}`,
    ...resultText(audit),
    ...(audit.result === undefined ? [] : [`${LIMIT}\n`]),
    `${archiveVerdict(audit)}\n`,
  ].join('\n');
}

/** The report as one object a line: the election, each check, the result if there is one, and last the verdict. */
export function archiveObjects(audit: ArchiveAudit): object[] {
  const { election, checks, result, verdict, stage, head, numVoters, numBallots, numCounted, totalWeight } =
    audit;
  return [
    {
      event: 'election',
      format: 'belenios',
      version: 1,
      election:
        election === undefined
          ? null
          : { uuid: election.uuid, name: election.name, hash: election.hash, questions: election.questions },
      stage: stage ?? null,
      voters: numVoters,
      ballots: numBallots,
      counted: numCounted,
      weight: totalWeight.toString(),
    },
    ...checks.map((check) => ({ event: 'check', ...check })),
    ...(result === undefined
      ? []
      : [{ event: 'result', result: result.map((row) => row.map((votes) => votes.toString())) }]),
    {
      event: 'verdict',
      verdict,
      reason: archiveVerdict(audit),
      limit: result === undefined ? null : LIMIT,
      head: head ?? null,
    },
  ];
}

/** `VALID: …` or `INVALID: …` with the first reason. */
export function archiveVerdict({ verdict, checks, numBallots, stage }: ArchiveAudit): string {
  if (verdict === 'valid')
    return `VALID: ${thousands(numBallots)} ballots checked, nothing wrong; the election is ${stage ?? 'empty'}.`;
  const first = checks.find(({ reasons }) => reasons.length > 0);
  const why =
    first === undefined ? 'not everything could be checked' : `${first.id}: ${first.reasons[0] ?? ''}`;
  return `INVALID: ${printable(why)}`;
}

function electionText({
  election,
  stage,
  head,
  numVoters,
  numBallots,
  numCounted,
  totalWeight,
}: ArchiveAudit) {
  const rows: [string, string][] = [
    ['Archive', `Belenios, protocol version 1, ${stage ?? 'without an election'}`],
  ];
  if (election !== undefined) rows.push(['Election', election.uuid], ['Fingerprint', election.hash]);
  rows.push([
    'Ballots',
    `${numBallots}, of which ${numCounted} count, with a weight of ${totalWeight}; ${numVoters} credentials`,
  ]);
  if (head !== undefined) rows.push(['Head', `event ${head.height}, ${head.hash}`]);
  const title = election === undefined ? 'An unknown election' : printable(election.name);
  return `${title}\n${rows.map(([label, text]) => `  ${label.padEnd(12)} ${printable(text)}\n`).join('')}`;
}

function checkText({ id, verdict, reasons, count }: ArchiveCheck): string {
  const lines = reasons.slice(0, SHOWN).map((reason) => `      ${printable(reason)}\n`);
  if (count > SHOWN) lines.push(`      … and ${count - SHOWN} more\n`);
  return `  ${MARKS[verdict]} ${TITLES[id]}${verdict === 'absent' ? ' (not there yet)' : ''}\n${lines.join('')}`;
}

function resultText({ election, result }: ArchiveAudit): string[] {
  if (election === undefined || result === undefined) return [];
  return election.questions.map(({ question, answers, blank }, at) => {
    const names = blank === true ? ['Blank', ...answers] : answers;
    const votes = (result[at] ?? []).map(String);
    const width = Math.max(...votes.map(({ length }) => length));
    const rows = names.map((name, cell) => `  ${(votes[cell] ?? '').padStart(width)}  ${printable(name)}\n`);
    return `${printable(question)}\n${rows.join('')}`;
  });
}
