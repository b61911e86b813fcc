import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { type Deadlines, type PsephosNode, startNode } from '#src/net/index.js';
import { type KnownGenesis, knownGenesis } from '#src/services/observing/known-genesis.js';
import {
  type ConsistencyAnswer,
  type ElectionInfo,
  type Exchange,
  type ExchangeAnswer,
  PeerRefusal,
  type ProvenEntry,
  type ReadService,
  type VoterAnswer,
} from '#src/services/ports.js';
import type { LogBuilder } from './build-log.ts';
import { cleanUp } from './cleanup.ts';

export interface PuppetInit {
  /** Of the peer's own key; a new one unless given. */
  readonly seed?: Uint8Array;
  readonly deadlines?: Partial<Deadlines>;
}

/** A peer that serves whatever a test has it serve, and judges nothing: an authority's log as it would never be, or an observer's lies. */
export class Puppet implements ReadService {
  entryList: readonly Uint8Array[] = [];
  checkpointList: readonly string[] = [];
  /** What it answers to an exchange: by default that it is busy. */
  onExchange: (given: Exchange) => Promise<ExchangeAnswer> = () =>
    Promise.reject(new PeerRefusal('busy', 'Not now.', 1));
  /** Asked before each answer from the log; a test may wait in it, or throw. */
  beforeEntries: () => Promise<void> = () => Promise.resolve();
  /** What it was given in exchanges. */
  readonly given: Exchange[] = [];
  #node: PsephosNode | undefined;
  readonly #listeners = new Set<(size: number) => void>();

  /** One that listens on ::1 until the test ends. */
  static async start(t: TestContext, init: PuppetInit = {}): Promise<Puppet> {
    const puppet = new Puppet();
    const node = await startNode({
      seed: init.seed ?? new Uint8Array(randomBytes(32)),
      listen: [{ address: '/ip6/::1/tcp/0' }],
      service: puppet,
      onDefect: () => undefined,
      deadlines: { stopMs: 50, ...init.deadlines },
    });
    puppet.#node = node;
    cleanUp(t, () => node.stop());
    return puppet;
  }

  get node(): PsephosNode {
    if (this.#node === undefined) throw new Error('the puppet does not listen');
    return this.#node;
  }

  get address(): string {
    return this.node.addresses()[0] ?? '';
  }

  /** Serves what a log has now, to those who follow as well. */
  serve({ entries, checkpoints }: Pick<LogBuilder, 'entries' | 'checkpoints'>): void {
    this.entryList = [...entries];
    this.checkpointList = [...checkpoints];
    for (const listener of this.#listeners) listener(this.entryList.length);
  }

  info(): Promise<ElectionInfo> {
    return Promise.resolve({
      genesis: { index: 0, entry: this.entryList[0] ?? new Uint8Array(), proof: [] },
      round: null,
      trustees: null,
      checkpoint: this.checkpointList.at(-1) ?? '',
      open: true,
      draft: null,
      turnout: { voters: 0, voted: 0, ballots: 0 },
      time: 0,
    });
  }

  /** To the end, whatever was asked for. */
  async *entries(from: number): AsyncGenerator<readonly Uint8Array[]> {
    await this.beforeEntries();
    for (let at = from; at < this.entryList.length; at += 10) yield this.entryList.slice(at, at + 10);
  }

  async *checkpoints(from: number): AsyncGenerator<string> {
    for (const text of this.checkpointList) {
      await Promise.resolve();
      if (Number(text.split('\n')[1]) >= from) yield text;
    }
  }

  latestCheckpoint(): Promise<string | undefined> {
    return Promise.resolve(this.checkpointList.at(-1));
  }

  exchange(given: Exchange): Promise<ExchangeAnswer> {
    this.given.push(given);
    return this.onExchange(given);
  }

  onGrowth(listener: (size: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  standing(): Promise<VoterAnswer | undefined> {
    return Promise.resolve(undefined);
  }

  inclusion(): Promise<ProvenEntry & { readonly checkpoint: string }> {
    return Promise.reject(new PeerRefusal('not-found', 'There is nothing.'));
  }

  consistency(): Promise<ConsistencyAnswer> {
    return Promise.reject(new PeerRefusal('not-found', 'There is nothing.'));
  }

  reportChecks(): Promise<void> {
    return Promise.resolve();
  }
}

/** The election of a log that a test builds. */
export function genesisOf({ entries }: LogBuilder): KnownGenesis {
  const [first] = entries;
  if (first === undefined) throw new Error('the log has no genesis');
  return knownGenesis(first);
}
