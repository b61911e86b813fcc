import { PsephosError } from '../../base/errors.ts';
import { type PeerTarget, type PsephosNode, type ReachFinding, parseDialTarget } from '../../net/index.ts';
import type { Output } from './output.ts';
import { reachReport, reachedFromOutside } from './reach-report.ts';

/** Observers that are asked where there is no relay: what one says, another may not. */
const OBSERVERS_ASKED = 2;
/** A router can get another address, or be given other rules, and this computer is told nothing. */
const EVERY_MS = 15 * 60_000;
/** Where nobody could say: a network that has just come up, or somebody who was asked a moment ago. */
const AGAIN_MS = 15_000;

export interface ReachWatchInit {
  readonly node: Pick<PsephosNode, 'askReach' | 'addresses'>;
  readonly output: Output;
  readonly hasRelays: boolean;
  /** Addresses of observers that are known. */
  readonly observers: () => readonly (readonly string[])[];
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Has others dial this computer from outside, at the start, when its network changes and now and then, and tells the organiser what they found. */
export class ReachWatch {
  readonly #init: ReachWatchInit;
  #findings: readonly ReachFinding[] = [];
  #told = '';
  /** How many times in a row nobody could say. */
  #silent = 0;
  #next = 0;
  #asking: Promise<void> | undefined;

  constructor(init: ReachWatchInit) {
    this.#init = init;
  }

  /** What was found the last time. */
  get findings(): readonly ReachFinding[] {
    return this.#findings;
  }

  /** Something has changed: what was found may be so no longer. */
  readonly soon = (): void => {
    this.#next = 0;
  };

  /** Asks, if it is time to; called about once a second. */
  tick(): void {
    const { now, signal, hasRelays } = this.#init;
    if (this.#asking !== undefined || now() < this.#next || signal.aborted) return;
    const others = hasRelays ? [] : targetsOf(this.#init.observers()).slice(0, OBSERVERS_ASKED);
    if (!hasRelays && others.length === 0) return;
    this.#next = now() + EVERY_MS;
    this.#asking = this.#ask(others).finally(() => {
      this.#asking = undefined;
    });
  }

  /** Resolves when nobody is being asked. */
  async settled(): Promise<void> {
    await this.#asking;
  }

  async #ask(others: readonly PeerTarget[]): Promise<void> {
    const { node, now, output, signal } = this.#init;
    let findings;
    try {
      findings = await node.askReach(others, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    const reachable = reachedFromOutside(findings);
    this.#silent = reachable === null ? this.#silent + 1 : 0;
    if (reachable === null) {
      this.#next = Math.min(this.#next, now() + AGAIN_MS);
      // Once is no reason to worry anybody; and what was known is better than nothing, for as long as nothing says otherwise.
      if (this.#silent < 2 || this.#told !== '') return;
    }
    this.#findings = findings;
    const text = reachReport(node.addresses(), findings);
    if (text === this.#told) return;
    this.#told = text;
    output.emit({ event: 'reach', reachable, findings });
    if (reachable === false) output.warn(text);
    else output.say(text);
  }
}

/** Observers' own addresses, by peer: they say themselves where they are, so that it may be anything. */
function targetsOf(observers: readonly (readonly string[])[]): PeerTarget[] {
  return observers.flatMap((addresses) => {
    const direct = addresses.flatMap((address) => {
      try {
        return [parseDialTarget(address)];
      } catch (error) {
        if (error instanceof PsephosError) return [];
        throw error;
      }
    });
    const [first] = direct;
    if (first?.peerId === undefined) return [];
    const own = direct.filter(({ peerId }) => peerId === first.peerId).flatMap((target) => target.addresses);
    return [{ peerId: first.peerId, addresses: own.filter((address) => !address.includes('/p2p-circuit')) }];
  });
}
