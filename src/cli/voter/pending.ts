import { PsephosError, refused } from '../../base/errors.ts';
import type { KnownElection, PreparedBallot } from '../../services/voter-session.ts';
import { codeOf } from '../../store/fs-errors.ts';
import { type KeptBallot, KeptBallots } from '../../store/kept-ballots.ts';
import type { Console } from '../console.ts';
import type { Io } from '../io.ts';
import { printable } from '../printable.ts';
import { programLine, quotePath } from '../program-line.ts';
import { formatTime, isoTime } from '../time.ts';
import type { MemoryFlags } from './memory.ts';
import { stateFolder } from './state-folder.ts';

/** A ballot that is to be cast, and where it waits for that. */
export interface Pending {
  readonly ballot: Omit<PreparedBallot, 'opening'>;
  readonly electionId: string;
  readonly round: number;
  /** The file that it is kept in; undefined for one that this program alone holds. */
  readonly file: string | undefined;
  /** Whether an earlier run of the program made it. */
  readonly isResumed: boolean;
  /** Throws `ballot-gone` where it is kept no more: another program cast it, or threw it away. */
  expectKept(): Promise<void>;
  /** Forgets it: it is cast, or can't be any more. */
  drop(): Promise<void>;
  /** Says that it waits, for so many seconds from now. */
  sayWaits(isBusy: boolean, seconds: number): void;
}

/** Whose, and for what, a ballot is that was made just now. */
export interface MadeBallot {
  readonly election: KnownElection;
  readonly voter: string;
  readonly ballot: Omit<PreparedBallot, 'opening'>;
}

/**
 * Where ballots are kept from the moment that their voters want them cast until they are known to be. A vote never fails for it: what
 * can't be kept is said, and cast all the same.
 */
export class BallotBox {
  readonly #folder: () => string | undefined;
  readonly #out: Console;
  #said = false;

  /** The user's own; none where the flags forbid to remember anything. */
  constructor({ memory = true }: MemoryFlags, io: Io, out: Console) {
    this.#folder = () => (memory ? stateFolder(io.env) : undefined);
    this.#out = out;
  }

  /** What is kept for an election, or of one authority. */
  async find(
    which: { readonly electionId: string } | { readonly authority: Uint8Array },
  ): Promise<KeptBallot[]> {
    return this.#orSay((store) => store.find(which), []);
  }

  async of(electionId: string, voter: Uint8Array): Promise<KeptBallot | undefined> {
    return this.#orSay((store) => store.of(electionId, voter), undefined);
  }

