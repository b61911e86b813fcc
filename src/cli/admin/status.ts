import { keptAlarms } from '../observer/alarms.ts';
import type { OpenElection } from './election-folder.ts';
import type { Live, Report } from './reports.ts';

/** Where an election stands, with what voters' programs and observers said of it. */
export async function statusOf(
  { place, log, organiser, checks }: OpenElection,
  live: Live | null,
): Promise<Extract<Report, { event: 'status' }>> {
  return {
    event: 'status',
    status: await organiser.status(),
    checks: log.state.rounds.map(({ entry: { round } }) => ({ round, ...checks.of(round) })),
    alarms: await keptAlarms(place.data),
    running: live,
  };
}
