import type { LogSource } from '../../audit/source.ts';
import { exportBelenios } from '../../store/bel.ts';
import { exportCar } from '../../store/car.ts';
import { exportJsonLines } from '../../store/jsonl.ts';
import { checkpointSize } from '../../store/checkpoint-size.ts';
import type { Export } from './commands.ts';
import type { Emit } from './reports.ts';

/** Writes a log, wherever it is kept, to a file in the form that was asked for, and reports it. */
export async function writeExport(
  source: LogSource,
  { format, path, round, force }: Export,
  emit: Emit,
  onProgress: (done: number) => void,
): Promise<void> {
  const options = { force, onProgress };
  const entries = checkpointSize((await source.latestCheckpoint()) ?? '') ?? 0;
  switch (format) {
    case 'car':
      await exportCar(source, path, options);
      return emit({ event: 'exported', format, file: path, entries, round: null });
    case 'jsonl':
      await exportJsonLines(source, path, options);
      return emit({ event: 'exported', format, file: path, entries, round: null });
    case 'belenios': {
      const written = await exportBelenios(source, path, { ...options, round: round ?? undefined });
      return emit({ event: 'exported', format, file: path, entries, round: written });
    }
  }
}
