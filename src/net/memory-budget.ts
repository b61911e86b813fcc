/** Bytes that may be held at one time for all peers together. */
export class MemoryBudget {
  #left: number;
  readonly #waiting = new Set<{ readonly bytes: number; readonly grant: () => void }>();

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** Takes the bytes if they are left; whoever took them releases them. */
  tryTake(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  /** Takes the bytes, waiting in line for them at most `waitMs`. Resolves to whether they were got. */
  async take(bytes: number, waitMs: number): Promise<boolean> {
    if (this.#waiting.size === 0 && this.tryTake(bytes)) return true;
    return new Promise((resolve) => {
      const turn = {
        bytes,
        grant: (): void => {
          clearTimeout(timer);
          resolve(true);
        },
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(turn);
        resolve(false);
        // Those behind may ask for less.
        this.#serve();
      }, waitMs);
      this.#waiting.add(turn);
    });
  }

  release(bytes: number): void {
    this.#left += bytes;
    this.#serve();
  }

  #serve(): void {
    for (const turn of this.#waiting) {
      if (!this.tryTake(turn.bytes)) return;
      this.#waiting.delete(turn);
      turn.grant();
    }
  }
}
