import { join } from 'node:path';
import { questionSummary } from './question-text.ts';
import { reachReport, reachedFromOutside } from './reach-report.ts';
import { programLine } from '../program-line.ts';
import type { Phase } from '../../election/log-state.ts';
import type { Live, Report, TrusteesStanding } from './reports.ts';
import { resultText } from './result-text.ts';
import { checksText } from './results.ts';
import { alarmBox } from '../observer/alarm-text.ts';
import { printable } from '../printable.ts';
import { formatTime, fromNowInWords } from '../time.ts';
import { ceremonyRows, fingerprintRows, readinessText, trusteeName } from './trustee-text.ts';

export interface RenderContext {
  /** The data folder as the caller named it. */
  readonly data: string;
  readonly now: number;
}

/** A report in words. */
export function renderReport(report: Report, { data, now }: RenderContext): string {
  switch (report.event) {
    case 'status':
      return statusReportText(report, { data, now });
    case 'voted':
      return rowsText([['Voted', report.voter]]);
    case 'enrolled':
      return rowsText([['Enrolled', report.voter]]);
    case 'opened':
      return `${roundName(report.round, report.title)} is open; ${closingText(report.closes, now)}.`;
    case 'closed':
      return `Round ${report.round} is closed.`;
    case 'counted':
      return countedText(report);
    case 'trustees':
      return report.trustees === null && report.ceremony === null
        ? 'The election has no trustees.'
        : rowsText([
            ...trusteeRows(report, now),
            ...(report.ceremony?.done === false ? [] : fingerprintRows(report)),
          ]);
    case 'ceremony-started':
      return rowsText(ceremonyRows(report));
    case 'handed-in':
      return handedInText(report);
    case 'concerns':
      return concernsText(report.concerns);
    case 'prepared':
      return preparedText(report, now);
    case 'result':
      return `${resultText(report.result)}\n${writtenText(report.files.map((file) => join(data, file)))}`;
    case 'exported':
      return report.round === null
        ? `Exported ${report.entries} entries to ${report.file}.`
        : `Exported round ${report.round} to ${report.file}.`;
  }
}

function roundName(round: number, title: string): string {
  return title === `Round ${round}` ? title : `Round ${round} ("${title}")`;
}

type StatusReport = Extract<Report, { event: 'status' }>;

function statusReportText(
  { status, checks, alarms, running }: StatusReport,
  { data, now }: RenderContext,
): string {
  const looked = checks.filter(
    ({ round, found, missing }) => round === status.round?.round || found + missing > 0,
  );
  return [
    statusText(status, now),
    ...looked.map((one) =>
      rowsText([[checks.length > 1 ? `Checks, ${one.round}` : 'Checks', checksText(one)]]),
    ),
    runningText(running, now),
    ...alarmsText(alarms, data),
  ].join('\n');
}

/** Loud, for as long as the files are there. */
export function alarmsText(alarms: readonly string[], data: string): string[] {
  if (alarms.length === 0) return [];
  const files = alarms.map((file) => `  ${join(data, file)}`).join('\n');
  return [
    alarmBox(
      "THIS ELECTION'S KEY SIGNED FOR SOMETHING THAT IS NOT IN THIS LOG. Either entries are missing here, or the key is in use elsewhere,\n" +
        `or an old copy of the folder was put back. What shows it:\n${files}\n` +
        'Find out which, and tell the voters. This is shown until the files are moved away.',
    ).trim(),
  ];
}

/** What an election is and where it stands. */
export function statusText(status: StatusReport['status'], now: number): string {
  const { round, draft, roll, policy } = status;
  const lines: (readonly [string, string])[] = [
    ['Election', status.electionId],
    ['Fingerprint', status.fingerprint],
    [
      'Voters',
      `${roll.voters} on the roll${roll.weight === roll.voters ? '' : `, of weight ${roll.weight} together`}`,
    ],
    ['Ballots', ballotRules(policy)],
  ];
  if (status.enrolled > 0)
    lines.push(['Enrolled', `${status.enrolled} of ${roll.voters} voters made a key of their own`]);
  lines.push(...trusteeRows(status, now));
  if (round !== null) {
    const open = status.phase === 'open';
    const closes = open ? `; ${closingText(round.closes, now)}` : '';
    lines.push([
      `Round ${round.round}`,
      `${round.title}: ${open ? 'open' : status.phase === 'counting' ? 'closed, not counted yet' : 'closed'}, opened ${formatTime(round.opened)}${closes}`,
    ]);
    lines.push(['Turnout', turnoutText(round.turnout)]);
  }
  if (draft !== null) {
    const opens =
      draft.opens === null
        ? 'opens with "admin open"'
        : `opens ${formatTime(draft.opens)}, ${fromNowInWords(draft.opens, now)}`;
    lines.push([
      'Prepared',
      `${draft.title}: ${opens}${draft.closes === null ? '' : `, closes ${formatTime(draft.closes)}`}`,
    ]);
  }
  lines.push(['Log', `${status.entries} entries`]);
  const description = status.description === '' ? '' : `${status.description}\n`;
  return `${status.title}\n${description}${rowsText(lines)}`;
}

type Rows = readonly (readonly [string, string])[];

function rowsText(rows: Rows): string {
  return rows.map(([label, text]) => `  ${label.padEnd(12)} ${text}`).join('\n');
}

