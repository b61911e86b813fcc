import {
  type AuditReport,
  type AuditedRound,
  type CheckReport,
  type CheckVerdict,
  describeFinding,
} from '../../audit/report.ts';
import { toBase64, toHex } from '../../base/bytes.ts';
import { quorumOf } from '../../belenios/v1/quorum.ts';
import { isoTime } from '../time.ts';
import { renderResult } from '../result-table.ts';
import { printable, thousands } from '../printable.ts';
import { neededText, trusteeRowsOf } from '../trustee-rows.ts';
import type { KnownReceipt } from './known.ts';

const MARKS: Readonly<Record<CheckVerdict, string>> = {
  valid: '✓',
  invalid: '✗',
  'not-applicable': '–',
  'not-judged': '?',
};
/** Findings shown of one check; `--json` has more. */
const SHOWN = 3;

/** The whole report for people, with other parts (each ending in a line break) before the last line, which is the verdict. */
export function reportText(
  report: AuditReport,
  receipts: readonly KnownReceipt[],
  others: readonly string[] = [],
): string {
  return [
    electionText(report),
    `Checks\n${report.checks.map(checkText).join('')}`,
    ...report.rounds.map((round) => roundText(round, report)),
    ...receipts.map((known) => receiptText(known, report)),
    ...others,
    `${verdictLine(report)}\n`,
  ].join('\n');
}

/** `VALID: …` or `INVALID: …` with the reason. */
export function verdictLine(report: AuditReport): string {
  const { first, size, rounds } = report;
  if (first !== undefined) return `INVALID: ${printable(describeFinding(first))}`;
  const published = rounds.filter((round) => round.published).length;
  return `VALID: ${count(size, 'entry', 'entries')} and ${count(published, 'published result', 'published results')} checked, nothing wrong.`;
}

function electionText({
  source,
  election,
  trustees,
  call,
  size,
  head,
  checkpoint,
  enrolled,
}: AuditReport): string {
  const rows: [string, string][] = [['Log', `${source}, ${count(size, 'entry', 'entries')}`]];
  if (election !== undefined) {
    rows.push(
      ['Election', election.id],
      ['Fingerprint', election.fingerprint],
      ['Authority', toHex(election.authority)],
    );
    if (election.registrar !== undefined) rows.push(['Registrar', election.registrar.fingerprint]);
  }
  if (trustees !== undefined) {
    const list = trusteeRowsOf(trustees).map(
      ({ trustee, name, fingerprint }) => `${name ?? `trustee ${trustee}`} ${fingerprint}`,
    );
    rows.push(['Trustees', `${neededText(trustees)} decrypt: ${list.join(', ')}`]);
  }
  if (trustees !== undefined && call !== undefined) rows.push(['Readiness', readinessText(trustees, call)]);
  rows.push(['Head', head ?? 'none']);
  if (checkpoint !== undefined) {
    rows.push([
      'Checkpoint',
      `${count(checkpoint.size, 'entry', 'entries')}, root ${toBase64(checkpoint.root)}`,
    ]);
  }
  if (enrolled > 0) rows.push(['Own keys', `${count(enrolled, 'voter has', 'voters have')} enrolled one`]);
  const title = election === undefined ? 'An unknown election' : printable(election.title);
  return `${title}\n${rows.map(([label, text]) => `  ${label.padEnd(12)} ${printable(text)}\n`).join('')}`;
}

/** How many trustees could decrypt, as far as the log goes. */
function readinessText(
  trustees: NonNullable<AuditReport['trustees']>,
  { entry, answers }: NonNullable<AuditReport['call']>,
): string {
  const { enough } = quorumOf(trustees, new Set(answers.map(({ trustee }) => trustee)));
  return `${answers.length} of ${trustees.keys.length} have shown that they could decrypt, asked ${isoTime(entry.time)}: ${enough ? 'enough' : 'TOO FEW'}`;
}

function checkText({ title, verdict, note, findings, count: found }: CheckReport): string {
  const why = note === undefined ? '' : ` (${note})`;
  const lines = findings.slice(0, SHOWN).map((finding) => `      ${printable(describeFinding(finding))}\n`);
  if (found > SHOWN) lines.push(`      … and ${found - SHOWN} more\n`);
  return `  ${MARKS[verdict]} ${title}${why}\n${lines.join('')}`;
}

function roundText(
  { round, result, closed, published, sealed }: AuditedRound,
  { verdict }: AuditReport,
): string {
  const unpublished = sealed === undefined ? ', closed but not published' : ', closed and not decrypted yet';
  const state = !closed ? ', not closed: so far' : published ? '' : unpublished;
  // A table must not be taken for a result where the log isn't one to rely on.
  const doubt = verdict === 'invalid' ? '  (of a log that is INVALID)' : '';
  return `Round ${round.round}: ${printable(round.title)}${state}, as recomputed from the ballots${doubt}\n\n${renderResult(round, result)}`;
}

function receiptText({ file, receipt }: KnownReceipt, report: AuditReport): string {
  const history = report.checks.find(({ id }) => id === 'history');
  if (history?.verdict !== 'valid') return `Receipt ${printable(file)}: see the checks above.\n`;
  return `Receipt ${printable(file)}: entry ${receipt.index} of the log, as it was acknowledged.\n`;
}

function count(number: number, one: string, many: string): string {
  return `${thousands(number)} ${number === 1 ? one : many}`;
}
