import type { CID } from 'multiformats/cid';
import { toBase64, utf8ToBytes } from '../base/bytes.ts';
import { decodeDagCbor, encodeDagCbor } from '../base/dag-cbor.ts';
import { type Result, err, ok } from '../base/result.ts';
import { sha256 } from '../crypto/hash.ts';
import { publicKeyOf, sign } from '../crypto/signature.ts';
import { ballotMessage } from '../crypto/transcript.ts';
import { readOpenBallot, readSealedBallot, readSignedShape } from './ballot-shape.ts';
import type { Choice } from './choices.ts';
import type { SignedBallot } from './entries.ts';
import { MAX_BALLOT_BYTES, MAX_BODY_BYTES } from './limits.ts';
import type { Refusal } from './refusal.ts';
import { ballotBodySchema, firstIssue, signedBallotSchema } from './schemas.ts';

/**
 * What a voter signs, whatever the form. The round's CID binds the ballot to that round's exact questions and, through the
 * chain behind it, to the election and its roll. `number` counts a voter's ballots in the round from 1 without gaps, so that
 * an old ballot can't be played again after a later one.
 */
interface BallotBase {
  readonly round: CID;
  readonly voter: Uint8Array;
  readonly number: number;
}

export interface OpenBallot extends BallotBase {
  readonly form: 'open';
  readonly choices: readonly Choice[];
}

/** A ballot whose choices are encrypted: `sealed` is the exact text of the sealing protocol, which `belenios/v1` reads. */
export interface SealedBallot extends BallotBase {
  readonly form: 'sealed';
  readonly sealed: string;
}

/** Every form a ballot may have; a switch over `form` is exhaustive. */
export type Ballot = OpenBallot | SealedBallot;

/** A ballot as far as it can be judged without opening its seal. */
export type BallotEnvelope = OpenBallot | Omit<SealedBallot, 'sealed'>;

type WithoutVoter<B> = B extends Ballot ? Omit<B, 'voter'> : never;
/** A ballot before it is known whose it is. */
export type UnsignedBallot = WithoutVoter<Ballot>;

const BALLOT_VERSION = 1;

/** Builds and signs a ballot with the voter's 32-byte Ed25519 seed. */
export function signBallot(ballot: UnsignedBallot, seed: Uint8Array): SignedBallot {
  const body = encodeDagCbor({ v: BALLOT_VERSION, ...ballot, voter: publicKeyOf(seed) });
  return { body, signature: sign(ballotMessage(body), seed) };
}

/** The bytes that travel: DAG-CBOR of `{body, signature}`. */
export function encodeSignedBallot(ballot: SignedBallot): Uint8Array {
  return encodeDagCbor(ballot);
}

/** Reads what `encodeSignedBallot` wrote; one byte string, one ballot. Its parts may be views of `bytes`. */
export function decodeSignedBallot(bytes: Uint8Array): Result<SignedBallot, Refusal> {
  if (bytes.length > MAX_BALLOT_BYTES) {
    return err({
      code: 'too-large',
      about: 'encoding',
      message: `The ballot has ${bytes.length} bytes; at most ${MAX_BALLOT_BYTES} are accepted.`,
    });
  }
  const shape = readSignedShape(bytes);
  if (shape !== undefined) return ok(shape);
  const decoded = decodeDagCbor(bytes, MAX_BALLOT_BYTES);
  if (!decoded.ok) return malformed(decoded.error);
  const parsed = signedBallotSchema.safeParse(decoded.value);
  return parsed.success ? ok(parsed.data) : malformed(firstIssue(parsed.error));
}

/** Reads the signed body. Says nothing of the signature, or of the round: see `rules.ts`. */
export function readBallot(signed: SignedBallot): Result<Ballot, Refusal> {
  const usual = readUsualBallot(signed);
  if (usual.ok) return usual;
  const decoded = decodeDagCbor(signed.body, MAX_BODY_BYTES);
  if (!decoded.ok) return malformed(decoded.error);
  const parsed = ballotBodySchema.safeParse(decoded.value);
  if (!parsed.success) return malformed(firstIssue(parsed.error));
  const { round, voter, number } = parsed.data;
  const cast = { round, voter, number };
  return ok(
    parsed.data.form === 'open'
      ? { ...cast, form: 'open', choices: parsed.data.choices }
      : { ...cast, form: 'sealed', sealed: parsed.data.sealed },
  );
}

/**
 * As `readBallot`, for ballots of the shape alone that programs make: it takes little time for any bytes, and refuses some that `readBallot`
 * reads.
 */
export function readUsualBallot({ body }: SignedBallot): Result<Ballot, Refusal> {
  const shape = readOpenBallot(body) ?? readSealedBallot(body);
  return shape === undefined
    ? err({
        code: 'too-large',
        about: 'encoding',
        message: `No vote on these questions needs the ballot's ${body.length} bytes.`,
      })
    : ok(shape);
}

function malformed(why: string): { readonly ok: false; readonly error: Refusal } {
  return err({ code: 'malformed', about: 'encoding', message: `The ballot can't be read: ${why}.` });
}

/**
 * A ballot's public name, in the form of Belenios' smart ballot tracker: standard base64, without padding, of a SHA-256. Of
 * an open ballot it is that of the encoded bytes; of a sealed one that of the sealed text, so that it is Belenios' tracker.
 */
export function trackerOf(ballot: UnsignedBallot, encodedBallot: Uint8Array): string {
  return ballot.form === 'sealed' ? sealedTracker(ballot.sealed) : trackerOfHash(sha256(encodedBallot));
}

/** The tracker of the sealed ballot with this text. */
export function sealedTracker(sealed: string): string {
  return trackerOfHash(sha256(utf8ToBytes(sealed)));
}

/** The tracker of the ballot that is named by this SHA-256. */
export function trackerOfHash(hash: Uint8Array): string {
  return toBase64(hash).replace(/=+$/, '');
}
