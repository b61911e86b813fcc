import { type Result, ok } from '../../../base/result.ts';
import { type Codec, integer, kindOf, optional, record } from './codec.ts';
import { decodeStrictly } from './decode.ts';
import { hash } from './elements.ts';
import { MESSAGE_LIMITS } from './limits.ts';
import { parseDecimal } from './numbers.ts';
import type { DecodeProblem } from './problem.ts';

export const EVENT_TYPES = [
  'Setup',
  'Ballot',
  'EndBallots',
  'EncryptedTally',
  'Shuffle',
  'EndShuffles',
  'PartialDecryption',
  'Result',
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** 4.4. Hashes are the names of files in the archive. */
export interface ArchiveEvent {
  readonly parent?: string;
  readonly height: number;
  readonly type: EventType;
  readonly payload?: string;
}

const eventType: Codec<EventType> = {
  read(value, at) {
    const known = EVENT_TYPES.find((type) => type === value);
    return known ?? at.fail(`not one of ${EVENT_TYPES.join(', ')}`);
  },
  write: (value) => `"${value}"`,
};

const event: Codec<ArchiveEvent> = record({
  parent: optional(hash),
  height: integer(0, 2 ** 30 - 1),
  type: eventType,
  payload: optional(hash),
});

export function encodeEvent(value: ArchiveEvent): string {
  return event.write(value);
}

export function decodeEvent(source: string): Result<ArchiveEvent, DecodeProblem> {
  return decodeStrictly(event, source, MESSAGE_LIMITS);
}

/** Until 2242, what 11 octal digits hold. */
export const LATEST_TIMESTAMP = 8 ** 11 - 1;

const version = integer(1, 1);

/** The time is written as a string, but the specification's number is read too. */
const timestamp: Codec<number> = {
  read(value, at) {
    const seconds = typeof value === 'string' ? Number(parseDecimal(value) ?? NaN) : value;
    return typeof seconds === 'number' &&
      Number.isInteger(seconds) &&
      seconds >= 0 &&
      seconds <= LATEST_TIMESTAMP
      ? seconds
      : at.fail(`${kindOf(value)}, expected whole seconds up to ${LATEST_TIMESTAMP}`);
  },
  write: (value) => `"${value}"`,
};

const header = record({ version, timestamp });

/** The text of the file BELENIOS (4.4) for an archive begun at this time, in seconds since 1970. */
export function encodeHeader(startedAt: number): string {
  return header.write({ version: 1, timestamp: startedAt });
}

/** Reads it: the time in seconds since 1970. */
export function decodeHeader(source: string): Result<number, DecodeProblem> {
  const read = decodeStrictly(header, source, MESSAGE_LIMITS);
  return read.ok ? ok(read.value.timestamp) : read;
}
