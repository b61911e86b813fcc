import type { Result } from '../../../base/result.ts';
import type { ArchiveFile } from '../archive/reader.ts';
import { pointText } from '../encoding/elements.ts';
import type { CheckedBallot } from './ballot-judge.ts';
import type { WeightedChoices } from './cryptography.ts';
import type { ArchiveFindings } from './report.ts';

/** The ballots of an archive in their order: which are valid, and which of those count. */
export class BallotBoard {
  readonly #weights: ReadonlyMap<string, bigint> | undefined;
  readonly #findings: ArchiveFindings;
  readonly #texts = new Set<string>();
  readonly #last = new Map<string, WeightedChoices>();
  #count = 0;

  constructor(weights: ReadonlyMap<string, bigint> | undefined, findings: ArchiveFindings) {
    this.#weights = weights;
    this.#findings = findings;
  }

  /** Ballot events so far. */
  get count(): number {
    return this.#count;
  }

  /** The ballots that count: of each credential the last (4.17). */
  get counted(): ReadonlyMap<string, WeightedChoices> {
    return this.#last;
  }

  get totalWeight(): bigint {
    let total = 0n;
    for (const { weight } of this.#last.values()) total += weight;
    return total;
  }

  /** The next ballot with the judgement of what it says by itself. */
  add(file: ArchiveFile, judged: Result<CheckedBallot, string>): void {
    this.#count++;
    const refuse = (reason: string) => {
      this.#findings.invalid('ballots', `ballot ${this.#count} (${file.hash}): ${reason}`);
    };
    // A copy of an earlier ballot may be a replay by the server after a newer one of the same voter.
    if (this.#texts.has(file.hash)) {
      refuse('the same ballot is there already');
      return;
    }
    this.#texts.add(file.hash);
    if (!judged.ok) {
      refuse(judged.error);
      return;
    }
    const { credential, choices } = judged.value;
    const key = pointText(credential);
    const weight = this.#weights?.get(key);
    if (weight === undefined) {
      // Without a list, the check of credentials says so already.
      if (this.#weights !== undefined) refuse('its credential is not on the list');
      return;
    }
    this.#last.set(key, { choices, weight });
  }
}
