import type { EventType } from '../encoding/events.ts';

/** How many files stand before an event; the last of them is its payload. */
export const FILES_BEFORE: Readonly<Record<EventType, number>> = {
  Setup: 4,
  Ballot: 1,
  EndBallots: 0,
  EncryptedTally: 2,
  Shuffle: 2,
  EndShuffles: 0,
  PartialDecryption: 2,
  Result: 1,
};

/** What may follow an event (4.4, 3.4). */
const MAY_FOLLOW: Readonly<Record<EventType | 'beginning', readonly EventType[]>> = {
  beginning: ['Setup'],
  Setup: ['Ballot', 'EndBallots'],
  Ballot: ['Ballot', 'EndBallots'],
  EndBallots: ['EncryptedTally'],
  EncryptedTally: ['Shuffle', 'EndShuffles', 'PartialDecryption'],
  Shuffle: ['Shuffle', 'EndShuffles'],
  EndShuffles: ['PartialDecryption'],
  PartialDecryption: ['PartialDecryption', 'Result'],
  Result: [],
};

/** Why an event can't stand after another; undefined when it can. */
export function outOfOrder(type: EventType, previous: EventType | undefined): string | undefined {
  if (MAY_FOLLOW[previous ?? 'beginning'].includes(type)) return undefined;
  return previous === undefined
    ? `the first event is ${type} instead of Setup`
    : `${type} can't come after ${previous}`;
}
