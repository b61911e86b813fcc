import { PsephosError } from '../../base/errors.ts';
import { NOTHING_REMEMBERED, type Remembered, type VoterMemory } from '../../services/ports.ts';
import { codeOf } from '../../store/fs-errors.ts';
import { VoterMemoryFile } from '../../store/voter-memory.ts';
import type { Console } from '../console.ts';
import type { Io } from '../io.ts';
import { quotePath } from '../program-line.ts';
import { stateFolder } from './state-folder.ts';

export interface MemoryFlags {
  /** Whether anything is kept for later runs; so unless said otherwise. */
  readonly memory?: boolean;
}

/**
 * What this program remembers of an election, on disk unless the flags forbid it. A vote never fails for it: what can't be read or kept is
 * said, once.
 */
export function memoryOf(
  electionId: string,
  { memory = true }: MemoryFlags,
  io: Io,
  out: Console,
): VoterMemory {
  if (!memory) return forgetful();
  let said = false;
  const orSay = async <T>(work: (file: VoterMemoryFile) => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await work(new VoterMemoryFile(stateFolder(io.env), electionId, sayDamaged));
    } catch (error) {
      // Whatever the file system says, or the system that knows no home of this user.
      if (!(error instanceof PsephosError) && codeOf(error) === undefined) throw error;
      if (!said)
        out.note(`WARNING: what this program remembers can't be used: ${(error as Error).message}\n`);
      said = true;
      return otherwise;
    }
  };
  const sayDamaged = (path: string) => {
    out.note(
      `WARNING: what this program remembered of this election can't be read, and was put aside: ${quotePath(path)}\n`,
    );
    out.emit({ event: 'memory-damaged', file: path });
  };
  return {
    recall: () => orSay((file) => file.read(), NOTHING_REMEMBERED),
    change: (how) => orSay((file) => file.change(how), undefined),
  };
}

/** For a computer that others use, too. */
function forgetful(): VoterMemory {
  let now: Remembered = NOTHING_REMEMBERED;
  return {
    recall: () => Promise.resolve(now),
    change: (how) => {
      now = how(now);
      return Promise.resolve();
    },
  };
}
