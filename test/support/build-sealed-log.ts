import type { CID } from 'multiformats/cid';
import type { LogSource } from '#src/audit/source.js';
import { decodeBallot, encodeBallot } from '#src/belenios/v1/encoding/ballot.js';
import { encodeEncryptedTally } from '#src/belenios/v1/encoding/tally.js';
import { encodeTrustees } from '#src/belenios/v1/encoding/trustees.js';
import type { Ballot, Trustee } from '#src/belenios/v1/messages.js';
import {
  type SealedRound,
  type SoundTrustees,
  readTrustees,
  sealedRound,
} from '#src/belenios/v1/sealed-round.js';
import { TallySum } from '#src/belenios/v1/tally.js';
import { type TrusteeKeys, generateTrustee } from '#src/belenios/v1/trustees.js';
import { signBallot } from '#src/election/ballot.js';
import type { Choice } from '#src/election/choices.js';
import {
  type GenesisEntry,
  type Policy,
  type Question,
  SEALING,
  type Turnout,
} from '#src/election/entries.js';
import { decodeEntry } from '#src/log/entry-codec.js';
import { decryptWith } from '#src/services/decrypting.js';
import { platformRandom } from '#src/services/platform-random.js';
import { sealVote } from '#src/services/sealing.js';
import { countedVotes } from '#src/tally/count.js';
import { LogBuilder, QUESTION, type TestVoter, VOTERS } from './build-log.js';

/** A sealed text with something changed in what it says; it is not made valid again. */
export function tampered(sealed: string, change: (ballot: Ballot) => Ballot): string {
  const read = decodeBallot(sealed);
  if (!read.ok) throw new Error('no ballot to tamper with');
  return encodeBallot(change(read.value));
}

/**
 * Makes sealed logs as `LogBuilder` makes open ones: chained and signed properly, and judging nothing. What is cast and counted can be
 * changed on the way.
 */
export class SealedLogBuilder {
  readonly log = new LogBuilder();
  readonly trustees: readonly TrusteeKeys[];
  readonly trusteesText: string;
  #questions: readonly Question[] = [QUESTION];
  #title = '';
  /** What counts, by voter's name: the sealed text and the weight. */
  readonly #last = new Map<string, { readonly sealed: string; readonly weight: number }>();
  #ballots = 0;

  constructor(trustees = 2) {
    this.trustees = Array.from({ length: trustees }, () => generateTrustee(platformRandom));
    this.trusteesText = encodeTrustees(
      this.trustees.map(({ publicKey }): Trustee => ({ kind: 'Single', key: publicKey })),
    );
  }

  /** Genesis, roll and trustees. */
  begin(policy: Partial<Policy> = {}): this {
    this.log.genesis({ policy: { secrecy: 'sealed', ...policy } });
    this.log.roll(VOTERS);
    this.appendTrustees();
    return this;
  }

  appendTrustees(text = this.trusteesText): number {
    return this.log.append({ kind: 'trustees', protocol: SEALING, trustees: text });
  }

  openRound(
    round: number,
    questions: readonly Question[] = [QUESTION],
    closes: number | null = null,
  ): number {
    this.#questions = questions;
    this.#title = `Round ${round}`;
    this.#last.clear();
    this.#ballots = 0;
    return this.log.openRound(round, questions, closes);
  }

  get sound(): SoundTrustees {
    const read = readTrustees(this.trusteesText);
    if (!read.ok) throw new Error(read.error);
    return read.value;
  }

  /** The newest round as its ballots have it. */
  get round(): SealedRound {
    return sealedRound(this.#genesis, this.#target(), this.sound.publicKey);
  }

  #target(cid: CID = this.log.round) {
    return { entry: { title: this.#title, questions: this.#questions }, cid };
  }

  get #genesis(): GenesisEntry {
    const decoded = decodeEntry(this.log.entries[0] ?? new Uint8Array());
    if (!decoded.ok || decoded.value.kind !== 'genesis') throw new Error('no genesis');
    return decoded.value;
  }

  /** A sealed vote of a voter on the newest round. */
  seal(voter: TestVoter, choices: readonly Choice[]): string {
    const entry = { ...this.#target().entry } as Parameters<typeof sealVote>[1]['entry'];
    return sealVote(
      { genesis: this.#genesis, trustees: this.sound },
      { entry, cid: this.log.round },
      voter.seed,
      choices,
      platformRandom,
    ).sealed;
  }

  /** Casts a sealed text, which counts in the place of the voter's earlier one. */
  castText(voter: TestVoter, number: number, sealed: string, round: CID = this.log.round): number {
    this.#ballots++;
    this.#last.set(voter.name, { sealed, weight: voter.weight });
    return this.log.append({
      kind: 'ballot',
      ballot: signBallot({ form: 'sealed', round, number, sealed }, voter.seed),
    });
  }

  cast(voter: TestVoter, number: number, choices: readonly Choice[]): number {
    return this.castText(voter, number, this.seal(voter, choices));
  }

  close(round: number): number {
    return this.log.close(round);
  }

  /** What the log should say of the sum of these texts. */
  sumOf(counted: readonly { readonly sealed: string; readonly weight: number }[] = [...this.#last.values()]) {
    const sum = new TallySum(this.round.election);
    for (const { sealed, weight } of counted) {
      const read = decodeBallot(sealed);
      if (!read.ok) throw new Error('a ballot that can not be read');
      sum.add(
        read.value.answers.map(({ choices }) => choices),
        BigInt(weight),
      );
    }
    return {
      numTallied: counted.length,
      totalWeight: counted.reduce((total, { weight }) => total + weight, 0),
      encryptedTally: encodeEncryptedTally(sum.value()),
    };
  }

  tally(round: number, change: Partial<ReturnType<SealedLogBuilder['sumOf']>> = {}): number {
    return this.log.append({ kind: 'tally', round, ...this.sumOf(), ...change });
  }

  /** What the trustee with this number makes of a tally. */
  decryptionOf(trustee: number, encryptedTally = this.sumOf().encryptedTally) {
    const secret = this.trustees[trustee - 1]?.secret;
    if (secret === undefined) throw new Error(`no trustee ${trustee}`);
    return decryptWith(secret, this.sound, this.round, { encryptedTally }, platformRandom);
  }

  decryption(round: number, trustee: number): number {
    return this.log.append({ kind: 'decryption', round, ...this.decryptionOf(trustee) });
  }

  /** The result, from votes that the test counted by hand: per question the answers and the blank votes. */
  result(
    round: number,
    votes: readonly { readonly answers: readonly number[]; readonly blank: number }[],
    change: Partial<Turnout> = {},
  ): number {
    const votedWeight = [...this.#last.values()].reduce((sum, { weight }) => sum + weight, 0);
    return this.log.append({
      kind: 'result',
      round,
      turnout: {
        voters: VOTERS.length,
        weight: VOTERS.reduce((sum, { weight }) => sum + weight, 0),
        voted: this.#last.size,
        votedWeight,
        ballots: this.#ballots,
        ...change,
      },
      questions: votes.map(({ answers, blank }) => countedVotes(answers, blank)),
    });
  }

  source(): LogSource {
    return this.log.source();
  }
}
