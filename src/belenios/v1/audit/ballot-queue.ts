import { type Result, err } from '../../../base/result.ts';
import type { ArchiveFile } from '../archive/reader.ts';
import type { CheckBallots, CheckedBallot } from './ballot-judge.ts';

type Verdicts = readonly Result<CheckedBallot, string>[];

interface Batch {
  readonly files: readonly ArchiveFile[];
  readonly verdicts: Promise<Verdicts>;
}

/**
 * Hands ballots to a checker in batches, several at a time, and passes their verdicts on in the order of the ballots.
 */
export class BallotQueue {
  readonly #check: (texts: readonly string[]) => Promise<Verdicts>;
  readonly #take: (file: ArchiveFile, verdict: Result<CheckedBallot, string>) => void;
  readonly #batchSize: number;
  readonly #atOnce: number;
  #gathering: ArchiveFile[] = [];
  readonly #underway: Batch[] = [];

  constructor(
    electionText: string,
    check: CheckBallots,
    take: (file: ArchiveFile, verdict: Result<CheckedBallot, string>) => void,
    sizes: { readonly batchSize: number; readonly atOnce: number },
  ) {
    this.#check = (texts) => check(electionText, texts);
    this.#take = take;
    this.#batchSize = sizes.batchSize;
    this.#atOnce = sizes.atOnce;
  }

  /** Waits when as many batches as allowed are underway. Rejects when the checker does. */
  async push(file: ArchiveFile): Promise<void> {
    this.#gathering.push(file);
    if (this.#gathering.length < this.#batchSize) return;
    this.#send();
    while (this.#underway.length > this.#atOnce - 1) await this.#takeFirst();
  }

  /** Every ballot that was pushed has been passed on. */
  async drain(): Promise<void> {
    if (this.#gathering.length > 0) this.#send();
    while (this.#underway.length > 0) await this.#takeFirst();
  }

  #send(): void {
    const files = this.#gathering;
    this.#gathering = [];
    const verdicts = this.#check(files.map(({ text }) => text));
    // A failure is met where the batch is taken, possibly after another one's.
    verdicts.catch(() => undefined);
    this.#underway.push({ files, verdicts });
  }

  async #takeFirst(): Promise<void> {
    const batch = this.#underway.shift();
    if (batch === undefined) return;
    const verdicts = await batch.verdicts;
    for (const [i, file] of batch.files.entries()) {
      this.#take(file, verdicts[i] ?? err('the checker gave no verdict'));
    }
  }
}
