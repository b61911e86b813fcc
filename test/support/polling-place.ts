import { randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { LogSource } from '#src/audit/source.js';
import { DEFAULT_KDF, credentialSeed, generateSecret } from '#src/crypto/credential.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import type { CeremonyStart, Policy, Question, ResultEntry } from '#src/election/entries.js';
import { type Deadlines, type PsephosNode, formatInvite, startNode } from '#src/net/index.js';
import { BallotChecks } from '#src/services/ballot-checks.js';
import { createElection } from '#src/services/create-election.js';
import { ElectionLog } from '#src/services/election-log.js';
import { ElectionNode } from '#src/services/election-node.js';
import { EnrolmentDesk } from '#src/services/enrolment-desk.js';
import type { StationEvent } from '#src/services/events.js';
import { decryptWith } from '#src/services/decrypting.js';
import { Organiser } from '#src/services/organiser.js';
import { platformRandom } from '#src/services/platform-random.js';
import { SealedRounds } from '#src/services/sealed-rounds.js';
import { PollingStation } from '#src/services/polling-station.js';
import { TrusteeDesk } from '#src/services/trustee-desk.js';
import type { Clock, DraftRound, NodeService, Store } from '#src/services/ports.js';
import { writeKeyFile } from '#src/store/key-files.js';
import { openLevelStore } from '#src/store/level-store.js';
import { serving } from './replaced-service.ts';
import { AUTHORITY, QUESTION, tempFolder, testSeed } from './temp-election.ts';
import { cleanUp } from './cleanup.ts';
import { type TestTrustees, singleTrustees } from './sealed-election.ts';
import { witnessDesk } from './witness.ts';

export interface PlaceOptions {
  /** How many voters, v0, v1, …; 3 unless given. */
  readonly voters?: number;
  /** Whether voters have secrets (which costs an Argon2id each), or only the seeds `testSeed(0)`, …. */
  readonly secrets?: boolean;
  readonly policy?: Partial<Policy>;
  readonly title?: string;
  readonly questions?: readonly Question[];
  readonly draft?: Partial<DraftRound>;
  /** Whether the first round is opened at once; so unless given. */
  readonly open?: boolean;
  /** The machine's own, unless given. */
  readonly clock?: Clock;
  readonly wrapStore?: (store: Store) => Store;
  /** Replaces methods of what the node serves, to make it misbehave. */
  readonly misbehave?: (service: NodeService) => Partial<NodeService>;
  readonly deadlines?: Partial<Deadlines>;
  /** Of a sealed election: who is invited to make its key, in the place of a trustee that is there. */
  readonly ceremony?: Pick<CeremonyStart, 'threshold' | 'trustees'>;
  readonly folder?: string;
  /** The port to listen on; a free one unless given. */
  readonly port?: number;
  /** The voters of an election that is in `folder` already, and goes on. */
  readonly existing?: readonly PlaceVoter[];
}

export interface PlaceVoter {
  readonly username: string;
  readonly seed: Uint8Array;
  /** Empty where voters have none. */
  readonly secret: string;
}

/** A whole election in this process: a store in a temporary folder, behind a libp2p node on ::1. */
export class PollingPlace {
  readonly folder: string;
  readonly log: ElectionLog;
  readonly station: PollingStation;
  readonly desk: EnrolmentDesk;
  readonly organiser: Organiser;
  readonly voters: readonly PlaceVoter[];
  readonly events: StationEvent[];
  readonly checks = new BallotChecks();
  /** Of a sealed election: who can decrypt. */
  readonly trustees: TestTrustees | undefined;
  /** What the node reported as defects; a test that expects none asserts that it stays empty. */
  readonly defects: unknown[] = [];
  readonly #options: PlaceOptions;
  readonly #now: () => number;
  #node: PsephosNode | undefined;
  #port = 0;

  /** Starts it, and ends it with the test. */
  static async start(t: TestContext, options: PlaceOptions = {}): Promise<PollingPlace> {
    const folder = options.folder ?? (await tempFolder(t));
    const clock = options.clock ?? { now: () => Date.now() };
    const events: StationEvent[] = [];
    const uuid = randomUUID();
    const voters = options.existing ?? votersFor(uuid, options);
    const log = await ElectionLog.open({
      openStore: async () => {
        const store = await openLevelStore(join(folder, 'election'), { create: true, program: 'a test' });
        return options.wrapStore?.(store) ?? store;
      },
      loadSeed: () => Promise.resolve(AUTHORITY),
      clock,
      onEvent: (event) => events.push(event),
      onProgress: () => undefined,
    });
    const place = new PollingPlace({ folder, log, voters, events, options, now: () => clock.now() });
    cleanUp(t, () => place.stop());
    if (options.existing === undefined) await create(place, uuid, options);
    if (log.state.phase === 'ready' && options.open !== false && options.ceremony === undefined)
      await place.organiser.open({ untested: true });
    await place.listen();
    return place;
  }

  private constructor(init: {
    folder: string;
    log: ElectionLog;
    voters: readonly PlaceVoter[];
    events: StationEvent[];
    options: PlaceOptions;
    now: () => number;
  }) {
    this.folder = init.folder;
    this.log = init.log;
    this.voters = init.voters;
    if (init.options.policy?.secrecy === 'sealed' && init.options.ceremony === undefined)
      this.trustees = singleTrustees(1);
    this.events = init.events;
    this.#options = init.options;
    this.#port = init.options.port ?? 0;
    this.#now = init.now;
    this.station = new PollingStation(this.log, (event) => this.events.push(event));
    this.desk = new EnrolmentDesk(this.log, (event) => this.events.push(event));
    this.organiser = new Organiser(this.log, (event) => this.events.push(event));
    this.organiser.closeSettled((close) => this.station.settled(close));
  }

  get node(): PsephosNode {
    if (this.#node === undefined) throw new Error('the polling place does not listen');
    return this.#node;
  }

  /** The multiaddr, with the peer id. */
  get address(): string {
    return `${this.bareAddress}/p2p/${this.node.peerId}`;
  }

  get port(): number {
    return this.#port;
  }

  /** The multiaddr without the peer id: it pins nothing. */
  get bareAddress(): string {
    return `/ip6/::1/tcp/${this.#port}`;
  }

  get invite(): string {
    return formatInvite({
      peerId: this.node.peerId,
      electionId: this.log.electionId,
      addresses: [this.bareAddress],
    });
  }

  /** The election as whoever has its data folder audits it. */
  get source(): LogSource {
    const { store } = this.log;
    return {
      name: this.folder,
      entries: (from, to) => store.entries(from, to),
      checkpoints: (from) => store.checkpoints(from),
      latestCheckpoint: () => store.latestCheckpoint(),
    };
  }

  /** Decrypts the closed round of a sealed election, and publishes its result. */
  async decrypt(): Promise<ResultEntry> {
    const { state } = this.log;
    const { round } = state;
    const secret = this.trustees?.secrets[0];
    if (secret === undefined || round?.tally === undefined) throw new Error('nothing to decrypt');
    const rounds = new SealedRounds();
    const [trustees, sealed] = [rounds.trustees(state), rounds.round(state, round)];
    const given = decryptWith(secret, trustees, sealed, round.tally, platformRandom);
    const { result } = (await this.organiser.count([given])).round;
    if (result === undefined) throw new Error('the round has no result');
    return result.entry;
  }

  /** Goes off the network, with everything else left as it is. */
  async hangUp(): Promise<void> {
    const node = this.#node;
    this.#node = undefined;
    await node?.stop();
  }

  /** Goes on the network, at the port it had before. */
  async listen(): Promise<void> {
    const trustees = new TrusteeDesk(this.log, this.organiser, (event) => this.events.push(event));
    const witness = witnessDesk(this.log, {
      clock: { now: this.#now },
      checks: this.checks,
      onEvent: (event) => this.events.push(event),
    });
    const desks = { station: this.station, enrolments: this.desk, trustees, witness };
    const service = new ElectionNode(this.log, desks, this.#now);
    this.#node = await startNode({
      seed: AUTHORITY,
      listen: [{ address: this.bareAddress }],
      service: serving(service, this.#options.misbehave?.(service) ?? {}),
      onDefect: (error) => this.defects.push(error),
      ...(this.#options.deadlines === undefined ? {} : { deadlines: this.#options.deadlines }),
    });
    this.#port = Number(/\/tcp\/(\d+)/.exec(this.#node.addresses()[0] ?? '')?.[1]);
  }

  async stop(): Promise<void> {
    await this.hangUp();
    await this.station.stop();
    await this.log.close();
  }

  /** A file with a voter's secret, as private as it should be unless `mode` says otherwise. */
  async secretFile(index: number, mode = 0o600): Promise<string> {
    const path = join(this.folder, `v${index}.secret`);
    await writeFile(path, `${this.#voter(index).secret}\n`, { mode });
    return path;
  }

  /** A voter's key as a file. */
  async keyFile(index: number): Promise<string> {
    const path = join(this.folder, `v${index}.key`);
    const { seed } = this.#voter(index);
    await writeKeyFile(path, { role: 'voter', seed, publicKey: publicKeyOf(seed) });
    return path;
  }

  #voter(index: number): PlaceVoter {
    const voter = this.voters[index];
    if (voter === undefined) throw new RangeError(`there is no voter ${index}`);
    return voter;
  }
}

async function create(
  { log, voters, trustees }: PollingPlace,
  uuid: string,
  options: PlaceOptions,
): Promise<void> {
  await createElection(
    log,
    {
      uuid,
      title: options.title ?? 'Board',
      description: '',
      policy: { secrecy: 'open', revote: 'last', names: 'public', ...options.policy },
      voters: voters.map(({ username, seed }) => ({ name: username, key: publicKeyOf(seed), weight: 1 })),
      ...(trustees === undefined ? {} : { trustees: trustees.text }),
      ...(options.ceremony === undefined ? {} : { ceremony: options.ceremony }),
      firstRound: {
        title: 'Round 1',
        questions: options.questions ?? [QUESTION],
        opens: null,
        closes: null,
        ...options.draft,
      },
    },
    AUTHORITY,
    () => undefined,
  );
}

function votersFor(uuid: string, { voters = 3, secrets = true }: PlaceOptions): PlaceVoter[] {
  return Array.from({ length: voters }, (_, index) => {
    const username = `v${index}`;
    if (!secrets) return { username, seed: testSeed(index), secret: '' };
    const secret = generateSecret((length) => new Uint8Array(randomBytes(length)));
    return { username, secret, seed: credentialSeed({ uuid, username, secret, kdf: DEFAULT_KDF }) };
  });
}
