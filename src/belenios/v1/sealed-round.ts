import { base58btc } from 'multiformats/bases/base58';
import type { CID } from 'multiformats/cid';
import { type Result, err, ok } from '../../base/result.ts';
import { fingerprint } from '../../crypto/credential.ts';
import { sha256 } from '../../crypto/hash.ts';
import { type Point, group } from '../../crypto/group/group.ts';
import { roundUuidInput } from '../../crypto/transcript.ts';
import type { GenesisEntry, Question, RoundEntry } from '../../election/entries.ts';
import { MAX_TRUSTEES } from '../../election/limits.ts';
import { encodeElection } from './encoding/election.ts';
import { pointText } from './encoding/elements.ts';
import { electionHash } from './encoding/hashes.ts';
import { problemText } from './encoding/problem.ts';
import { decodeTrustees } from './encoding/trustees.ts';
import type {
  Election,
  Question as BeleniosQuestion,
  Result as BeleniosResult,
  Trustee,
} from './messages.ts';
import { membersOf, unsoundKey, verifyTrustees } from './trustees.ts';

/** The trustees of an election of ours, found sound. */
export interface SoundTrustees {
  readonly trustees: readonly Trustee[];
  /** What ballots are encrypted for. */
  readonly publicKey: Point;
  /** Each trustee's own key, by number: the first is trustee 1. */
  readonly keys: readonly Point[];
}

/**
 * Reads a trustees' text strictly, and verifies every proof, certificate and signature in it (4.5 to 4.7). Beyond that no key may
 * be the neutral element, whose secret everybody knows, and no two trustees may have one key, for one could then stand in for two (but members
 * of a group of which one is enough have one key). The error names the trustee.
 */
export function readTrustees(text: string): Result<SoundTrustees, string> {
  const decoded = decodeTrustees(text);
  if (!decoded.ok) return err(problemText(decoded.error));
  const trustees = decoded.value;
  const count = trustees.reduce((sum, one) => sum + membersOf(one), 0);
  if (count > MAX_TRUSTEES) return err(`${count} trustees, more than the ${MAX_TRUSTEES} that are possible`);
  const verified = verifyTrustees(trustees);
  if (!verified.ok) return verified;
  const { publicKey, keys } = verified.value;
  const unsound = unsoundKey(trustees, keys);
  if (unsound !== undefined) return err(unsound);
  if (group.isIdentity(publicKey)) return err("the trustees' keys add up to the neutral element");
  return ok({ trustees, publicKey, keys });
}

/** The name that each trustee gave itself, by number; undefined for those without one. */
export function trusteeNames({ trustees }: SoundTrustees): (string | undefined)[] {
  return trustees.flatMap((one) =>
    one.kind === 'Single' ? [one.key.name] : one.parameters.verificationKeys.map(({ name }) => name),
  );
}

/** What people compare aloud to know a trustee's public key, in the form of an election's fingerprint. */
export function trusteeFingerprint(publicKey: Point): string {
  return fingerprint(`trustee:${pointText(publicKey)}`);
}

/** A sealed round as the election of Belenios that it is: what its ballots are made for. */
export interface SealedRound {
  /** The election's one text (4.10), and φ, its hash. */
  readonly electionText: string;
  readonly electionHash: string;
  readonly election: Election;
}

/**
 * What a round is in Belenios' terms. It follows from the log alone: the identifier is a hash of the round's CID, which through the
 * chain stands for everything before it, so that a ballot made for one round of one log fits no other.
 */
export function sealedRound(
  genesis: Pick<GenesisEntry, 'title'>,
  round: { readonly entry: Pick<RoundEntry, 'title' | 'questions'>; readonly cid: CID },
  publicKey: Point,
): SealedRound {
  const election: Election = {
    description: round.entry.title,
    name: genesis.title,
    publicKey,
    questions: round.entry.questions.map(beleniosQuestion),
    uuid: roundUuid(round.cid),
  };
  const electionText = encodeElection(election);
  return { electionText, electionHash: electionHash(electionText), election };
}

const UUID_BYTES = 16;

/** Of 16 bytes Base58 makes 16 to 22 characters; Belenios wants 14 at least. */
function roundUuid(round: CID): string {
  return base58btc.baseEncode(sha256(roundUuidInput(round.bytes)).subarray(0, UUID_BYTES));
}

/** A question that may not be left blank has no `blank` at all, as Belenios writes it. */
function beleniosQuestion({ question, answers, min, max, blank }: Question): BeleniosQuestion {
  return { answers, ...(blank ? { blank } : {}), min, max, question };
}

/** Weighted votes on one question, before anybody says who won. */
export interface Votes {
  readonly answers: readonly number[];
  readonly blank: number;
}

/** Belenios' result, whose first cell is the blank vote's where there is one, as votes per question. The result has the questions' shape. */
export function votesOf(result: BeleniosResult, questions: readonly Question[]): Votes[] {
  return questions.map(({ blank }, index) => {
    const cells = (result[index] ?? []).map(Number);
    const [first = 0, ...rest] = cells;
    return blank ? { answers: rest, blank: first } : { answers: cells, blank: 0 };
  });
}

/** The inverse of `votesOf`. */
export function beleniosResult(votes: readonly Votes[], questions: readonly Question[]): BeleniosResult {
  return votes.map(({ answers, blank }, index) =>
    (questions[index]?.blank === true ? [blank, ...answers] : answers).map(BigInt),
  );
}
