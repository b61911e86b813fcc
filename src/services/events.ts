import type { LiveTurnout } from './ports.ts';

/**
 * What the polling station reports to whoever watches it. Events name voters as the roll does and never say what
 * anybody voted.
 */
export type StationEvent =
  | {
      readonly type: 'ballot-accepted';
      readonly seq: number;
      readonly round: number;
      /** The voter's name on the roll: a username, or a pseudonym where the policy says so. */
      readonly voter: string;
      /** 1 for the voter's first ballot of the round. */
      readonly number: number;
      readonly turnout: LiveTurnout;
    }
  | { readonly type: 'ballot-refused'; readonly code: string; readonly reason: string }
  | {
      readonly type: 'voter-enrolled';
      readonly seq: number;
      /** As above. */
      readonly voter: string;
      /** Voters who have enrolled so far, and voters on the roll. */
      readonly enrolled: number;
      readonly voters: number;
    }
  | { readonly type: 'enrolment-refused'; readonly code: string; readonly reason: string }
  | { readonly type: 'round-opened'; readonly round: number; readonly closes: number | null }
  | { readonly type: 'round-closed'; readonly round: number; readonly reason: 'organiser' | 'schedule' }
  /** A round could not be opened or closed at its time; it is tried again. */
  | { readonly type: 'schedule-problem'; readonly reason: string }
  /** The machine's clock is behind the log's newest entry; entries keep the log's time until it has caught up. */
  | { readonly type: 'clock-behind'; readonly byMs: number }
  /** A write failed: no ballot is accepted until the store could be opened again. */
  | { readonly type: 'store-suspended'; readonly reason: string }
  | { readonly type: 'store-resumed' }
  /** A request ended in an error that nobody foresaw. */
  | { readonly type: 'defect'; readonly error: unknown };

export type EventListener = (event: StationEvent) => void;
