import { randomBytes } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { fromHex, toHex } from '../base/bytes.ts';
import { origin, parseCheckpoint } from '../log/checkpoint.ts';
import { parseReceipt } from '../log/receipt.ts';
import { NOTHING_REMEMBERED, type Remembered } from '../services/ports.ts';
import { createFile, exists, makeFolder } from './files.ts';
import { withFileLock } from './file-lock.ts';
import { fileError } from './fs-errors.ts';
import { readSmallJson } from './small-file.ts';

/**
 * What a voter's program remembers of an election: `<election id>.json` in a folder of its own, for its owner alone. The receipt of an open
 * ballot in it tells the vote.
 */
const VERSION = 1;
/** Whoever writes keeps it far smaller; what is larger is some other file. */
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_RECEIPT_CHARS = 1024 * 1024;
const MAX_CHECKPOINT_CHARS = 32 * 1024;

const key = z
  .string()
  .length(64)
  .transform((text, context) => {
    const bytes = fromHex(text);
    if (bytes !== undefined) return bytes;
    context.addIssue({ code: 'custom', message: 'expected hex' });
    return z.NEVER;
  });

function schemaFor(electionId: string) {
  const log = origin(electionId);
  const checkpoint = z
    .string()
    .max(MAX_CHECKPOINT_CHARS)
    .refine((text) => {
      const parsed = parseCheckpoint(text);
      return parsed.ok && parsed.value.origin === log;
    });
  const receipt = z
    .string()
    .max(MAX_RECEIPT_CHARS)
    .refine((text) => {
      const parsed = parseReceipt(text);
      return parsed.ok && parsed.value.checkpoint.origin === log;
    });
  return z.strictObject({
    psephos: z.literal('voter-memory'),
    version: z.literal(VERSION),
    electionId: z.literal(electionId),
    checkpoint: checkpoint.nullable(),
    observers: z.array(z.strictObject({ key, addresses: z.array(z.string().max(512)).max(8) })).max(64),
    receipts: z
      .array(
        z.strictObject({
          text: receipt,
          round: z.int().min(1).nullable(),
          found: z.int().min(0).nullable(),
        }),
      )
      .max(1024),
  });
}

/** The file of one election in a folder that need not be there yet. */
export class VoterMemoryFile {
  readonly #folder: string;
  readonly #electionId: string;
  readonly #path: string;
  readonly #onDamaged: (path: string) => void;

  /** `onDamaged` is told where a file that could not be read was put aside. */
  constructor(folder: string, electionId: string, onDamaged: (path: string) => void) {
    this.#folder = folder;
    this.#electionId = electionId;
    this.#path = join(folder, `${electionId}.json`);
    this.#onDamaged = onDamaged;
  }

  /** What is remembered. Throws the file system's refusal. */
  async read(): Promise<Remembered> {
    if (!(await exists(this.#path))) return NOTHING_REMEMBERED;
    return (await this.#parsed()) ?? (await this.#locked(() => this.#readOrPutAside()));
  }

  /** Puts what `how` makes of it in its place; no other program changes it in between. Throws `file-in-use`, and the file system's refusal. */
  async change(how: (before: Remembered) => Remembered): Promise<void> {
    await this.#locked(async () => {
      const { checkpoint, observers, receipts } = how(await this.#readOrPutAside());
      const content = {
        psephos: 'voter-memory',
        version: VERSION,
        electionId: this.#electionId,
        checkpoint,
        observers: observers.map(({ key, addresses }) => ({ key: toHex(key), addresses })),
        receipts,
      };
      await createFile(this.#path, { mode: 0o600, overwrite: true }, (file) =>
        file.writeFile(`${JSON.stringify(content)}\n`),
      );
    });
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    await makeFolder(this.#folder);
    return withFileLock(this.#path, work);
  }

  async #readOrPutAside(): Promise<Remembered> {
    if (!(await exists(this.#path))) return NOTHING_REMEMBERED;
    const parsed = await this.#parsed();
    if (parsed !== undefined) return parsed;
    const aside = join(this.#folder, `${this.#electionId}.damaged-${randomBytes(4).toString('hex')}.json`);
    await rename(this.#path, aside).catch((error: unknown) => {
      throw fileError(error, this.#path);
    });
    this.#onDamaged(aside);
    return NOTHING_REMEMBERED;
  }

  /** Undefined for what is no such file. */
  async #parsed(): Promise<Remembered | undefined> {
    const read = schemaFor(this.#electionId).safeParse(await readSmallJson(this.#path, MAX_BYTES));
    if (!read.success) return undefined;
    const { checkpoint, observers, receipts } = read.data;
    return { checkpoint, observers, receipts };
  }
}
