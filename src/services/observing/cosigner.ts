import { cosign, withCosignatures } from '../../log/cosignature.ts';
import type { LogCopy } from '../log-copy.ts';
import type { Clock } from '../ports.ts';

export interface CosignerInit {
  readonly copy: LogCopy;
  readonly key: { readonly seed: Uint8Array; readonly publicKey: Uint8Array };
  readonly clock: Clock;
}

/** Cosignatures are made no more often than this, in ms: each costs every reader of the checkpoint a verification. */
const COSIGN_EVERY_MS = 1_000;
/** A checkpoint is cosigned anew after this time, in ms: by an old cosignature nobody gets to know an observer. */
const COSIGN_AGAIN_MS = 5 * 60_000;

/** Makes an observer's cosignatures: of the newest checkpoint of its copy, and of no others. */
export class Cosigner {
  readonly #init: CosignerInit;
  #last: { readonly size: number; readonly text: string; readonly at: number } | undefined;

  constructor(init: CosignerInit) {
    this.#init = init;
  }

  /** The checkpoint that was cosigned last, with its line. */
  get last(): { readonly size: number; readonly text: string } | undefined {
    return this.#last;
  }

  /** Cosigns the newest checkpoint, or says in how many ms it may: 0 where it did so now, undefined where there is nothing to cosign. */
  cosign(): number | undefined {
    const { copy, key, clock } = this.#init;
    const [now, text, { size }] = [clock.now(), copy.newestCheckpoint, copy.head];
    if (text === undefined) return undefined;
    if (this.#last !== undefined) {
      // Whatever the clock was set to in between.
      const age = Math.abs(now - this.#last.at);
      if (size === this.#last.size && age < COSIGN_AGAIN_MS) return undefined;
      if (age < COSIGN_EVERY_MS) return COSIGN_EVERY_MS - age;
    }
    const line = cosign({ text }, key, Math.floor(now / 1000));
    this.#last = { size, text: withCosignatures(text, [{ line }]), at: now };
    return 0;
  }
}
