import * as dagJson from '@ipld/dag-json';
import * as z from 'zod';
import type { LogSource } from '../audit/source.ts';
import { toHex, utf8ToBytes } from '../base/bytes.ts';
import { decodeDagCbor, encodeDagCbor } from '../base/dag-cbor.ts';
import { cidOf } from '../crypto/cid.ts';
import { readBallot } from '../election/ballot.ts';
import { MAX_ENTRY_BYTES } from '../election/limits.ts';
import { signedBallotSchema } from '../election/schemas.ts';
import { damaged } from './damage.ts';
import { type ExportItem, type ExportOptions, type ExportedLog, logToExport, writeExport } from './export.ts';
import { ExportSource, damagedExport, notAnExport, readChunks } from './export-source.ts';
import { decodeText } from './layout.ts';

/**
 * A log as lines of JSON, for people and for programs that know no CBOR:
 *
 *   {"entry":<the entry as DAG-JSON>,"cid":"<its CID>"}             in the log's order; a ballot's line has a further
 *   {"entry":…,"cid":"…","ballot":{"round":"<CID>","voter":"<hex>","number":1,"form":"open","choices":[[0],null]}}
 *   {"checkpoint":"<the signed note>"}                              after the last entry that it covers
 *
 * `cid` and `ballot` say nothing that the entry doesn't. A reader makes each line again from the entry alone, and
 * refuses one that differs, so that they can't lie.
 */
const ENTRY_START = '{"entry":';
const CHECKPOINT_START = '{"checkpoint":';
/** Base64 of an entry's bytes, its choices once more, and the names around them stay below. */
const MAX_LINE_BYTES = 4 * MAX_ENTRY_BYTES;
const NEWLINE = 10;

/** Writes a log as JSON Lines. Throws as `logToExport` and `createFile`, and what the source throws. */
export async function exportJsonLines(
  source: LogSource,
  path: string,
  options: ExportOptions = {},
): Promise<void> {
  const log = await logToExport(source, options);
  await writeExport(path, options, lines(log));
}

async function* lines(log: ExportedLog): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const item of log.items()) yield utf8ToBytes(`${lineOf(item)}\n`);
}

function lineOf(item: ExportItem): string {
  if (item.kind === 'checkpoint') return checkpointLine(item.text);
  const value = decodeDagCbor(item.bytes, MAX_ENTRY_BYTES);
  if (value.ok) return entryLine(value.value, item.bytes);
  throw damaged(`Entry ${item.seq} is not DAG-CBOR, so it has no JSON form; export a CAR file.`);
}

function checkpointLine(text: string): string {
  return `${CHECKPOINT_START}${JSON.stringify(text)}}`;
}

/** `bytes` are the entry's encoding. */
function entryLine(entry: unknown, bytes: Uint8Array): string {
  return `${ENTRY_START}${dagJson.stringify(entry)},"cid":"${cidOf(bytes).toString()}"${ballotField(entry)}}`;
}

/** Empty for what isn't a ballot that can be read. */
function ballotField(entry: unknown): string {
  const found = ballotEntrySchema.safeParse(entry);
  const ballot = found.success ? readBallot(found.data.ballot) : undefined;
  if (ballot?.ok !== true) return '';
  const { round, voter, ...rest } = ballot.value;
  return `,"ballot":${JSON.stringify({ round: round.toString(), voter: toHex(voter), ...rest })}`;
}

const ballotEntrySchema = z.looseObject({ kind: z.literal('ballot'), ballot: signedBallotSchema });

/**
 * A JSON Lines export as a log. Each line must be exactly the one that its entry or checkpoint is exported as; else the
 * source throws `export-damaged` naming the line. Throws `not-an-export` and `fileError`'s errors at once.
 */
export async function openJsonLinesSource(path: string): Promise<LogSource> {
  const reader = new JsonLinesReader(path);
  await reader.check();
  return new ExportSource(path, reader);
}

interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

class JsonLinesReader {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Looks at the file's beginning alone. */
  async check(): Promise<void> {
    for await (const chunk of readChunks(this.#path)) {
      const start = decodeText(chunk.subarray(0, ENTRY_START.length));
      if (start === ENTRY_START) return;
      break;
    }
    throw notAnExport(this.#path, 'it does not begin with an entry in JSON');
  }

  async *entries(from: number): AsyncGenerator<Uint8Array, void, undefined> {
    let seq = 0;
    for await (const line of this.#lines()) {
      if (line.text.startsWith(CHECKPOINT_START)) continue;
      if (!line.text.startsWith(ENTRY_START)) throw this.#bad(line, 'is neither an entry nor a checkpoint');
      if (seq++ >= from) yield this.#entryOf(line, seq - 1);
    }
  }

  async *checkpoints(): AsyncGenerator<string, void, undefined> {
    for await (const line of this.#lines()) {
      if (line.text.startsWith(CHECKPOINT_START)) yield this.#checkpointOf(line);
    }
  }

  #entryOf(line: Line, seq: number): Uint8Array {
    let entry: unknown;
    let bytes: Uint8Array;
    try {
      const parsed: unknown = dagJson.parse(line.text);
      entry = typeof parsed === 'object' && parsed !== null && 'entry' in parsed ? parsed.entry : undefined;
      bytes = encodeDagCbor(entry);
    } catch (error) {
      // Parser and encoder throw for what is not DAG-JSON, and for nothing else.
      throw this.#bad(line, `(entry ${seq}) is not DAG-JSON`, error);
    }
    if (bytes.length > MAX_ENTRY_BYTES || entryLine(entry, bytes) !== line.text) {
      throw this.#bad(line, `(entry ${seq}) is not the line that its entry was exported as`);
    }
    return bytes;
  }

  #checkpointOf(line: Line): string {
    let text: unknown;
    try {
      text = JSON.parse(line.text.slice(CHECKPOINT_START.length, -1));
    } catch (error) {
      throw this.#bad(line, '(a checkpoint) is not JSON', error);
    }
    if (typeof text !== 'string' || checkpointLine(text) !== line.text) {
      throw this.#bad(line, '(a checkpoint) is not the line that it was exported as');
    }
    return text;
  }

  async *#lines(): AsyncGenerator<Line, void, undefined> {
    let number = 1;
    let rest: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of readChunks(this.#path)) {
      let at = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, at)) {
        const text = decodeText(Buffer.concat([...rest, chunk.subarray(at, end)]));
        if (text === undefined) throw damagedExport(this.#path, `line ${number} is not UTF-8`);
        yield { number: number++, text };
        at = end + 1;
        rest = [];
        length = 0;
      }
      rest.push(chunk.subarray(at));
      length += chunk.length - at;
      if (length > MAX_LINE_BYTES) throw damagedExport(this.#path, `line ${number} is too long`);
    }
    if (length > 0) throw damagedExport(this.#path, `line ${number} is cut off`);
  }

  #bad(line: Line, why: string, cause?: unknown): Error {
    return damagedExport(this.#path, `line ${line.number} ${why}`, cause);
  }
}
