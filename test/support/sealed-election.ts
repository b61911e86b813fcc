import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { TestContext } from 'node:test';
import type { LogSource } from '#src/audit/source.js';
import type { GivenDecryption } from '#src/belenios/v1/decrypting.js';
import { encodeTrustees } from '#src/belenios/v1/encoding/trustees.js';
import type { SealedRound, SoundTrustees } from '#src/belenios/v1/sealed-round.js';
import { generateTrustee } from '#src/belenios/v1/trustees.js';
import type { Scalar } from '#src/crypto/group/group.js';
import { encodeSignedBallot, signBallot } from '#src/election/ballot.js';
import type { Choice } from '#src/election/choices.js';
import type { Question } from '#src/election/entries.js';
import type { RoundState } from '#src/election/log-state.js';
import { decryptWith } from '#src/services/decrypting.js';
import type { CountProgress } from '#src/services/organiser.js';
import { platformRandom } from '#src/services/platform-random.js';
import { SealedRounds } from '#src/services/sealed-rounds.js';
import { sealVote } from '#src/services/sealing.js';
import { exportBelenios } from '#src/store/bel.js';
import { TempElection, type TempElectionOptions, testSeed } from './temp-election.ts';

export interface SealedElectionOptions extends Pick<
  TempElectionOptions,
  'voters' | 'weightOf' | 'policy' | 'folder'
> {
  readonly questions: readonly Question[];
  /** Who can decrypt; one single trustee by default. */
  readonly trustees?: TestTrustees;
}

export interface TestTrustees {
  /** Belenios' text. */
  readonly text: string;
  /** In the order of their numbers, from 1. */
  readonly secrets: readonly Scalar[];
}

/** Trustees all of whom must decrypt. */
export function singleTrustees(count: number): TestTrustees {
  const keys = Array.from({ length: count }, () => generateTrustee(platformRandom));
  return {
    text: encodeTrustees(keys.map(({ publicKey }) => ({ kind: 'Single', key: publicKey }))),
    secrets: keys.map(({ secret }) => secret),
  };
}

/** An election with sealed ballots, run by the services of `src` in a real store. */
export class SealedElection {
  readonly election: TempElection;
  /** Of the trustees, in the order of their numbers, from 1. */
  readonly secrets: readonly Scalar[];
  readonly #rounds = new SealedRounds();
  readonly #cast = new Map<number, number>();

  private constructor(election: TempElection, secrets: readonly Scalar[]) {
    this.election = election;
    this.secrets = secrets;
  }

  static async create(t: TestContext, options: SealedElectionOptions): Promise<SealedElection> {
    const { questions, trustees = singleTrustees(1), policy, ...rest } = options;
    const election = await TempElection.create(t, {
      ...rest,
      policy: { ...policy, secrecy: 'sealed' },
      draft: { questions },
      trustees: trustees.text,
    });
    return new SealedElection(election, trustees.secrets);
  }

  get round(): RoundState {
    const { round } = this.election.log.state;
    if (round === undefined) throw new Error('no round was opened');
    return round;
  }

  get trustees(): SoundTrustees {
    return this.#rounds.trustees(this.election.log.state);
  }

  /** The newest round as the election of Belenios that it is. */
  get sealed(): SealedRound {
    return this.#rounds.round(this.election.log.state, this.round);
  }

  get source(): LogSource {
    const { store } = this.election.log;
    return {
      name: this.election.folder,
      entries: (from, to) => store.entries(from, to),
      checkpoints: (from) => store.checkpoints(from),
      latestCheckpoint: () => store.latestCheckpoint(),
    };
  }

  /** Opens the prepared round. */
  async open(): Promise<void> {
    this.#cast.clear();
    await this.election.organiser.open({ untested: true });
  }

  /** The sealed text of a vote by voter `index` on the newest round. */
  seal(index: number, choices: readonly Choice[]): string {
    const { genesis } = this.election.log;
    return sealVote(
      { genesis, trustees: this.trustees },
      this.round,
      testSeed(index),
      choices,
      platformRandom,
    ).sealed;
  }

  /** Casts a vote, or the next one, of voter `index`; resolves to its sealed text. */
  async vote(index: number, choices: readonly Choice[]): Promise<string> {
    const number = (this.#cast.get(index) ?? 0) + 1;
    const sealed = this.seal(index, choices);
    const ballot = signBallot({ form: 'sealed', round: this.round.cid, number, sealed }, testSeed(index));
    await this.election.station().cast(encodeSignedBallot(ballot));
    this.#cast.set(index, number);
    return sealed;
  }

  async close(): Promise<void> {
    await this.election.organiser.close();
  }

  /** The decryption by a trustee, by number. */
  decryption(trustee: number): GivenDecryption {
    const secret = this.secrets[trustee - 1];
    const { tally } = this.round;
    if (secret === undefined || tally === undefined) throw new Error('no such trustee, or no tally yet');
    return decryptWith(secret, this.trustees, this.sealed, tally, platformRandom);
  }

  count(...given: readonly GivenDecryption[]): Promise<CountProgress> {
    return this.election.organiser.count(given);
  }

  /** Exports the newest round, as it stands, or another one. */
  async exportTo(path: string, round?: number): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await exportBelenios(this.source, path, { round });
  }
}
