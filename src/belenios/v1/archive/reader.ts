import { toHex } from '../../../base/bytes.ts';
import { type Result, err, ok } from '../../../base/result.ts';
import { sha256 } from '../../../crypto/hash.ts';
import { type ArchiveEvent, decodeEvent, decodeHeader } from '../encoding/events.ts';
import { problemText } from '../encoding/problem.ts';
import { decodeSetupData } from '../encoding/setup.ts';
import { decodeOwned, decodeSizedEncryptedTally } from '../encoding/tally.ts';
import { ByteReader } from './byte-reader.ts';
import { ARCHIVE_LIMITS, type ArchiveLimits } from './limits.ts';
import { FILES_BEFORE, outOfOrder } from './order.ts';
import { BLOCK, paddingOf, parseTarHeader } from './tar.ts';

/** A file of an archive; its hash is the first part of its name. */
export interface ArchiveFile {
  readonly hash: string;
  readonly text: string;
  /** Where its header begins. */
  readonly offset: number;
}

/** An event with the files that belong to it, in the order in which they stand before it. */
export interface ArchiveEntry {
  readonly event: ArchiveEvent;
  readonly file: ArchiveFile;
  readonly data: readonly ArchiveFile[];
}

export interface ArchiveProblem {
  /** The byte at which the reader noticed. */
  readonly offset: number;
  readonly message: string;
}

type Step<T> = Result<T, ArchiveProblem>;

const FIRST_NAME = 'BELENIOS';
const FILE_NAME = /^([0-9a-f]{64})\.(data|event)\.json$/;
const MOST_FILES = Math.max(...Object.values(FILES_BEFORE));
// A byte order mark is part of the text, and then no JSON.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads a Belenios archive (4.4) event by event, in memory for one event's files. Refused, with offset and reason, is
 * everything that `ArchiveWriter` would not have written for the same files: another layout, a name that is not the hash,
 * an event that is not the next link of the chain or out of order, a file that its event does not refer to, or a missing
 * one. A refusal is the last thing it yields. An archive may end after any event, which makes it an earlier stage.
 *
 * What the files say is looked at no further than the references between them.
 */
export async function* readArchive(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  limits: ArchiveLimits = ARCHIVE_LIMITS,
): AsyncGenerator<Step<ArchiveEntry>, void, void> {
  const reader = new ArchiveReader(source, limits);
  try {
    const header = await reader.header();
    if (!header.ok) {
      yield header;
      return;
    }
    for (;;) {
      const entry = await reader.entry();
      if (entry === undefined) return;
      yield entry;
      if (!entry.ok) return;
    }
  } finally {
    await reader.close();
  }
}

