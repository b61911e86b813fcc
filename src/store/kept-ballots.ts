import { randomBytes } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { equalBytes, fromBase64, fromHex, toBase64, toHex } from '../base/bytes.ts';
import { refused } from '../base/errors.ts';
import { type Ballot, decodeSignedBallot, readBallot, trackerOf } from '../election/ballot.ts';
import { MAX_TIME } from '../election/limits.ts';
import { createFile, exists, makeFolder, removeStaleTemporaries } from './files.ts';
import { withFileLock } from './file-lock.ts';
import { codeOf, fileError } from './fs-errors.ts';
import { readSmallJson } from './small-file.ts';

/** A signed ballot that its voter wants to be cast, and that is not known to be cast. */
export interface KeptBallot {
  readonly electionId: string;
  /** The Ed25519 key of the election's authority, which alone can take it. */
  readonly authority: Uint8Array;
  readonly round: number;
  /** When the round closes, in ms since 1970; null where nobody knows. */
  readonly closes: number | null;
  /** The voter's name on the roll. */
  readonly voter: string;
  /** When it was kept, in ms since 1970. */
  readonly made: number;
  /** What is sent: the same bytes each time, so that it is cast once. */
  readonly bytes: Uint8Array;
  /** As read from the bytes. */
  readonly ballot: Ballot;
  readonly tracker: string;
}

/** What a ballot is kept with; the rest is in its bytes. */
export type NewKeptBallot = Omit<KeptBallot, 'ballot' | 'tracker'>;

const VERSION = 1;
/** The largest ballot as base64, and some words. */
const MAX_BYTES = 2 * 1024 * 1024;
const NAME = /^(\w+)\.([0-9a-f]{64})\.kept\.json$/;

const bytesAs = (decode: (text: string) => Uint8Array | undefined) =>
  z.string().transform((text, context) => {
    const bytes = decode(text);
    if (bytes !== undefined) return bytes;
    context.addIssue({ code: 'custom', message: 'not in the expected encoding' });
    return z.NEVER;
  });

const time = z.int().min(0).max(MAX_TIME);

const fileSchema = z.strictObject({
  psephos: z.literal('kept-ballot'),
  version: z.literal(VERSION),
  electionId: z.string(),
  authority: bytesAs(fromHex).refine(({ length }) => length === 32),
  round: z.int().min(1),
  closes: time.nullable(),
  voter: z.string().max(1024),
  made: time,
  ballot: bytesAs(fromBase64),
});

/**
 * Signed ballots that wait to be cast, in the folder where a voter's program remembers things: `<election id>.<voter's key>.kept.json`, for the
 * owner alone, one for each voter of an election. No secret is among it; but an open ballot says its vote, and a sealed one whose it is.
 */
export class KeptBallots {
  readonly #folder: string;
  readonly #onDamaged: (path: string) => void;

  /** `onDamaged` is told where a file that could not be read was put aside. */
  constructor(folder: string, onDamaged: (path: string) => void) {
    this.#folder = folder;
    this.#onDamaged = onDamaged;
  }

  /** All that are kept for an election, or for one of an authority. Throws the file system's refusal. */
  async find(
    which: { readonly electionId: string } | { readonly authority: Uint8Array },
  ): Promise<KeptBallot[]> {
    const names = await readdir(this.#folder).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return [];
      throw fileError(error, this.#folder);
    });
    const found: KeptBallot[] = [];
    for (const name of names.sort()) {
      const [, electionId, key] = NAME.exec(name) ?? [];
      if (electionId === undefined || key === undefined) continue;
      if ('electionId' in which && which.electionId !== electionId) continue;
      const kept = await this.#readOrPutAside(electionId, key);
      if (kept === undefined) continue;
      if ('authority' in which && !equalBytes(which.authority, kept.authority)) continue;
      found.push(kept);
    }
    return found;
  }

  /** The one of a voter. Throws the file system's refusal. */
  async of(electionId: string, voter: Uint8Array): Promise<KeptBallot | undefined> {
    return this.#readOrPutAside(electionId, toHex(voter));
  }

