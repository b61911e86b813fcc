import assert from 'node:assert/strict';
import { join } from 'node:path';
import { runVoter } from '#src/cli/voter.js';
import { capturedIo } from './captured-io.ts';
import type { PollingPlace } from './polling-place.ts';
import { jsonLines } from './processes.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What was printed with --json, by event; `error` for the failure. */
  readonly events: Readonly<Record<string, Record<string, unknown>>>;
  readonly error: { readonly code: string; readonly message: string } | undefined;
  /** All that was printed with --json, in order. */
  readonly lines: readonly Record<string, unknown>[];
}

/** Runs the voter's program in this process, without a terminal; on a computer of its own unless told where it remembers things. */
export async function run(argv: readonly string[], stdin = '', state?: string): Promise<Ran> {
  const io = capturedIo({ stdin, ...(state === undefined ? {} : { state }) });
  const code = await runVoter(argv, io);
  const lines = argv.includes('--json') ? jsonLines(io.out()) : [];
  const events = Object.fromEntries(lines.map((line) => [String(line['event']), line]));
  const error = lines.find((line) => 'error' in line)?.['error'] as Ran['error'];
  return { code, out: io.out(), err: io.err(), events, error, lines };
}

/** Arguments of a scripted vote that needs nothing else. */
export async function args(
  place: PollingPlace,
  voter: number,
  choose: readonly string[],
  receipt: string,
): Promise<string[]> {
  return [
    ...['--dial', place.address, '--username', `v${voter}`, '--secret-file', await place.secretFile(voter)],
    ...choose.flatMap((choice) => ['--choose', choice]),
    ...['--yes', '--json', '--wait', '0', '--receipt', join(place.folder, receipt)],
  ];
}

export async function voteAs(
  place: PollingPlace,
  voter: number,
  choose: readonly string[],
  receipt = `v${voter}.tlog-proof`,
): Promise<Ran> {
  return run(await args(place, voter, choose, receipt));
}

/** Asserts the code and exit status of a failure, and that nothing was cast. */
export function failed(ran: Ran, code: string, exit: number, place?: PollingPlace): void {
  assert.deepEqual({ code: ran.error?.code, exit: ran.code }, { code, exit }, ran.err);
  assert.ok(ran.err.includes(ran.error?.message.split('\n')[0] ?? '?'), 'people read it too');
  if (place !== undefined) assert.equal(place.log.turnout.ballots, 0);
}
