import type { TestContext } from 'node:test';
import { publicKeyOf } from '#src/crypto/signature.js';
import { cosign, withCosignatures } from '#src/log/cosignature.js';
import { type Deadlines, type PsephosNode, dialPeer, parseDialTarget, startNode } from '#src/net/index.js';
import { BallotChecks } from '#src/services/ballot-checks.js';
import type { LogView } from '#src/services/log-view.js';
import type { ReadService } from '#src/services/ports.js';
import { ServedLog } from '#src/services/served-log.js';
import type { WitnessDesk, WitnessEvent } from '#src/services/witness-desk.js';
import { cleanUp } from './cleanup.ts';
import { reading } from './replaced-service.ts';
import { testSeed } from './temp-election.ts';
import { witnessDesk } from './witness.ts';

export interface TestObserverOptions {
  /** Whether it cosigns whatever comes; so unless given. */
  readonly cosigns?: boolean;
  /** Replaces methods of what it serves, to make it misbehave. */
  readonly misbehave?: (service: ReadService) => Partial<ReadService>;
  readonly deadlines?: Partial<Deadlines>;
  /** Who is told that it observes the election; nobody unless given. */
  readonly tells?: () => readonly string[];
}

let count = 0;

/** An observer as its peers see it, of a log that this process holds: its copy is that log itself. */
export class TestObserver {
  readonly seed: Uint8Array;
  readonly key: Uint8Array;
  readonly checks = new BallotChecks();
  readonly events: WitnessEvent[] = [];
  readonly desk: WitnessDesk;
  readonly #log: LogView;
  #node: PsephosNode | undefined;

  static async start(t: TestContext, log: LogView, options: TestObserverOptions = {}): Promise<TestObserver> {
    const observer = new TestObserver(log);
    await observer.#listen(options);
    cleanUp(t, () => observer.stop());
    if (options.cosigns === false) return observer;
    await observer.cosign();
    cleanUp(
      t,
      log.onGrowth(() => void observer.cosign()),
    );
    return observer;
  }

  private constructor(log: LogView) {
    count += 1;
    this.seed = testSeed(0xee_0000 + count);
    this.key = publicKeyOf(this.seed);
    this.#log = log;
    this.desk = witnessDesk(log, {
      checks: this.checks,
      isAuthority: false,
      onEvent: (event) => this.events.push(event),
    });
  }

  get peerId(): string {
    return this.#running.peerId;
  }

  /** The multiaddr, with the peer id. */
  get address(): string {
    return this.#running.addresses()[0] ?? '';
  }

  get #running(): PsephosNode {
    if (this.#node === undefined) throw new Error('the observer does not listen');
    return this.#node;
  }

  /** Cosigns the newest checkpoint of its copy; resolves to the text with its line. */
  async cosign(): Promise<string> {
    const text = await this.#log.proofs.newestCheckpoint();
    const observer = { seed: this.seed, publicKey: this.key };
    const line = cosign({ text }, observer, Math.floor(Date.now() / 1000));
    const cosigned = withCosignatures(text, [{ line }]);
    if (this.#node !== undefined)
      this.desk.noteObserver(cosigned, { key: this.key, addresses: [this.address] });
    return cosigned;
  }

  /** Makes itself known to another peer, as an observer that cosigned the newest checkpoint. */
  async announceTo(address: string): Promise<void> {
    const client = await dialPeer(parseDialTarget(address));
    try {
      await client.exchange({
        checkpoint: await this.cosign(),
        observer: { key: this.key, addresses: [this.address] },
        evidence: [],
      });
    } finally {
      await client.close();
    }
  }

  async stop(): Promise<void> {
    const node = this.#node;
    this.#node = undefined;
    await node?.stop();
  }

  async #listen({ misbehave, deadlines, tells }: TestObserverOptions): Promise<void> {
    const served = new ServedLog(this.#log, this.desk, () => Date.now());
    const service = reading(served, misbehave?.(served) ?? {});
    this.#node = await startNode({
      seed: this.seed,
      listen: [{ address: '/ip6/::1/tcp/0' }],
      service,
      onDefect: (error) => this.events.push({ type: 'defect', error }),
      ...(deadlines === undefined ? {} : { deadlines }),
      ...(tells === undefined ? {} : { discovery: { electionId: this.#log.electionId, entryPoints: tells } }),
    });
  }
}
