import type { Finding } from '../../audit/report.ts';
import type { WitnessEvent } from '../witness-desk.ts';

/** What an observer reports to whoever runs it. */
export type ObserverEvent =
  | WitnessEvent
  /** A source of the log answers, and its log is taken from here on. */
  | {
      readonly type: 'following';
      readonly peer: string;
      readonly isAuthority: boolean;
      readonly from: number;
    }
  /** A source can't be reached any more, or not yet; it is tried again. */
  | { readonly type: 'source-lost'; readonly peer: string; readonly reason: string }
  /** A source did what no honest one does; it is left alone for a while. */
  | { readonly type: 'bad-source'; readonly peer: string; readonly reason: string }
  /** All that the source has is on disk. */
  | { readonly type: 'caught-up'; readonly size: number }
  | { readonly type: 'cosigned'; readonly size: number }
  /** The authority signed entries that break the election's rules; `checkpoint` is the first that covers what is wrong. */
  | {
      readonly type: 'invalid-log';
      readonly finding: Finding;
      readonly checkpoint: string;
    }
  /** The authority shows fewer entries than it signed for. */
  | { readonly type: 'rolled-back'; readonly size: number; readonly ownSize: number }
  /** The disk can't be written; it is tried again. */
  | { readonly type: 'store-suspended'; readonly reason: string }
  | { readonly type: 'store-resumed' };

export type ObserverListener = (event: ObserverEvent) => void;

/** Events after which an observer vouches for nothing any more. */
const ALARMS = ['fork', 'invalid-log', 'rolled-back'] as const satisfies readonly ObserverEvent['type'][];
export type Alarm = Extract<ObserverEvent, { type: (typeof ALARMS)[number] }>;

/** Whether an event is an alarm: the authority did what it must not do. */
export function isAlarm(event: ObserverEvent): event is Alarm {
  return ALARMS.some((type) => type === event.type);
}