/** The text of an archive's file BELENIOS, which `ArchiveWriter` needs to write the same bytes again. */
export async function readArchiveHeader(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Step<string>> {
  const reader = new ArchiveReader(source, ARCHIVE_LIMITS);
  try {
    return await reader.header();
  } finally {
    await reader.close();
  }
}

interface NamedFile extends ArchiveFile {
  readonly kind: 'data' | 'event';
}

class ArchiveReader {
  readonly #bytes: ByteReader;
  readonly #limits: ArchiveLimits;
  #startedAt: number | undefined;
  #previous: ArchiveEntry | undefined;

  constructor(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, limits: ArchiveLimits) {
    this.#bytes = new ByteReader(source);
    this.#limits = limits;
  }

  async close(): Promise<void> {
    await this.#bytes.close();
  }

  async header(): Promise<Step<string>> {
    const block = await this.#bytes.take(BLOCK);
    if (block.length === 0) return refuse(0, 'the archive is empty');
    const file = await this.#file(block, 0);
    if (!file.ok) return file;
    if (file.value.name !== FIRST_NAME) return refuse(0, `the first file is not ${FIRST_NAME}`);
    const text = decodeUtf8(file.value.body);
    const startedAt = text === undefined ? undefined : decodeHeader(text);
    if (text === undefined || startedAt === undefined) return refuse(BLOCK, `${FIRST_NAME} is not UTF-8`);
    if (!startedAt.ok) return refuse(BLOCK, `${FIRST_NAME}: ${problemText(startedAt.error)}`);
    const checked = parseTarHeader(block, startedAt.value);
    if (!checked.ok) return refuse(checked.error.at, checked.error.message);
    this.#startedAt = startedAt.value;
    return ok(text);
  }

  /** Undefined at the end of the archive. */
  async entry(): Promise<Step<ArchiveEntry> | undefined> {
    const data: NamedFile[] = [];
    for (;;) {
      const offset = this.#bytes.offset;
      const block = await this.#bytes.take(BLOCK);
      if (block.length === 0) {
        const [first] = data;
        return first === undefined
          ? undefined
          : refuse(first.offset, 'the archive ends with a file that no event refers to');
      }
      const file = await this.#namedFile(block, offset);
      if (!file.ok) return file;
      if (file.value.kind === 'event') return this.#link(file.value, data);
      data.push(file.value);
      if (data.length > MOST_FILES) return refuse(offset, 'more files than any event refers to');
    }
  }

  #link(file: ArchiveFile, data: readonly ArchiveFile[]): Step<ArchiveEntry> {
    const event = decodeEvent(file.text);
    if (!event.ok) return refuse(file.offset, `event: ${problemText(event.error)}`);
    const entry = { event: event.value, file, data };
    const problem = chainProblem(entry, this.#previous) ?? referenceProblem(entry);
    if (problem !== undefined) return refuse(file.offset, problem);
    this.#previous = entry;
    return ok(entry);
  }

  async #namedFile(block: Uint8Array, offset: number): Promise<Step<NamedFile>> {
    const read = await this.#file(block, offset);
    if (!read.ok) return read;
    const [, hash, kind] = FILE_NAME.exec(read.value.name) ?? [];
    if (hash === undefined || kind === undefined) {
      return refuse(offset, 'a name that is not 64 hexadecimal digits and .data.json or .event.json');
    }
    if (toHex(sha256(read.value.body)) !== hash) {
      return refuse(offset, `the name ${hash} is not the SHA-256 of the file`);
    }
    const text = decodeUtf8(read.value.body);
    if (text === undefined) return refuse(offset + BLOCK, `the file ${hash} is not UTF-8`);
    return ok({ hash, text, offset, kind: kind === 'event' ? 'event' : 'data' });
  }

  async #file(block: Uint8Array, offset: number): Promise<Step<{ name: string; body: Uint8Array }>> {
    if (block.length < BLOCK) return refuse(offset, 'the archive ends inside a header');
    const header = parseTarHeader(block, this.#startedAt);
    if (!header.ok) return refuse(offset + header.error.at, header.error.message);
    const { name, size } = header.value;
    if (size > this.#limits.maxFileBytes) {
      return refuse(offset, `a file of ${size} bytes, more than the ${this.#limits.maxFileBytes} allowed`);
    }
    const padded = await this.#bytes.take(size + paddingOf(size));
    if (padded.length < size + paddingOf(size)) return refuse(offset, 'the archive ends inside a file');
    const stray = padded.subarray(size).findIndex((byte) => byte !== 0);
    if (stray !== -1) return refuse(offset + BLOCK + size + stray, 'a file is not filled up with zeros');
    return ok({ name, body: padded.subarray(0, size) });
  }
}

function chainProblem({ event }: ArchiveEntry, previous: ArchiveEntry | undefined): string | undefined {
  const height = previous === undefined ? 0 : previous.event.height + 1;
  if (event.height !== height) return `the event has height ${event.height} instead of ${height}`;
  if (event.parent !== previous?.file.hash) {
    return previous === undefined
      ? 'the first event has a parent'
      : `the parent is not the event before it, ${previous.file.hash}`;
  }
  return outOfOrder(event.type, previous?.event.type);
}

/** Files stand before their event in the order in which they refer to each other, the payload last. */
function referenceProblem({ event, data }: ArchiveEntry): string | undefined {
  const expected = FILES_BEFORE[event.type];
  if (data.length !== expected) {
    return `${event.type} has ${data.length} files before it instead of ${expected}`;
  }
  const payload = data.at(-1);
  if (payload?.hash !== event.payload) {
    if (payload === undefined) return `${event.type} has a payload`;
    if (event.payload === undefined) return `${event.type} has no payload`;
    return 'the payload is not the file before the event';
  }
  const references = payload === undefined ? ok([]) : referencesOf(event, payload.text);
  if (!references.ok) return references.error;
  const astray = references.value.findIndex((hash, i) => hash !== data[i]?.hash);
  return astray === -1 ? undefined : `the payload does not refer to the file ${data[astray]?.hash ?? ''}`;
}

/** What a payload refers to, in order. */
function referencesOf({ type }: ArchiveEvent, payload: string): Result<readonly string[], string> {
  switch (type) {
    case 'Setup': {
      const read = decodeSetupData(payload, 'as-it-stands');
      if (!read.ok) return err(`setup data: ${problemText(read.error)}`);
      return ok([read.value.election, read.value.trustees, read.value.credentials]);
    }
    case 'EncryptedTally': {
      const read = decodeSizedEncryptedTally(payload, 'as-it-stands');
      return read.ok ? ok([read.value.encryptedTally]) : err(`sized tally: ${problemText(read.error)}`);
    }
    case 'Shuffle':
    case 'PartialDecryption': {
      const read = decodeOwned(payload, 'as-it-stands');
      return read.ok ? ok([read.value.payload]) : err(`${type}: ${problemText(read.error)}`);
    }
    case 'Ballot':
    case 'EndBallots':
    case 'EndShuffles':
    case 'Result':
      return ok([]);
  }
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    // What a fatal decoder throws for bytes that are not UTF-8.
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function refuse(offset: number, message: string): { readonly ok: false; readonly error: ArchiveProblem } {
  return err({ offset, message });
}
