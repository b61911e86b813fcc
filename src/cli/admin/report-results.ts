import type { OpenElection } from './election-folder.ts';
import type { Emit } from './reports.ts';
import { resultDocument } from './result-document.ts';
import { writeResultFiles } from './results.ts';

/** Writes and reports the results of all rounds, or of one. */
export async function reportResults(
  { place, log, organiser, checks }: OpenElection,
  emit: Emit,
  only?: number,
): Promise<void> {
  for (const round of organiser.results()) {
    if (only !== undefined && round.entry.round !== only) continue;
    const result = await resultDocument(log, round, checks);
    await emit({ event: 'result', result, files: await writeResultFiles(place.data, result) });
  }
}
