import { toBase64, toHex, utf8ToBytes } from '../../../base/bytes.ts';
import { sha256 } from '../../../crypto/hash.ts';

/** The name of a text in an archive: its SHA-256 in hexadecimal (4.4). */
export function dataHash(source: string): string {
  return toHex(sha256(utf8ToBytes(source)));
}

/** Compact Base64, without padding, of the SHA-256 of a text (4.16). */
export function compactHash(source: string): string {
  return toBase64(sha256(utf8ToBytes(source))).slice(0, 43);
}

/** φ (4.10): the fingerprint of an election, of its text as it stands. */
export function electionHash(electionText: string): string {
  return compactHash(electionText);
}

/** The tracker that a voter looks for on the board: of the ballot's text with its signature (4.17). */
export function ballotTracker(ballotText: string): string {
  return compactHash(ballotText);
}