function runningText(running: Live | null, now: number): string {
  if (running === null) return '  The admin process is not running: nobody can vote until it is.';
  const rows = running.addresses.map((address, index) => [index === 0 ? 'Listening' : '', address] as const);
  const refused: Rows =
    Object.keys(running.refused).length > 0 ? [['Refused', refusedText(running.refused)]] : [];
  const observers = running.observers.map(
    ({ address, size, time }, index) =>
      [
        index === 0 ? 'Observers' : '',
        `${printable(address)}: cosigned ${size} entries, ${fromNowInWords(Math.min(time, now), now)}`,
      ] as const,
  );
  return rowsText([...rows, ...reachRow(running), ['Invite', running.invite], ...observers, ...refused]);
}

/** Nothing where nobody could be asked. */
function reachRow({ addresses, reach }: Live): Rows {
  if (reachedFromOutside(reach) === null) return [];
  return reachReport(addresses, reach)
    .split('\n')
    .map((line, index) => [index === 0 ? 'Reachable' : '', line] as const);
}

function ballotRules({ secrecy, revote, names }: StatusReport['status']['policy']): string {
  const again = revote === 'last' ? "a voter's last ballot counts" : "a voter's first ballot stands";
  const under = names === 'public' ? 'under the username' : 'under a pseudonym';
  const shown =
    secrecy === 'open'
      ? `open (the log shows every vote ${under})`
      : `sealed (the log shows who voted, ${under}, and nothing of what)`;
  return `${shown}; ${again}`;
}

/** Who can decrypt, how ready they are, and how far the making of their keys has come. */
function trusteeRows(standing: TrusteesStanding & { readonly phase?: Phase }, now: number): Rows {
  return [
    ...ceremonyRows(standing),
    // Those from before a ceremony that is under way are on their way out.
    ...(standing.trustees === null || standing.ceremony?.done === false
      ? []
      : ([
          ['Trustees', trusteesText(standing)],
          ['Readiness', readinessText(standing, now)],
        ] as const)),
  ];
}

function trusteesText({
  trustees,
  phase,
}: Pick<TrusteesStanding, 'trustees'> & { readonly phase?: Phase }): string {
  const list = trustees ?? [];
  const waits = phase === 'counting';
  return list
    .map(
      (one) =>
        `${trusteeName(one)}${waits ? (one.given ? ': has decrypted' : ': has not decrypted yet') : ''}`,
    )
    .join(', ');
}

function countedText({ round, trustees, invalid, missing }: Extract<Report, { event: 'counted' }>): string {
  const lines = invalid.map(
    ({ trustee, reason }) => `NOT USED: the decryption by trustee ${trustee} is not valid: ${reason}.`,
  );
  if (missing === null) return [...lines, `Round ${round} is decrypted.`].join('\n');
  const waiting = trustees.filter(({ given }) => !given).map(trusteeName);
  return [
    ...lines,
    `Round ${round} is not counted yet: ${missing}.`,
    `Waiting for ${waiting.join(', ')}. A running "trustee join" checks the log and decrypts by itself. Without a connection, with a copy of the log:`,
    '',
    `  ${programLine('trustee')} answer <log> --key <key file>`,
    '',
    'and the file that this writes is taken in here:',
    '',
    `  ${programLine('admin')} trustees take <file>`,
  ].join('\n');
}

function handedInText({ what, trustee, refused }: Extract<Report, { event: 'handed-in' }>): string {
  const name = {
    step: 'step of the key ceremony',
    readiness: 'proof of readiness',
    decryption: 'decryption',
  }[what];
  return refused === null ? `Taken: the ${name} of trustee ${trustee}.` : `NOT USED: ${refused}`;
}

function concernsText(concerns: Extract<Report, { event: 'concerns' }>['concerns']): string {
  return concerns.map(({ message }) => `WARNING: ${message}`).join('\n');
}

export function turnoutText({
  voted,
  voters,
  ballots,
}: {
  voted: number;
  voters: number;
  ballots: number;
}): string {
  const share = voters > 0 ? `, ${Math.floor((100 * voted) / voters)} %` : '';
  const replaced = ballots > voted ? `, with ${ballots} ballots` : '';
  return `${voted} of ${voters} voted${share}${replaced}`;
}

export function closingText(closes: number | null, now: number): string {
  return closes === null
    ? 'it closes with "admin close"'
    : `it closes ${formatTime(closes)}, ${fromNowInWords(closes, now)}`;
}

/** Refusals by code, the most frequent first. */
export function refusedText(refused: Readonly<Record<string, number>>): string {
  return Object.entries(refused)
    .sort(([, a], [, b]) => b - a)
    .map(([code, count]) => `${count} × ${code}`)
    .join(', ');
}

function preparedText({ round, draft, tied }: Extract<Report, { event: 'prepared' }>, now: number): string {
  const lines = [`${roundName(round, draft.title)} is prepared.`, ...draft.questions.map(questionSummary)];
  if (tied.length > 0)
    lines.push(`A tie at the cut: ${tied.join(', ')} have equally many votes, so all of them were kept.`);
  lines.push(
    draft.opens === null
      ? 'It opens with "admin open".'
      : `It opens ${formatTime(draft.opens)}, ${fromNowInWords(draft.opens, now)}, if the admin process runs then.`,
  );
  if (draft.closes !== null)
    lines.push(`It closes ${formatTime(draft.closes)}, ${fromNowInWords(draft.closes, now)}.`);
  return lines.join('\n');
}

function writtenText(files: readonly string[]): string {
  return `Written: ${files.join(', ')}`;
}
