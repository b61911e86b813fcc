import { toHex } from '../../base/bytes.ts';
import type { Checkpoint } from '../../log/checkpoint.ts';
import { type Cosignature, type CosignedCheckpoint, openCosigned } from '../../log/cosignature.ts';
import {
  type ForkEvidence,
  type ProvenPrefix,
  continuity,
  judgeEvidence,
  parseEvidence,
} from '../../log/evidence.ts';
import type { KnownGenesis } from '../observing/known-genesis.ts';
import { type ExchangeAnswer, type ObserverAddress, type PeerClient, isForeseen } from '../ports.ts';
import { ANSWER_MS } from './agreement.ts';
import { within } from './deadline.ts';

/** A checkpoint that the authority signed, and who spoke of it. */
interface Heard {
  readonly checkpoint: CosignedCheckpoint;
  readonly from: PeerClient;
}

/** What an observer cosigned, as far as was heard. */
export interface Cosigner extends Cosignature {
  /** Entries of the checkpoint. */
  readonly size: number;
}

/**
 * What peers tell, unasked for, of an election: checkpoints that others have seen, cosignatures, evidence, observers. Nothing of it is believed that
 * the authority, or the cosigner, did not sign.
 */
export class Hearsay {
  readonly #genesis: KnownGenesis;
  readonly #answerMs: number;
  /** By size and root. */
  readonly #heard = new Map<string, Heard>();
  readonly #cosigners = new Map<string, Cosigner>();
  readonly #observers = new Map<string, ObserverAddress>();
  readonly #doubts: string[] = [];
  #fork: ForkEvidence | undefined;

  constructor(genesis: KnownGenesis, { answerMs = ANSWER_MS } = {}) {
    this.#genesis = genesis;
    this.#answerMs = answerMs;
  }

  /** The first evidence that the authority signed two histories. */
  get fork(): ForkEvidence | undefined {
    return this.#fork;
  }

  /** The newest cosignature of each observer, of any history; by decreasing size. */
  get cosigners(): readonly Cosigner[] {
    return [...this.#cosigners.values()].sort((a, b) => b.size - a.size);
  }

  /** Observers that were named, whoever they are. */
  get observers(): readonly ObserverAddress[] {
    return [...this.#observers.values()];
  }

  /** What was wrong with what was told, in sentences; it says something of who told it alone. */
  get doubts(): readonly string[] {
    return this.#doubts;
  }

  /** All checkpoints that were heard of. */
  get checkpoints(): readonly Checkpoint[] {
    return [...this.#heard.values()].map(({ checkpoint }) => ({ ...checkpoint, text: checkpoint.bare }));
  }

  /** Asks a peer what it knows, telling it of a checkpoint. Whether it answered: peers of older versions have nothing to tell. */
  async ask(client: PeerClient, own: Checkpoint): Promise<boolean> {
    try {
      const asked = client.exchange({ checkpoint: own.text, observer: null, evidence: [] });
      this.#take(client, own, await within(this.#answerMs, asked));
      return true;
    } catch (error) {
      if (isForeseen(error)) return false;
      throw error;
    }
  }

  /**
   * Compares all that was heard with the log of a checkpoint, which any of the `holders` can prove something of, and what is larger than that log with
   * the largest; a conflict becomes evidence. What no peer proves is left open, unless it is larger than the log: then it is a doubt.
   */
  async compare(log: Checkpoint, holders: readonly PeerClient[]): Promise<void> {
    const heard = [...this.#heard.values()].sort((a, b) => b.checkpoint.size - a.checkpoint.size);
    const larger = heard.filter(({ checkpoint }) => checkpoint.size > log.size);
    const [largest] = larger;
    await Promise.all([
      ...heard
        .filter((one) => !larger.includes(one))
        .map(({ checkpoint }) => this.#prove(checkpoint, log, holders)),
      ...larger.map(async ({ checkpoint, from }) => {
        if (await this.#prove(log, checkpoint, [from])) return;
        this.#doubts.push(
          `${from.name} has a checkpoint of ${checkpoint.size} entries, and does not prove that it continues this log.`,
        );
      }),
      ...larger
        .slice(1)
        .map(({ checkpoint }) => largest && this.#prove(checkpoint, largest.checkpoint, [largest.from])),
    ]);
  }

  /** Whether one of the holders of the second log proves how that stands to the first. */
  async #prove(first: Checkpoint, second: Checkpoint, holders: readonly PeerClient[]): Promise<boolean> {
    for (const holder of holders) {
      const prefix = await this.#prefix(holder, first, second);
      if (prefix !== undefined && this.#weigh(first, second, prefix) !== 'unproven') return true;
    }
    return false;
  }

  #take(client: PeerClient, own: Checkpoint, answer: ExchangeAnswer): void {
    for (const text of answer.evidence) this.#takeEvidence(client, text);
    for (const observer of answer.observers) this.#observers.set(toHex(observer.key), observer);
    for (const text of [answer.checkpoint, ...answer.cosigned]) {
      const opened = openCosigned(text, this.#genesis.key);
      if (opened.ok) this.#note(client, opened.value);
      else
        this.#doubts.push(
          `${client.name} passes on a checkpoint that the authority did not sign: ${opened.error}.`,
        );
    }
    const newest = openCosigned(answer.checkpoint, this.#genesis.key, () => false);
    if (newest.ok && answer.prefix !== null) this.#weigh(own, newest.value, answer.prefix);
  }

  #takeEvidence(client: PeerClient, text: string): void {
    const evidence = parseEvidence(text);
    const judged = evidence.ok ? judgeEvidence(evidence.value) : evidence;
    const isOfThis = judged.ok && judged.value.electionId === this.#genesis.electionId;
    if (isOfThis && evidence.ok && evidence.value.kind === 'fork') this.#fork ??= evidence.value;
    else this.#doubts.push(`${client.name} passes on evidence that shows nothing about this election.`);
  }

  #note(from: PeerClient, checkpoint: CosignedCheckpoint): void {
    const { size, root, cosignatures } = checkpoint;
    const id = `${size} ${toHex(root)}`;
    if (!this.#heard.has(id)) this.#heard.set(id, { checkpoint, from });
    for (const cosignature of cosignatures) {
      const observer = toHex(cosignature.observer);
      const before = this.#cosigners.get(observer);
      if (before === undefined || before.size < size) this.#cosigners.set(observer, { ...cosignature, size });
    }
  }

  async #prefix(
    holder: PeerClient,
    first: Checkpoint,
    second: Checkpoint,
  ): Promise<ProvenPrefix | undefined> {
    if (first.size === second.size) return { root: second.root, proof: [] };
    try {
      return await within(this.#answerMs, holder.consistency(first.size, second.size));
    } catch (error) {
      // Another may prove it.
      if (isForeseen(error)) return undefined;
      throw error;
    }
  }

  #weigh(first: Checkpoint, second: Checkpoint, prefix: ProvenPrefix) {
    const stands = continuity(first, second, prefix);
    if (stands === 'conflicts') {
      const { root, proof } = prefix;
      const [one, other] = [first, second].map(({ text }) => this.#bare(text)) as [string, string];
      this.#fork ??= { kind: 'fork', genesis: this.#genesis.bytes, first: one, second: other, root, proof };
    }
    return stands;
  }

  #bare(text: string): string {
    const opened = openCosigned(text, this.#genesis.key, () => false);
    if (!opened.ok) throw new Error(`a checkpoint that was opened before is not good: ${opened.error}`);
    return opened.value.bare;
  }
}
