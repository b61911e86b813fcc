import { MAX_TIME } from '../election/limits.ts';
import { type Result, err, ok } from '../base/result.ts';

const RELATIVE = /^\+(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?$/;
const ABSOLUTE = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2}))?(Z|[+-]\d{2}:?\d{2})?$/;

export const TIME_HELP =
  'ISO 8601 such as 2026-05-02T18:00 (local time unless a zone follows), or from now such as +2h or +1d12h30m';

/**
 * Reads a time as organisers write it: ISO 8601 with at least hours and minutes, in this machine's zone unless it names
 * another; or `+` and days, hours, minutes, seconds from `now`. The value is in ms since the epoch.
 */
export function parseTime(text: string, now: number): Result<number, string> {
  const typed = text.trim();
  const time = typed.startsWith('+') ? fromNow(typed, now) : absolute(typed);
  if (typeof time === 'string') return err(time);
  return time >= 0 && time <= MAX_TIME ? ok(time) : err('it lies outside the years 1970 to 9999');
}

function fromNow(text: string, now: number): number | string {
  const match = RELATIVE.exec(text);
  if (match === null || text === '+') return `expected ${TIME_HELP}`;
  const [days, hours, minutes, seconds] = match
    .slice(1)
    .map((digits: string | undefined) => Number(digits ?? 0)) as Four;
  return now + (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
}

type Four = [number, number, number, number];
type Six = [number, number, number, number, number, number];

function absolute(text: string): number | string {
  const match = ABSOLUTE.exec(text);
  if (match === null) return `expected ${TIME_HELP}`;
  const parts = match.slice(1, 7).map((digits: string | undefined) => Number(digits ?? 0)) as Six;
  const zone = match[7];
  const [year, month, day, hour, minute, second] = parts;
  if (!sameParts(new Date(Date.UTC(year, month - 1, day, hour, minute, second)), parts, 'utc')) {
    return 'the calendar has no such date or the clock no such time';
  }
  if (zone !== undefined) {
    const offset = offsetOf(zone);
    if (offset === undefined) return `there is no zone ${zone}`;
    return Date.UTC(year, month - 1, day, hour, minute, second) - offset;
  }
  const local = new Date(year, month - 1, day, hour, minute, second);
  // The hour that a change to summer time leaves out would silently become another one.
  return sameParts(local, parts, 'local')
    ? local.getTime()
    : 'clocks here are put forward over that time, so it never comes';
}

/** Date takes 30 February for 2 March; what it made of the parts must be the parts. */
function sameParts(date: Date, parts: Six, zone: 'utc' | 'local'): boolean {
  const made =
    zone === 'utc'
      ? [
          date.getUTCFullYear(),
          date.getUTCMonth() + 1,
          date.getUTCDate(),
          date.getUTCHours(),
          date.getUTCMinutes(),
          date.getUTCSeconds(),
        ]
      : [
          date.getFullYear(),
          date.getMonth() + 1,
          date.getDate(),
          date.getHours(),
          date.getMinutes(),
          date.getSeconds(),
        ];
  return made.every((part, index) => part === parts[index]);
}

/** Milliseconds east of UTC; zones reach from -12:00 to +14:00. */
function offsetOf(zone: string): number | undefined {
  if (zone === 'Z') return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(-2))];
  if (hours > 14 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

const two = (n: number) => String(n).padStart(2, '0');

/** A time as people here read it, with its zone: `Sat 2026-05-02 18:00:00 (UTC+02:00)`. */
export function formatTime(time: number): string {
  const date = new Date(time);
  const weekday = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][date.getDay()] ?? '';
  const east = -date.getTimezoneOffset();
  const zone = `UTC${east < 0 ? '-' : '+'}${two(Math.floor(Math.abs(east) / 60))}:${two(Math.abs(east) % 60)}`;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${weekday} ${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} (${zone})`;
}

/** How far off a time is, in the two largest units: `in 1 h 59 min`, `5 min ago`. */
export function fromNowInWords(time: number, now: number): string {
  const seconds = Math.round(Math.abs(time - now) / 1000);
  const units: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = units.findIndex(([count]) => count > 0);
  if (first === -1) return 'now';
  const shown = units
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
  return time > now ? `in ${shown}` : `${shown} ago`;
}

/** A time as files carry it: ISO 8601 in UTC. */
export function isoTime(time: number): string {
  return new Date(time).toISOString();
}
