import type { Fault } from '../belenios/v1/ceremony/fault.ts';
import type { CeremonyStep, TrusteeStep } from '../election/entries.ts';
import type { LiveTurnout } from './ports.ts';
import type { Readiness } from './trustee-calls.ts';
import type { WitnessEvent } from './witness-desk.ts';

/**
 * What the polling station reports to whoever watches it. Events name voters as the roll does and never say what
 * anybody voted.
 */
export type StationEvent =
  | WitnessEvent
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
  /** A step of a key ceremony is in the log. */
  | {
      readonly type: 'trustee-step';
      readonly trustee: number;
      readonly name: string | null;
      readonly step: TrusteeStep;
    }
  /** The key ceremony is done: the election has its trustees. */
  | { readonly type: 'trustees-made'; readonly trustees: number }
  /** A complaint, or what trustees made together, ended the key ceremony. */
  | {
      readonly type: 'ceremony-ended';
      readonly reason: string;
      readonly accused: readonly TrusteeByName[];
      readonly by: TrusteeByName;
    }
  /** Something that a trustee handed in, or somebody in its name, can't be used. */
  | {
      readonly type: 'trustee-refused';
      readonly trustee: number;
      readonly name: string | null;
      readonly what: string;
      readonly reason: string;
      /** Where it can only be the trustee's: what shows it. */
      readonly evidence: CeremonyEvidence | null;
    }
  /** The trustees were asked to show that they could decrypt. */
  | { readonly type: 'trustees-called' }
  /** A trustee has shown that it could decrypt. */
  | {
      readonly type: 'trustee-ready';
      readonly trustee: number;
      readonly name: string | null;
      readonly readiness: Readiness;
    }
  /** A trustee has decrypted; `missing` says whose decryptions are not there yet, null with the result. */
  | {
      readonly type: 'decryption-taken';
      readonly round: number;
      readonly trustee: number;
      readonly name: string | null;
      readonly missing: string | null;
    };

export interface TrusteeByName {
  readonly trustee: number;
  readonly name: string | null;
}

/** A step that is not sound, with what is wrong with it. */
export interface CeremonyEvidence {
  /** CID of the ceremony's start. */
  readonly ceremony: string;
  readonly step: CeremonyStep;
  readonly fault: Fault;
}

export type EventListener = (event: StationEvent) => void;
