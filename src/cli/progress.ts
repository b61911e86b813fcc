import type { SingleBar } from 'cli-progress';
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
  let begun: number | undefined;
  let latest = 0;
  let asked = false;
  let stopped = false;
  let bar: SingleBar | undefined;
  const show = async () => {
    // Loaded by those alone who wait long enough to see it.
    const { default: cliProgress } = await import('cli-progress');
    if (stopped) return;
    bar = new cliProgress.SingleBar(
      { format, stream: io.stderr, clearOnComplete: true, hideCursor: true },
      cliProgress.Presets.shades_classic,
    );
    bar.start(total ?? 0, latest);
  };
  return {
    update(done) {
      latest = done;
      begun ??= Date.now();
      if (Date.now() - begun < SHOW_AFTER) return;
      if (!asked) void show();
      asked = true;
      bar?.update(done);
    },
    stop() {
      stopped = true;
      bar?.stop();
    },
  };
}
