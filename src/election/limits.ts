/** Bounds of what an election may contain. A decoder checks them first; a change needs a new entry version. */

/** An entry's encoded size: a roll chunk of ROLL_CHUNK longest names stays below. */
export const MAX_ENTRY_BYTES = 512 * 1024;
/** A signed ballot's encoded size: 64 questions of 1,000 answers chosen at 3 bytes each fit. */
export const MAX_BALLOT_BYTES = 256 * 1024;
/** Its body's size: with the signature and what names the two, it stays below. */
export const MAX_BODY_BYTES = MAX_BALLOT_BYTES - 128;
/** Voters per roll entry: about 60 kB of typical names. */
export const ROLL_CHUNK = 1000;
/** Voters on a roll: bounds what an auditor must remember. */
export const MAX_VOTERS = 10_000_000;
export const MAX_NAME_BYTES = 256;
export const MAX_TEXT_BYTES = 4096;
export const MAX_QUESTIONS = 64;
export const MAX_ANSWERS = 1000;
/** A voter's weight, and (as in the tally bound) the sum over the roll. */
export const MAX_WEIGHT = 1_000_000;
export const MAX_TOTAL_WEIGHT = 1_000_000_000;
/** Ballots of one voter in one round: enough for any change of mind, and a bound on what one key can fill the log with. */
export const MAX_BALLOTS_PER_VOTER = 1000;
/** In a sealed election: a sum is found by searching for it, which takes the square root of this many steps. */
export const MAX_SEALED_WEIGHT = 10_000_000;
/** Trustees of one election, in all: a group's transcript grows with the square of its members. */
export const MAX_TRUSTEES = 64;
/** Members of a threshold group: each sends each other an encrypted secret, and an entry must hold what one sends. */
export const MAX_MEMBERS = 20;
/** Milliseconds since 1970; the year 9999, so that every time has an ISO 8601 form. */
export const MAX_TIME = 253_402_300_799_999;

/** What all weights on a roll may add up to. */
export function maxTotalWeight(secrecy: 'sealed' | 'open'): number {
  return secrecy === 'sealed' ? MAX_SEALED_WEIGHT : MAX_TOTAL_WEIGHT;
}
