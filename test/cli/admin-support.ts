import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { toHex } from '#src/base/bytes.js';
import { runAdmin } from '#src/cli/admin.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { type UnsignedBallot, encodeSignedBallot, signBallot } from '#src/election/ballot.js';
import type { Choice } from '#src/election/choices.js';
import type { RoundState } from '#src/election/log-state.js';
import { ElectionLog } from '#src/services/election-log.js';
import { platformRandom } from '#src/services/platform-random.js';
import { PollingStation } from '#src/services/polling-station.js';
import { SealedRounds } from '#src/services/sealed-rounds.js';
import { sealVote } from '#src/services/sealing.js';
import { readKeyFile } from '#src/store/key-files.js';
import { openLevelStore } from '#src/store/level-store.js';
import { type CapturedIo, capturedIo } from '../support/captured-io.ts';
import { jsonLines } from '../support/processes.ts';
import { tempFolder, testSeed } from '../support/temp-election.ts';

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** An organiser's working folder, with the admin program at hand. */
export class AdminPlace {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(t: TestContext): Promise<AdminPlace> {
    return new AdminPlace(await tempFolder(t));
  }

  /** With voters v0, v1, … whose keys are those of `testSeed(0)`, …, one question of a to d, and open ballots unless `options` says otherwise. */
  static async withElection(t: TestContext, ...options: string[]): Promise<AdminPlace> {
    const place = await AdminPlace.create(t);
    const rows = [0, 1, 2, 3, 4].map((index) => `v${index},${toHex(publicKeyOf(testSeed(index)))}`);
    const voters = await place.file('voters.csv', ['username,publicKey', ...rows].join('\n'));
    const candidates = await place.file('candidates.txt', 'a\nb\nc\nd\n');
    const made = await place.admin(
      'init',
      '--title',
      'Board',
      '--voters',
      voters,
      '--candidates',
      candidates,
      '--blank',
      ...(options.includes('--secrecy') ? [] : ['--secrecy', 'open']),
      ...options,
    );
    if (made.code !== 0) throw new Error(made.err);
    return place;
  }

  get data(): string {
    return join(this.folder, 'election');
  }

  get keys(): string {
    return join(this.folder, 'keys');
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async file(name: string, text: string | Uint8Array): Promise<string> {
    await mkdir(dirname(this.path(name)), { recursive: true });
    await writeFile(this.path(name), text);
    return this.path(name);
  }

  async read(name: string): Promise<string> {
    return readFile(this.path(name), 'utf8');
  }

  /** The folder options go first, so that a test can override them. */
  arguments(args: readonly string[]): string[] {
    return ['--data', this.data, '--keys', this.keys, ...args];
  }

  async admin(...args: string[]): Promise<Ended> {
    return this.adminOn(capturedIo(), ...args);
  }

  async adminOn(io: CapturedIo, ...args: string[]): Promise<Ended> {
    const code = await runAdmin(this.arguments(args), io);
    return { code, out: io.out(), err: io.err() };
  }

  /** Runs a command with --json, and resolves to what it printed. */
  async json(
    ...args: string[]
  ): Promise<{ readonly code: number; readonly lines: Record<string, unknown>[] }> {
    const { code, out } = await this.admin(...args, '--json');
    return { code, lines: jsonLines(out) };
  }

  /** Casts first ballots for the open round, as a polling station would: voter index and chosen answers. */
  async cast(...votes: (readonly [voter: number, choice: Choice])[]): Promise<void> {
    const log = await ElectionLog.open({
      openStore: () => openLevelStore(this.data, { create: false, program: 'a test' }),
      loadSeed: async ({ uuid }) => (await readKeyFile(join(this.keys, `admin-${uuid}.key`), 'admin')).seed,
      clock: { now: () => Date.now() },
      onEvent: () => undefined,
      onProgress: () => undefined,
    });
    try {
      const round = log.state.round;
      if (round === undefined) throw new Error('no round is open');
      const station = new PollingStation(log, () => undefined);
      for (const [voter, choice] of votes) {
        await station.cast(encodeSignedBallot(signBallot(vote(log, round, voter, choice), testSeed(voter))));
      }
    } finally {
      await log.close();
    }
  }
}

/** A first ballot as the election wants it: open, or sealed. */
function vote(log: ElectionLog, round: RoundState, voter: number, choice: Choice): UnsignedBallot {
  const at = { round: round.cid, number: 1 };
  if (log.genesis.policy.secrecy === 'open') return { ...at, form: 'open', choices: [choice] };
  const election = { genesis: log.genesis, trustees: new SealedRounds().trustees(log.state) };
  const { sealed } = sealVote(election, round, testSeed(voter), [choice], platformRandom);
  return { ...at, form: 'sealed', sealed };
}
