import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { publicKeyOf } from '#src/crypto/signature.js';
import { encodeSignedBallot, signBallot } from '#src/election/ballot.js';
import type { Choice } from '#src/election/choices.js';
import type { Policy, Question } from '#src/election/entries.js';
import { createElection } from '#src/services/create-election.js';
import { ElectionLog } from '#src/services/election-log.js';
import type { StationEvent } from '#src/services/events.js';
import { Organiser } from '#src/services/organiser.js';
import { PollingStation } from '#src/services/polling-station.js';
import { TrusteeDesk } from '#src/services/trustee-desk.js';
import type { DraftRound, Store } from '#src/services/ports.js';
import { openLevelStore } from '#src/store/level-store.js';
import { cleanUp } from './cleanup.ts';

/** A 32-byte seed that is different for every number and worthless. */
export function testSeed(number: number): Uint8Array {
  const seed = new Uint8Array(32).fill(0xa5);
  new DataView(seed.buffer).setUint32(0, number);
  return seed;
}

export const AUTHORITY = testSeed(0xffffffff);

export const QUESTION: Question = {
  question: 'Which one?',
  answers: ['a', 'b', 'c'],
  min: 1,
  max: 1,
  blank: true,
  method: 'count',
};

/** A temporary folder that goes with the test. */
export async function tempFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'psephos-test-'));
  cleanUp(t, () => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface TempElectionOptions {
  readonly voters?: number;
  readonly policy?: Partial<Policy>;
  readonly draft?: Partial<DraftRound>;
  /** Weight of each voter; by default one more than the voter's number. */
  readonly weightOf?: (voter: number) => number;
  /** Of a sealed election: its trustees in Belenios' text. */
  readonly trustees?: string;
  /** Wraps the store, to make it fail. */
  readonly wrapStore?: (store: Store) => Store;
  readonly folder?: string;
}

/** An election in a real store in a temporary folder, with a clock that only the test moves. */
export class TempElection {
  readonly folder: string;
  readonly events: StationEvent[] = [];
  now = 1_000_000;
  #log: ElectionLog | undefined;
  readonly #options: TempElectionOptions;

  private constructor(folder: string, options: TempElectionOptions) {
    this.folder = folder;
    this.#options = options;
  }

  /** Makes an election whose voters are v0, v1, … with the seeds `testSeed(0)`, …; voter i has weight i + 1. */
  static async create(t: TestContext, options: TempElectionOptions = {}): Promise<TempElection> {
    const election = new TempElection(options.folder ?? (await tempFolder(t)), options);
    cleanUp(t, () => election.close());
    const log = await election.#openLog(true);
    const voters = Array.from({ length: options.voters ?? 3 }, (_, index) => ({
      name: `v${index}`,
      key: publicKeyOf(testSeed(index)),
      weight: options.weightOf?.(index) ?? index + 1,
    }));
    await createElection(
      log,
      {
        uuid: '01234567-89ab-4cde-8f01-23456789abcd',
        title: 'Board',
        description: '',
        policy: { secrecy: 'open', revote: 'last', names: 'public', ...options.policy },
        voters,
        ...(options.trustees === undefined ? {} : { trustees: options.trustees }),
        firstRound: { title: 'Round 1', questions: [QUESTION], opens: null, closes: null, ...options.draft },
      },
      AUTHORITY,
      () => undefined,
    );
    return election;
  }

  get log(): ElectionLog {
    if (this.#log === undefined) throw new Error('the election is closed');
    return this.#log;
  }

  get organiser(): Organiser {
    return new Organiser(this.log, (event) => this.events.push(event));
  }

  trusteeDesk(): TrusteeDesk {
    return new TrusteeDesk(this.log, this.organiser, (event) => this.events.push(event));
  }

  station(): PollingStation {
    return new PollingStation(this.log, (event) => this.events.push(event));
  }

  async #openLog(create: boolean): Promise<ElectionLog> {
    this.#log = await ElectionLog.open({
      openStore: async () => {
        const store = await openLevelStore(this.folder, { create, program: 'a test' });
        return this.#options.wrapStore?.(store) ?? store;
      },
      loadSeed: () => Promise.resolve(AUTHORITY),
      clock: { now: () => this.now },
      onEvent: (event) => this.events.push(event),
      onProgress: () => undefined,
    });
    return this.#log;
  }

  /** Closes the store and takes the election up again from disk. */
  async reopen(): Promise<void> {
    await this.close();
    await this.#openLog(false);
  }

  async close(): Promise<void> {
    const log = this.#log;
    this.#log = undefined;
    await log?.close();
  }

  /** The encoded ballot of voter `index` for the newest round. */
  ballot(index: number, choices: readonly Choice[], number = 1): Uint8Array {
    const round = this.log.state.round;
    if (round === undefined) throw new Error('no round was opened');
    return encodeSignedBallot(
      signBallot({ form: 'open', round: round.cid, number, choices }, testSeed(index)),
    );
  }
}
