import type { Result } from '../../../base/result.ts';
import type { ClaimedPoint, Point } from '../../../crypto/group/group.ts';
import type { Answer, Ballot } from '../messages.ts';
import { type Codec, list, optional, record } from './codec.ts';
import { decodeStrictly } from './decode.ts';
import { ciphertextOf, claimedPoint, compactHashText, point, proof, uuid } from './elements.ts';
import { compactHash } from './hashes.ts';
import { BALLOT_LIMITS, type DecodeLimits } from './limits.ts';
import type { DecodeProblem } from './problem.ts';

const answerOf = <P extends ClaimedPoint>(element: Codec<P>): Codec<Answer<P>> =>
  record({
    choices: list(ciphertextOf(element)),
    individual_proofs: list(list(proof)),
    overall_proof: list(proof),
    blank_proof: optional(list(proof)),
  });

const unsignedFields = <P extends ClaimedPoint>(element: Codec<P>) => ({
  election_uuid: uuid,
  election_hash: compactHashText,
  credential: element,
  answers: list(answerOf(element)),
});

const signedOf = <P extends ClaimedPoint>(element: Codec<P>): Codec<Ballot<P>> =>
  record({ ...unsignedFields(element), signature: record({ hash: compactHashText, proof }) });

const unsigned: Codec<Omit<Ballot, 'signature'>> = record(unsignedFields(point));
const signed = signedOf<Point>(point);
const claimed = signedOf(claimedPoint);

/** The text of a ballot (4.17), whose hash names it. */
export function encodeBallot(ballot: Ballot): string {
  return signed.write(ballot);
}

/** The text whose compact hash is signed (4.17): the ballot without its signature. */
export function encodeUnsignedBallot(ballot: Omit<Ballot, 'signature'>): string {
  return unsigned.write(ballot);
}

/** What `encodeUnsignedBallot` gives for the ballot in a text that `decodeBallot` took, without reading it again. */
export function unsignedTextOf(ballotText: string): string {
  return `${ballotText.slice(0, ballotText.lastIndexOf(',"signature":{'))}}`;
}

/** The hash that the signature of such a text has to be for. */
export function hashToSign(ballotText: string): string {
  return compactHash(unsignedTextOf(ballotText));
}

/**
 * Reads a homomorphic ballot's one text: `encodeBallot` of what is read is the text. Whether it fits its election, and
 * whether proofs and signature are valid, is not looked at.
 */
export function decodeBallot(
  source: string,
  limits: DecodeLimits = BALLOT_LIMITS,
): Result<Ballot, DecodeProblem> {
  return decodeStrictly(signed, source, limits);
}

/** As `decodeBallot`, but whether its points are elements of the group is left to `verifyBallot`, which multiplies each anyway. */
export function decodeClaimedBallot(
  source: string,
  limits: DecodeLimits = BALLOT_LIMITS,
): Result<Ballot<ClaimedPoint>, DecodeProblem> {
  return decodeStrictly(claimed, source, limits);
}
