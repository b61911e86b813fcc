import { equalBytes, utf8ToBytes } from '../base/bytes.ts';
import type { Result } from '../base/result.ts';
import {
  type SealedRound,
  type SoundTrustees,
  readTrustees,
  sealedRound,
} from '../belenios/v1/sealed-round.ts';
import { cidOf } from '../crypto/cid.ts';
import type { GenesisEntry, RoundEntry, TrusteesEntry } from '../election/entries.ts';
import { decodeEntry } from '../log/entry-codec.ts';
import type { Batch } from './batches.ts';

/** What the sealed ballots of one round are judged by. */
export interface SealedContext {
  /** Digest in the CID of the round entry, which its ballots name. */
  readonly round: Uint8Array;
  readonly electionText: string;
}

/**
 * The trustees and rounds of a sealed log, picked out of its entries before these are checked, since checkers need them for the ballots
 * that follow. Whether the entries may stand where they stand is not judged here: a ballot that names a round which isn't its own
 * is found by the fold, whatever it was judged by here.
 */
export class SealedContexts {
  readonly #genesis: GenesisEntry;
  #trustees: Result<SoundTrustees, string> | undefined;
  /** Rounds whose election is known, by the digest of their entry in hex. */
  readonly #rounds = new Map<string, SealedRound>();
  /** Of the newest round. */
  #newest: SealedContext | undefined;

  constructor(genesis: GenesisEntry) {
    this.#genesis = genesis;
  }

  /** Takes note of a batch's trustees and rounds; gives what its ballots may be about. */
  learn({ bytes, lengths }: Batch): readonly SealedContext[] {
    const contexts = this.#newest === undefined ? [] : [this.#newest];
    let offset = 0;
    for (const length of lengths) {
      const entry = bytes.subarray(offset, offset + length);
      offset += length;
      if (!mayBeContext(entry)) continue;
      const round = this.#learnEntry(entry);
      if (round !== undefined) contexts.push(round);
    }
    return contexts;
  }

  /** The trustees in an entry that was learned, and what is wrong with them. */
  trustees({ trustees }: TrusteesEntry): Result<SoundTrustees, string> {
    return readTrustees(trustees);
  }

  /** A round whose entry was learned; undefined where it had no sound trustees. */
  round(cid: { toString(): string }): SealedRound | undefined {
    return this.#rounds.get(cid.toString());
  }

  #learnEntry(bytes: Uint8Array): SealedContext | undefined {
    const decoded = decodeEntry(bytes);
    if (!decoded.ok) return undefined;
    if (decoded.value.kind === 'trustees') this.#trustees = this.trustees(decoded.value);
    return decoded.value.kind === 'round' ? this.#learnRound(decoded.value, bytes) : undefined;
  }

  #learnRound(entry: RoundEntry, bytes: Uint8Array): SealedContext | undefined {
    if (this.#trustees?.ok !== true) return undefined;
    const cid = cidOf(bytes);
    const made = sealedRound(this.#genesis, { entry, cid }, this.#trustees.value.publicKey);
    this.#rounds.set(cid.toString(), made);
    this.#newest = { round: cid.multihash.digest, electionText: made.electionText };
    return this.#newest;
  }
}

/** `{v: 1, seq, kind: …}` begins so in canonical DAG-CBOR, unless there is a name of three letters or fewer before `seq`. */
const SEQ = Uint8Array.of(0x61, 0x76, 1, 0x63, ...utf8ToBytes('seq'));
const KINDS = ['round', 'trustees'].map((kind) =>
  Uint8Array.of(0x64, ...utf8ToBytes('kind'), 0x60 | kind.length, ...utf8ToBytes(kind)),
);
/** The longest head of an integer. */
const MAX_HEAD = 9;

/** Whether an entry says that it is a round or trustees; so that not every ballot is decoded twice. */
function mayBeContext(entry: Uint8Array): boolean {
  if (!startsWith(entry, 1, SEQ)) return false;
  const from = 1 + SEQ.length;
  for (let at = from + 1; at <= from + MAX_HEAD; at++)
    if (KINDS.some((kind) => startsWith(entry, at, kind))) return true;
  return false;
}

function startsWith(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  return equalBytes(bytes.subarray(at, at + expected.length), expected);
}