  /** Keeps a ballot, before anything of it is sent. Throws `ballot-kept` where another one of this voter is kept. */
  async keep({ election, voter, ballot }: MadeBallot): Promise<Pending> {
    const { electionId, genesis, round } = election;
    const kept = await this.#orSay(
      (store) =>
        store.keep({
          ...{ electionId, voter, authority: genesis.authority, bytes: ballot.bytes },
          round: round?.entry.round ?? 1,
          closes: round?.entry.closes ?? null,
          made: Date.now(),
        }),
      undefined,
    );
    return kept === undefined ? this.#unkept({ election, voter, ballot }) : this.#pending(kept, false);
  }

  /** A ballot of an earlier run, to be cast now. */
  resume(kept: KeptBallot): Pending {
    return this.#pending(kept, true);
  }

  /** Throws a ballot away on request; says what that means. */
  async discard(kept: KeptBallot): Promise<void> {
    await this.#orSay((store) => store.drop(kept), undefined);
    const { electionId, round, tracker } = kept;
    this.#out.emit({ event: 'discarded', electionId, round, tracker });
    this.#out.say(
      `The ballot ${tracker} is thrown away, and this computer will not send it any more. If it was sent before, it may be in the log all the same.\n`,
    );
  }

  /** Says that a ballot of an earlier run is here. */
  sayFound(kept: KeptBallot): void {
    const { electionId, round, tracker, voter, made, ballot } = kept;
    const file = this.#file(kept);
    this.#out.emit({
      ...{ event: 'pending', electionId, round, tracker, number: ballot.number, voter, file },
      made: isoTime(made),
    });
    this.#out.note(
      `A ballot of ${printable(voter)} for round ${round} is kept on this computer since ${formatTime(made)}, and is not known to be cast.\n` +
        `  Ballot tracker  ${tracker}\n  Kept in         ${file}\n`,
    );
  }

  #pending(kept: KeptBallot, isResumed: boolean): Pending {
    const { electionId, round, closes, bytes, tracker, ballot } = kept;
    const file = this.#file(kept);
    const isSealed = ballot.form === 'sealed';
    return {
      ballot: { bytes, tracker, number: ballot.number },
      ...{ electionId, round, file, isResumed },
      expectKept: async () => {
        if (!(await this.#orSay((store) => store.holds(kept), true))) throw gone(tracker);
      },
      drop: () => this.#orSay((store) => store.drop(kept), undefined),
      sayWaits: (isBusy, seconds) => {
        this.#sayWaits({ electionId, round, closes, tracker, isSealed, file, isBusy, seconds });
      },
    };
  }

  #unkept({ election, ballot }: MadeBallot): Pending {
    const { electionId, genesis } = election;
    const round = election.round?.entry.round ?? 1;
    const closes = election.round?.entry.closes ?? null;
    const { tracker } = ballot;
    const isSealed = genesis.policy.secrecy === 'sealed';
    return {
      ...{ ballot, electionId, round, file: undefined, isResumed: false },
      expectKept: () => Promise.resolve(),
      drop: () => Promise.resolve(),
      sayWaits: (isBusy, seconds) => {
        this.#sayWaits({ electionId, round, closes, tracker, isSealed, file: undefined, isBusy, seconds });
      },
    };
  }

  #file(kept: KeptBallot): string {
    return new KeptBallots(this.#folder() ?? '.', () => undefined).pathOf(kept);
  }

  #sayWaits(about: Waits): void {
    const { electionId, round, tracker, file, seconds } = about;
    this.#out.emit({ event: 'kept', electionId, round, tracker, file: file ?? null, seconds });
    this.#out.note(waitsText(about));
  }

  async #orSay<T>(work: (store: KeptBallots) => Promise<T>, otherwise: T): Promise<T> {
    try {
      const folder = this.#folder();
      return folder === undefined
        ? otherwise
        : await work(
            new KeptBallots(folder, (path) => {
              this.#sayDamaged(path);
            }),
          );
    } catch (error) {
      // Whatever the file system says, or the system that knows no home of this user.
      const isForeseen = error instanceof PsephosError || codeOf(error) !== undefined;
      if (!isForeseen || (error instanceof PsephosError && error.code === 'ballot-kept')) throw error;
      if (!this.#said)
        this.#out.note(`WARNING: no ballot can be kept on this computer: ${(error as Error).message}\n`);
      this.#said = true;
      return otherwise;
    }
  }

  #sayDamaged(path: string): void {
    this.#out.note(`WARNING: a ballot that was kept can't be read, and was put aside: ${quotePath(path)}\n`);
    this.#out.emit({ event: 'kept-ballot-damaged', file: path });
  }
}

interface Waits {
  readonly electionId: string;
  readonly round: number;
  readonly closes: number | null;
  readonly tracker: string;
  readonly isSealed: boolean;
  readonly file: string | undefined;
  readonly isBusy: boolean;
  readonly seconds: number;
}

function waitsText({ closes, isSealed, file, isBusy, seconds }: Waits): string {
  const what = isSealed ? 'Your ballot is sealed and signed' : 'Your ballot is signed';
  const where =
    file === undefined
      ? ' and held by this program alone: it is lost when the program ends'
      : `, and kept in ${quotePath(file)}`;
  const again =
    file === undefined
      ? ''
      : ' If it ends before, run it again: it goes on with that very ballot, which counts once however often it is sent.';
  const late =
    closes === null ? '' : ` The round closes ${formatTime(closes)}: a ballot that comes later is not taken.`;
  return (
    (isBusy ? '' : "The organiser's computer can't be reached.\n") +
    `${what}${where}. It will be cast when that computer answers again.\n` +
    `This program tries for ${spanInWords(seconds)}.${again}${late}\n`
  );
}

/** A span as people say it: `90 s`, `5 min`, `12 h`. */
function spanInWords(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 2 * 3600 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function gone(tracker: string): PsephosError {
  return refused(
    'ballot-gone',
    `The ballot ${tracker} is not kept here any more: another program has cast it, or thrown it away.`,
    { hint: `Run "${programLine('voter')} receipt" to find out whether it was cast.` },
  );
}
