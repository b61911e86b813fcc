import type { LogSource } from '../audit/source.ts';
import { refused } from '../base/errors.ts';
import { RoundArchive } from '../belenios/v1/archive/round-archive.ts';
import type { Entry } from '../election/entries.ts';
import { LogState } from '../election/log-state.ts';
import { EMPTY_HEAD, type Head, decodeEntry, headAfter, linkProblem } from '../log/entry-codec.ts';
import { cidOf } from '../crypto/cid.ts';
import { damaged } from './damage.ts';
import { type ExportOptions, type ExportedLog, logToExport, writeExport } from './export.ts';

export interface BeleniosExportOptions extends ExportOptions {
  /** Which round, from 1; the newest if not given. */
  readonly round?: number | undefined;
}

/**
 * Writes a round of a log with sealed ballots as a Belenios archive (`.bel`, specification 4.4), at whatever stage the round is. Resolves to
 * the round's number. Throws `not-sealed` for an election with open ballots, `no-such-round`, `not-opened` for a round that is yet to come,
 * `store-damaged` for a log that doesn't hold together or holds what no archive has room for; and as `logToExport` and `createFile`,
 * and what the source throws.
 */
export async function exportBelenios(
  source: LogSource,
  path: string,
  { round, ...options }: BeleniosExportOptions = {},
): Promise<number> {
  const log = await logToExport(source, options);
  const wanted = round ?? (await newestRound(log));
  await writeExport(path, options, archiveParts(log, wanted));
  return wanted;
}

/** Reads the log once more than its export does: where the newest round begins can't be told before. */
async function newestRound(log: ExportedLog): Promise<number> {
  let state = new LogState();
  for await (const read of checkedEntries(log)) state = read.state;
  return Math.max(1, state.rounds.length);
}

async function* archiveParts(log: ExportedLog, round: number): AsyncGenerator<Uint8Array, void, undefined> {
  const archive = new RoundArchive(round);
  let opened = 0;
  for await (const { entry, cid, state } of checkedEntries(log)) {
    opened = state.rounds.length;
    const part = archive.take(entry, cid);
    if (!part.ok) throw damaged(`Entry ${entry.seq} has no place in an archive: ${part.error}.`);
    if (part.value.length > 0) yield part.value;
    if (archive.isPast) break;
  }
  if (!archive.hasBegun) throw noRound(round, opened);
}

interface CheckedEntry {
  readonly entry: Entry;
  readonly cid: NonNullable<Head['cid']>;
  /** After the entry. */
  readonly state: LogState;
}

/** A log's entries, each of which follows the one before it as the rules of a log demand. Ballots are not judged. */
async function* checkedEntries(log: ExportedLog): AsyncGenerator<CheckedEntry, void, undefined> {
  const state = new LogState();
  let head = EMPTY_HEAD;
  for await (const item of log.items()) {
    if (item.kind !== 'entry') continue;
    const read = decodeEntry(item.bytes);
    if (!read.ok) throw damaged(`Entry ${item.seq} can't be read: ${read.error}.`);
    const problem = linkProblem(head, read.value) ?? state.problems(read.value)[0];
    if (problem !== undefined) throw damaged(`Entry ${item.seq} can't be there: ${problem}.`);
    const chained = { entry: read.value, cid: cidOf(item.bytes) };
    state.apply(chained.entry, chained.cid);
    head = headAfter(chained);
    if (state.genesis?.policy.secrecy === 'open') throw notSealed();
    yield { ...chained, state };
  }
}

function notSealed(): Error {
  return refused('not-sealed', 'The election has open ballots, for which Belenios has no archive.', {
    hint: 'Export the log itself: --car FILE or --jsonl FILE.',
  });
}

function noRound(round: number, opened: number): Error {
  if (round === opened + 1) {
    return refused('not-opened', `Round ${round} is not open yet, so there is nothing of it to export.`, {
      hint: 'Open it first with "admin open".',
    });
  }
  const rounds = opened === 1 ? 'there is one round' : `there are ${opened} rounds`;
  return refused('no-such-round', `There is no round ${round}: ${rounds}.`);
}
