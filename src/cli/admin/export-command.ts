import { resolve } from 'node:path';
import { readAuthority } from '../../audit/authority.ts';
import { equalBytes } from '../../base/bytes.ts';
import { refused, unusable } from '../../base/errors.ts';
import { type Target, openTarget } from '../verify-log/target.ts';
import { showProgress } from '../progress.ts';
import type { Export } from './commands.ts';
import { type Surroundings, dispatch } from './dispatch.ts';
import { throwIfInterrupted } from './election-folder.ts';
import { writeExport } from './export.ts';
import { printReports } from './output.ts';

export interface ExportOptions {
  readonly car?: string;
  readonly jsonl?: string;
  readonly belenios?: string;
  readonly round?: number;
  readonly from?: string;
  readonly force?: true;
}

/** `admin export`: of this election, or of a log that somebody else keeps. Throws `usage`, `wrong-election`, and as `dispatch` or `openTarget`. */
export async function exportCommand(around: Surroundings, options: ExportOptions): Promise<void> {
  const args = exportOf(options);
  const emit = printReports(around.output, around.place.data);
  if (options.from === undefined) return dispatch(around, { command: 'export', args }, emit);
  const { io } = around;
  const target = await openTarget(options.from, io.signal);
  const progress = showProgress(io, 'Exporting, entries');
  try {
    await expectMeant(target);
    await writeExport(target.source, args, emit, (done) => {
      throwIfInterrupted(io.signal);
      progress.update(done);
    });
  } catch (error) {
    // What an abort makes of a connection is not what went wrong.
    throwIfInterrupted(io.signal);
    throw error;
  } finally {
    progress.stop();
    await target.close();
  }
}

/** Throws `wrong-election` for a log of another election than the one that the invite or address names. */
async function expectMeant({ source, expected }: Target): Promise<void> {
  const found = await readAuthority(source);
  // What is wrong with such a log is said when it is exported.
  if (found === undefined) return;
  const { electionId, genesis } = found;
  const { expectedElection = electionId, expectedAuthority = genesis.authority } = expected;
  if (electionId === expectedElection && equalBytes(genesis.authority, expectedAuthority)) return;
  throw refused('wrong-election', `${source.name} keeps the log of another election: ${electionId}.`, {
    hint: 'Ask whoever gave you the address for the right one.',
  });
}

function exportOf({ car, jsonl, belenios, round, force }: ExportOptions): Export {
  const file = car ?? jsonl ?? belenios;
  if (file === undefined) {
    throw unusable(
      'usage',
      'Name the file to write: --car FILE or --jsonl FILE, or --belenios FILE for a round.',
    );
  }
  if (belenios === undefined && round !== undefined)
    throw unusable('usage', '--round is for --belenios FILE.');
  return {
    format: belenios !== undefined ? 'belenios' : car !== undefined ? 'car' : 'jsonl',
    path: resolve(file),
    round: round ?? null,
    force: force === true,
  };
}