  /**
   * Keeps a ballot; when this resolves it is on disk. Throws `ballot-kept` where another one of the same voter is kept, which may be on
   * its way: it has to be settled first. Throws the file system's refusal, and `file-in-use`.
   */
  async keep(given: NewKeptBallot): Promise<KeptBallot> {
    const kept = complete(given);
    if (kept === undefined) throw new Error('a ballot of this program can not be read');
    const path = this.pathOf(kept);
    await makeFolder(this.#folder);
    await removeStaleTemporaries(this.#folder);
    await withFileLock(path, async () => {
      const before = await this.#read(kept.electionId, toHex(kept.ballot.voter));
      if (before === 'damaged') await this.#putAside(path);
      else if (before !== undefined && !equalBytes(before.bytes, kept.bytes)) throw alreadyKept(before, path);
      const { electionId, authority, round, closes, voter, made, bytes } = kept;
      const content = {
        psephos: 'kept-ballot',
        version: VERSION,
        ...{ electionId, authority: toHex(authority), round, closes, voter, made, ballot: toBase64(bytes) },
      };
      await createFile(path, { mode: 0o600, overwrite: true }, (file) =>
        file.writeFile(`${JSON.stringify(content)}\n`),
      );
    });
    return kept;
  }

  /** Whether this very ballot is kept still: another program may have cast it, or thrown it away. Throws the file system's refusal. */
  async holds({ electionId, ballot, bytes }: KeptBallot): Promise<boolean> {
    const now = await this.#read(electionId, toHex(ballot.voter));
    return now !== undefined && now !== 'damaged' && equalBytes(now.bytes, bytes);
  }

  /** Forgets this very ballot; does nothing where it is not kept any more. Throws the file system's refusal, and `file-in-use`. */
  async drop(kept: KeptBallot): Promise<void> {
    if (!(await this.holds(kept))) return;
    const path = this.pathOf(kept);
    await withFileLock(path, async () => {
      if (await this.holds(kept)) await rm(path, { force: true });
    });
  }

  pathOf({ electionId, ballot }: Pick<KeptBallot, 'electionId' | 'ballot'>): string {
    return this.#path(electionId, toHex(ballot.voter));
  }

  #path(electionId: string, key: string): string {
    return join(this.#folder, `${electionId}.${key}.kept.json`);
  }

  async #readOrPutAside(electionId: string, key: string): Promise<KeptBallot | undefined> {
    const path = this.#path(electionId, key);
    const read = await this.#read(electionId, key);
    if (read !== 'damaged') return read;
    // Whoever is at it may just have replaced it.
    return withFileLock(path, async () => {
      const again = await this.#read(electionId, key);
      if (again !== 'damaged') return again;
      await this.#putAside(path);
      return undefined;
    });
  }

  async #putAside(path: string): Promise<void> {
    const aside = path.replace(/\.kept\.json$/, `.damaged-${randomBytes(4).toString('hex')}.json`);
    await rename(path, aside).catch((error: unknown) => {
      throw fileError(error, path);
    });
    this.#onDamaged(aside);
  }

  async #read(electionId: string, key: string): Promise<KeptBallot | 'damaged' | undefined> {
    const path = this.#path(electionId, key);
    if (!(await exists(path))) return undefined;
    let json;
    try {
      json = await readSmallJson(path, MAX_BYTES);
    } catch (error) {
      // Dropped in this moment.
      if (!(await exists(path))) return undefined;
      throw error;
    }
    const parsed = fileSchema.safeParse(json);
    if (!parsed.success || parsed.data.electionId !== electionId) return 'damaged';
    const { authority, round, closes, voter, made, ballot: bytes } = parsed.data;
    const kept = complete({ electionId, authority, round, closes, voter, made, bytes });
    return kept !== undefined && toHex(kept.ballot.voter) === key ? kept : 'damaged';
  }
}

/** Undefined where the bytes are no ballot. */
function complete(given: NewKeptBallot): KeptBallot | undefined {
  const signed = decodeSignedBallot(given.bytes);
  const ballot = signed.ok ? readBallot(signed.value) : signed;
  if (!ballot.ok) return undefined;
  return { ...given, ballot: ballot.value, tracker: trackerOf(ballot.value, given.bytes) };
}

function alreadyKept({ tracker }: KeptBallot, path: string): Error {
  return refused(
    'ballot-kept',
    `Another ballot of this voter, ${tracker}, is kept on this computer and waits to be cast: ${path}`,
    { hint: 'Cast it first (--pending cast), or throw it away and vote anew (--pending discard).' },
  );
}
