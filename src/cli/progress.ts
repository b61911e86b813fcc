import cliProgress from 'cli-progress';
import type { Io } from './io.ts';

/** Work that is done sooner than this after its first sign, in ms, shows no bar. */
const SHOW_AFTER = 700;

export interface Progress {
  /** Says how much of the work is done. */
  readonly update: (done: number) => void;
  /** Takes the bar away. */
  readonly stop: () => void;
}

/**
 * A progress bar on stderr for work that takes its time; where stderr is no terminal, nothing. Without a total it
 * counts. The caller stops it, whatever becomes of the work.
 */
export function showProgress(io: Pick<Io, 'stderr'>, what: string, total?: number): Progress {
  if (io.stderr.isTTY !== true) return { update: () => undefined, stop: () => undefined };
  const format =
    total === undefined
      ? `${what}: {value}`
      : `${what} [{bar}] {percentage} % · {value}/{total} · {eta_formatted} left`;
  const bar = new cliProgress.SingleBar(
    { format, stream: io.stderr, clearOnComplete: true, hideCursor: true },
    cliProgress.Presets.shades_classic,
  );
  let begun: number | undefined;
  let shown = false;
  return {
    update(done) {
      begun ??= Date.now();
      if (!shown && Date.now() - begun < SHOW_AFTER) return;
      if (!shown) bar.start(total ?? 0, done);
      shown = true;
      bar.update(done);
    },
    stop() {
      if (shown) bar.stop();
      shown = false;
    },
  };
}
