import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runTrustee } from '#src/cli/trustee.js';
import { capturedIo } from './captured-io.ts';
import type { Invited } from './made-ceremony.ts';
import { jsonLines } from './processes.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What it printed with --json. */
  readonly lines: readonly Record<string, unknown>[];
}

/** Runs the trustee's program in this process, with --json. */
export async function trustee(...args: string[]): Promise<Ran> {
  const io = capturedIo();
  const code = await runTrustee([...args, '--json'], io);
  return { code, out: io.out(), err: io.err(), lines: jsonLines(io.out()) };
}

/** What a trustee's program did, apart from how it reached the organiser. */
export const eventsOf = ({ lines }: Pick<Ran, 'lines'>): unknown[] =>
  lines.filter(({ event }) => event !== 'connected').map(({ event, step, what }) => step ?? what ?? event);

/** Trustees with a folder: keys without passphrases, and invitations as files. */
export class Trustees {
  readonly folder: string;
  readonly #codes: readonly string[];

  private constructor(folder: string, codes: readonly string[]) {
    this.folder = folder;
    this.#codes = codes;
  }

  static async create(folder: string, { codes }: Invited): Promise<Trustees> {
    for (const [at, code] of codes.entries())
      await writeFile(join(folder, `invitation-${at + 1}.txt`), `Code: ${code}\n`, { mode: 0o600 });
    return new Trustees(folder, codes);
  }

  get count(): number {
    return this.#codes.length;
  }

  key(trustee: number): string {
    return join(this.folder, `trustee-${trustee}.key`);
  }

  /** The options that name a trustee's key and invitation. */
  own(trustee: number): string[] {
    return [
      ...['--key', this.key(trustee), '--no-passphrase'],
      ...['--invitation-file', join(this.folder, `invitation-${trustee}.txt`)],
    ];
  }

  /** Has a trustee do what is due, and end. */
  once(number: number, address: string, ...options: string[]): Promise<Ran> {
    return trustee('join', '--dial', address, '--once', ...this.own(number), ...options);
  }

  /** Has these do what is due, in turn, until nobody has anything left to do. */
  async settle(address: string, ...numbers: number[]): Promise<void> {
    for (;;) {
      let busy = false;
      for (const number of numbers) {
        const ran = await this.once(number, address);
        assert.equal(ran.code, 0, ran.err);
        if (ran.lines.some(({ event }) => ['step', 'ready', 'decrypted'].includes(String(event))))
          busy = true;
      }
      if (!busy) return;
    }
  }
}
