import type { Store } from '#src/services/ports.js';

/** Keeps a store's commits waiting, or makes them fail, for as long as a test wants. */
export class CommitGate {
  #held: { readonly opened: Promise<void>; readonly open: () => void } | undefined;
  #failure: Error | undefined;
  #waiting = 0;
  #onWaiting: (() => void)[] = [];

  /** For `wrapStore`. */
  readonly wrap = (store: Store): Store =>
    new Proxy(store, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property);
        if (typeof value !== 'function') return value;
        const method = (value as (...args: unknown[]) => unknown).bind(target);
        return property === 'commit' ? (batch: unknown) => this.#commit(() => method(batch)) : method;
      },
    });

  /** From now on commits wait. */
  hold(): void {
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.#held = { opened, open };
  }

  /** Lets those go that wait, and all later ones. */
  release(): void {
    this.#held?.open();
    this.#held = undefined;
  }

  /** As `release`, but every commit then fails, until `mend`. */
  fail(): void {
    this.#failure = new Error('no space left');
    this.release();
  }

  mend(): void {
    this.#failure = undefined;
  }

  /** Resolves once a commit waits. */
  async reached(): Promise<void> {
    if (this.#waiting === 0) await new Promise<void>((resolve) => this.#onWaiting.push(resolve));
  }

  async #commit(write: () => unknown): Promise<void> {
    if (this.#held !== undefined) {
      this.#waiting++;
      for (const resolve of this.#onWaiting.splice(0)) resolve();
      await this.#held.opened;
      this.#waiting--;
    }
    if (this.#failure !== undefined) throw this.#failure;
    await write();
  }
}
