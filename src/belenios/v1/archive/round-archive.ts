import type { CID } from 'multiformats/cid';
import { compareBytes, concatBytes, toHex } from '../../../base/bytes.ts';
import { type Result, err, ok } from '../../../base/result.ts';
import type { Point } from '../../../crypto/group/group.ts';
import type { BallotEntry, Entry, RoundEntry, Voter } from '../../../election/entries.ts';
import { readBallot } from '../../../election/ballot.ts';
import { encodePublicCredentials } from '../encoding/credentials.ts';
import { type EventType, LATEST_TIMESTAMP, encodeHeader } from '../encoding/events.ts';
import { CREDENTIALS_LIMITS } from '../encoding/limits.ts';
import { encodeResult } from '../encoding/tally.ts';
import { beleniosResult, readTrustees, sealedRound } from '../sealed-round.ts';
import { outOfOrder } from './order.ts';
import { ArchiveWriter } from './writer.ts';

/** Bytes to append, none for an entry that is not about the round; or why the entry has no place in an archive. */
type Step = Result<Uint8Array, string>;

const NOTHING: Step = ok(new Uint8Array());

/**
 * Makes the Belenios archive (4.4) of one round of a log with sealed ballots, from the log's entries in order, one at a time. That they
 * follow on each other as a log's must is the caller's to see; what they say of the round is put down as it stands, and is for an audit of
 * the archive to judge. The same log always gives the same bytes, and a longer one gives bytes that begin with those.
 */
export class RoundArchive {
  readonly #round: number;
  #title = '';
  #trustees: string | undefined;
  #voters: Pick<Voter, 'key' | 'weight'>[] = [];
  /** Voters' own keys, by the key on the roll in hex. */
  #enrolled = new Map<string, Uint8Array>();
  #writing: Writing | undefined;
  #isPast = false;

  /** `round` counts from 1. */
  constructor(round: number) {
    this.#round = round;
  }

  /** Whether the round was opened: before that there is no archive. */
  get hasBegun(): boolean {
    return this.#writing !== undefined;
  }

  /** Whether nothing that comes later can be about the round. */
  get isPast(): boolean {
    return this.#isPast;
  }

  /** Takes the next entry of the log. After an error the archive can't go on. */
  take(entry: Entry, cid: CID): Step {
    switch (entry.kind) {
      case 'genesis':
        this.#title = entry.title;
        return NOTHING;
      case 'roll':
        for (const { key, weight } of entry.voters) this.#voters.push({ key, weight });
        return NOTHING;
      case 'enrolment':
        this.#enrolled.set(toHex(entry.voter), entry.key);
        return NOTHING;
      case 'trustees':
        this.#trustees = entry.trustees;
        return NOTHING;
      case 'ceremony':
      case 'call':
      case 'readiness':
        // An archive has who the trustees are and what they decrypted; the rest is our log's own.
        return NOTHING;
      case 'round':
        return entry.round === this.#round ? this.#begin(entry, cid) : this.#anotherRound(entry);
      case 'ballot':
      case 'close':
      case 'tally':
      case 'decryption':
      case 'result':
        return this.#writing === undefined || this.#isPast ? NOTHING : appended(entry, this.#writing);
    }
  }

  #anotherRound({ round }: RoundEntry): Step {
    this.#isPast = round > this.#round;
    return NOTHING;
  }

  #begin(entry: RoundEntry, cid: CID): Step {
    if (this.#trustees === undefined) return err('a round opens before there are trustees');
    const trustees = readTrustees(this.#trustees);
    if (!trustees.ok) return err(`the trustees are not sound: ${trustees.error}`);
    // Whole seconds, and of the round instead of the export, so that every copy is the same.
    const seconds = Math.floor(entry.time / 1000);
    if (seconds > LATEST_TIMESTAMP) return err('it opens at a time for which an archive has no room');
    const credentials = this.#credentials();
    if (!credentials.ok) return credentials;
    const writer = new ArchiveWriter(encodeHeader(seconds));
    this.#writing = { writer, entry };
    const { electionText } = sealedRound({ title: this.#title }, { entry, cid }, trustees.value.publicKey);
    const texts = { election: electionText, trustees: this.#trustees, credentials: credentials.value };
    return ok(concatBytes(writer.begin(), writer.setup(texts)));
  }

  /** Those that voters have when the round opens, in the order of the keys' bytes (4.8); with weights where not all are 1, which is what an absent one means. */
  #credentials(): Result<string, string> {
    const enrolled = this.#enrolled;
    const voters = this.#voters.map(({ key, weight }) => ({
      key: (enrolled.size === 0 ? undefined : enrolled.get(toHex(key))) ?? key,
      weight,
    }));
    this.#voters = [];
    this.#enrolled = new Map();
    const most = CREDENTIALS_LIMITS.maxItems;
    if (voters.length > most) return err(`of ${voters.length} voters, an archive has room for ${most}`);
    const weighted = voters.some(({ weight }) => weight !== 1);
    voters.sort((a, b) => compareBytes(a.key, b.key));
    return ok(
      encodePublicCredentials(
        voters.map(({ key, weight }) => ({
          // Whether it is one is for the audit; what matters here is its spelling.
          key: key as Point,
          ...(weighted ? { weight: BigInt(weight) } : {}),
        })),
      ),
    );
  }
}

const EVENT_OF = {
  ballot: 'Ballot',
  close: 'EndBallots',
  tally: 'EncryptedTally',
  decryption: 'PartialDecryption',
  result: 'Result',
} as const satisfies Record<LaterEntry['kind'], EventType>;

function appended(entry: LaterEntry, { writer, entry: round }: Writing): Step {
  // A log may state a result that no trustee decrypted; an archive can't.
  const misplaced = outOfOrder(EVENT_OF[entry.kind], writer.head?.type);
  if (misplaced !== undefined) return err(misplaced);
  switch (entry.kind) {
    case 'ballot': {
      const text = sealedTextOf(entry);
      return text.ok ? ok(writer.ballot(text.value)) : text;
    }
    case 'close':
      return ok(writer.endBallots());
    case 'tally': {
      const { encryptedTally, numTallied, totalWeight } = entry;
      return ok(writer.encryptedTally(encryptedTally, { numTallied, totalWeight: BigInt(totalWeight) }));
    }
    case 'decryption':
      return ok(writer.partialDecryption(entry.trustee, entry.partialDecryption));
    case 'result':
      return ok(writer.result(encodeResult(beleniosResult(entry.questions, round.questions))));
  }
}

interface Writing {
  readonly writer: ArchiveWriter;
  readonly entry: RoundEntry;
}

type LaterEntry = Extract<Entry, { kind: 'ballot' | 'close' | 'tally' | 'decryption' | 'result' }>;

function sealedTextOf({ ballot }: BallotEntry): Result<string, string> {
  const read = readBallot(ballot);
  if (!read.ok) return err(read.error.message);
  return read.value.form === 'sealed' ? ok(read.value.sealed) : err('the ballot is not sealed');
}
