import type { TestContext } from 'node:test';
import type { LogSource } from '#src/audit/source.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { type Checkpoint, parseCheckpoint } from '#src/log/checkpoint.js';
import { cosign, withCosignatures } from '#src/log/cosignature.js';
import { leafHash } from '#src/log/merkle.js';
import { type PsephosNode, startNode } from '#src/net/index.js';
import { LogCopy } from '#src/services/log-copy.js';
import type { ReadService } from '#src/services/ports.js';
import { ServedLog } from '#src/services/served-log.js';
import type { WitnessDesk } from '#src/services/witness-desk.js';
import { openLevelStore } from '#src/store/level-store.js';
import { reading } from './replaced-service.ts';
import { cleanUp } from './cleanup.ts';
import { tempFolder, testSeed } from './temp-election.ts';
import { witnessDesk } from './witness.ts';

export interface KeptCopyOptions {
  /** Entries of the log that it has, of which there must be a checkpoint; all unless given. */
  readonly size?: number;
  /** Its key is that of `testSeed(key)`; every copy in a test needs another. */
  readonly key?: number;
  /** Replaces methods of what it serves, to make it lie. */
  readonly misbehave?: (service: ReadService) => Partial<ReadService>;
}

const clock = { now: () => Date.now() };

/** An observer's copy of a log as it was at some time, served on ::1: it follows nobody. */
export class KeptCopy {
  readonly folder: string;
  readonly copy: LogCopy;
  readonly desk: WitnessDesk;
  readonly #seed: Uint8Array;
  #node: PsephosNode | undefined;
  address = '';

  static async start(t: TestContext, source: LogSource, options: KeptCopyOptions = {}): Promise<KeptCopy> {
    const folder = await tempFolder(t);
    const copy = await LogCopy.open({
      openStore: () => openLevelStore(folder, { create: true, program: 'a test' }),
      clock,
      onProgress: () => undefined,
    });
    const kept = new KeptCopy(folder, copy, testSeed(1_000_000 + (options.key ?? 0)));
    cleanUp(t, () => kept.close());
    await fill(copy, source, options.size ?? Infinity);
    await kept.#listen(options.misbehave);
    kept.desk.noteObserver(kept.cosigned(), kept.self);
    return kept;
  }

  private constructor(folder: string, copy: LogCopy, seed: Uint8Array) {
    this.folder = folder;
    this.copy = copy;
    this.desk = witnessDesk(copy, { isAuthority: false });
    this.#seed = seed;
  }

  get self() {
    return { key: publicKeyOf(this.#seed), addresses: [this.address] };
  }

  /** Its newest checkpoint, or another one, cosigned by it. */
  cosigned(text = this.copy.newestCheckpoint ?? ''): string {
    const key = { seed: this.#seed, publicKey: publicKeyOf(this.#seed) };
    return withCosignatures(text, [{ line: cosign({ text }, key, Math.floor(clock.now() / 1000)) }]);
  }

  /** Takes over what a longer log has besides. */
  async catchUp(source: LogSource): Promise<void> {
    await fill(this.copy, source, Infinity);
    this.desk.noteObserver(this.cosigned(), this.self);
  }

  /** Goes off the network. */
  async hangUp(): Promise<void> {
    const node = this.#node;
    this.#node = undefined;
    await node?.stop();
  }

  async close(): Promise<void> {
    await this.hangUp();
    await this.copy.close();
  }

  async #listen(misbehave: KeptCopyOptions['misbehave']): Promise<void> {
    const service = new ServedLog(this.copy, this.desk, () => clock.now());
    this.#node = await startNode({
      seed: this.#seed,
      listen: [{ address: '/ip6/::1/tcp/0' }],
      service: reading(service, misbehave?.(service) ?? {}),
      onDefect: (error) => {
        throw error;
      },
    });
    this.address = this.#node.addresses()[0] ?? '';
  }
}

/** Copies without an audit, checkpoint by checkpoint. */
async function fill(copy: LogCopy, source: LogSource, size: number): Promise<void> {
  for await (const text of source.checkpoints(copy.head.size + 1)) {
    const checkpoint = parseCheckpoint(text);
    if (!checkpoint.ok) throw new Error(checkpoint.error);
    if (checkpoint.value.size > size) break;
    await append(copy, source, checkpoint.value);
  }
  if (size !== Infinity && copy.head.size !== size) throw new Error(`no checkpoint of ${size} entries`);
}

async function append(copy: LogCopy, source: LogSource, checkpoint: Checkpoint): Promise<void> {
  const entries: { bytes: Uint8Array; leaf: Uint8Array }[] = [];
  for await (const chunk of source.entries(copy.head.size, checkpoint.size))
    for (const bytes of chunk) entries.push({ bytes, leaf: leafHash(bytes) });
  await copy.append(entries, checkpoint);
}
