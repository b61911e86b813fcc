import { equalBytes } from '../../base/bytes.ts';
import { cidFromDigest } from '../../crypto/cid.ts';
import { EMPTY_HEAD, type Head, linkProblem } from '../../log/entry-codec.ts';
import type { Findings } from '../report.ts';

/** An entry's place as it states it; `prev` is the digest in its CID. */
export interface Link {
  readonly seq: number;
  readonly prev: Uint8Array | null;
  readonly time: number;
}

/**
 * Whether each entry follows the one before. After a break it goes on from what it found, so that one lost or foreign
 * entry is one finding, not one for each entry after it.
 */
export class ChainCheck {
  readonly #findings: Findings;
  #digest: Uint8Array | null = null;
  #size = EMPTY_HEAD.size;
  #time = EMPTY_HEAD.time;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** CID of the last entry, as text; null before the first. */
  get head(): string | null {
    return this.#digest === null ? null : cidFromDigest(this.#digest).toString();
  }

  /** Judges the entry at `position` with this digest; false for one that doesn't follow. */
  entry(position: number, link: Link, digest: Uint8Array): boolean {
    // The frequent case in a few comparisons; `linkProblem` judges the others, and costs two CIDs.
    const follows =
      link.seq === this.#size &&
      link.time >= this.#time &&
      link.prev !== null &&
      this.#digest !== null &&
      equalBytes(link.prev, this.#digest);
    const problem = follows ? undefined : linkProblem(this.#head(), { ...link, prev: cidOrNull(link.prev) });
    if (problem !== undefined) this.#findings.add({ check: 'chain', seq: position, message: problem });
    this.#digest = digest;
    this.#size = link.seq + 1;
    this.#time = Math.max(this.#time, link.time);
    return problem === undefined;
  }

  /** Takes an entry that can't be read: the next one may still name it as the one before. */
  unreadable(digest: Uint8Array): void {
    this.#digest = digest;
    this.#size++;
  }

  #head(): Head {
    return { size: this.#size, cid: cidOrNull(this.#digest), time: this.#time };
  }
}

function cidOrNull(digest: Uint8Array | null) {
  return digest === null ? null : cidFromDigest(digest);
}
