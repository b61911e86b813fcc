import { type Result, err } from '../../../base/result.ts';

/** What somebody did wrong in a ceremony. */
export type Offence =
  /** Not the message that is due, or not in its one form. */
  | 'malformed'
  /** A message before what it answers to was there, or after the ceremony's end. */
  | 'out-of-order'
  /** A message in the place of another one that was there before. */
  | 'second-message'
  | 'wrong-group'
  | 'wrong-size'
  | 'wrong-threshold'
  | 'wrong-place'
  | 'neutral-key'
  /** Two trustees, or two uses of one trustee, with one key. */
  | 'same-key'
  /** A certificate, or coefexps, not signed by the certificate's key. */
  | 'bad-signature'
  /** The list of certificates is not the one that a trustee signed: another ceremony, or somebody was told something else. */
  | 'other-certificates'
  /** Another number of coefexps or of secrets than there must be. */
  | 'wrong-count'
  /** Coefexps that are signed and can't be read, or hold a point outside the group. */
  | 'bad-coefexps'
  /** Two lists of coefexps, both signed by their trustee. */
  | 'two-polynomials'
  /** What a trustee encrypted for itself is not what came back. */
  | 'not-own-polynomial'
  /** What should be an encrypted message is none, whatever the key. */
  | 'not-encrypted'
  | 'undecryptable'
  /** Decrypted, but not signed by the sender. */
  | 'unsigned-secret'
  /** Signed by the sender, for another recipient. */
  | 'wrong-recipient'
  /** Signed by the sender, and not what the sender's coefexps say. */
  | 'wrong-secret'
  /** Shares that would make the group weaker than its threshold: of no worth, or one in two places. */
  | 'weak-share'
  | 'wrong-verification-key'
  | 'wrong-proof'
  | 'unsigned-key'
  | 'false-complaint';

/**
 * Whom a fault convicts. `signature`: the evidence is signed with the key in the accused's certificate, which convinces anyone who holds
 * the certificates. `delivery`: the evidence arrived in the accused's name; it convinces whoever took it from the accused, and
 * tells everyone else that either the accused or who delivered it is to blame.
 */
export type Proven = 'signature' | 'delivery';

/** A verdict: who did what, and how one can tell. */
export interface Fault {
  readonly offence: Offence;
  /** Trustees by index, from 1; nobody where only who delivered the messages can be to blame. */
  readonly accused: readonly number[];
  readonly proven: Proven;
  /** A sentence without names of trustees and without anything secret. */
  readonly reason: string;
  /** The messages that show it, as they arrived. */
  readonly evidence: readonly string[];
}

/** A fault as an error. */
export function fault(
  offence: Offence,
  accused: readonly number[],
  proven: Proven,
  reason: string,
  evidence: readonly string[],
): Result<never, Fault> {
  return err({ offence, accused, proven, reason, evidence });
}
