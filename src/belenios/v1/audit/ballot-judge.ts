import { type Result, err, ok } from '../../../base/result.ts';
import { decodeClaimedBallot, hashToSign } from '../encoding/ballot.ts';
import { decodeElection } from '../encoding/election.ts';
import { electionHash } from '../encoding/hashes.ts';
import { problemText } from '../encoding/problem.ts';
import type { VerifiedBallot } from '../ballot.ts';
import type { AuditCryptography } from './cryptography.ts';

/** What the audit needs to know of a ballot that is valid by itself. */
export type CheckedBallot = VerifiedBallot;

/** Judges a ballot's text by itself; not whether its credential may vote, nor whether it was cast before. */
export type BallotJudge = (ballotText: string) => Result<CheckedBallot, string>;

/**
 * Judges many ballots of one election, in the given order. An implementation may spread them over threads, each of which
 * makes a `ballotJudge` of the election's text. One verdict per text.
 */
export type CheckBallots = (
  electionText: string,
  ballotTexts: readonly string[],
) => Promise<readonly Result<CheckedBallot, string>[]>;

/** The judge for an election; everything that depends on the election alone is done here, once. */
export function ballotJudge(
  electionText: string,
  cryptography: Pick<AuditCryptography, 'ballotVerifier'>,
): Result<BallotJudge, string> {
  const election = decodeElection(electionText);
  if (!election.ok) return err(problemText(election.error));
  const hash = electionHash(electionText);
  const verify = cryptography.ballotVerifier(election.value, hash);
  return ok((ballotText) => {
    const decoded = decodeClaimedBallot(ballotText);
    if (!decoded.ok) return err(problemText(decoded.error));
    const ballot = decoded.value;
    if (ballot.electionUuid !== election.value.uuid)
      return err('made for an election with another identifier');
    if (ballot.electionHash !== hash) return err('made for an election with another text');
    if (ballot.signature.hash !== hashToSign(ballotText)) return err('signed for another content');
    return verify(ballot);
  });
}

/** Judges a ballot's text as `BallotJudge`, for the election that is named each time. */
export type ElectionJudge = (electionText: string, ballotText: string) => Result<CheckedBallot, string>;

/** A judge for any election; that of the last one is kept, since elections come one after another. */
export function electionJudge(cryptography: Pick<AuditCryptography, 'ballotVerifier'>): ElectionJudge {
  let kept: { readonly electionText: string; readonly judge: Result<BallotJudge, string> } | undefined;
  return (electionText, ballotText) => {
    if (kept?.electionText !== electionText) {
      kept = { electionText, judge: ballotJudge(electionText, cryptography) };
    }
    const { judge } = kept;
    return judge.ok ? judge.value(ballotText) : judge;
  };
}

/** Judges ballots one after the other, here. */
export function checkBallotsInline(cryptography: Pick<AuditCryptography, 'ballotVerifier'>): CheckBallots {
  const judge = electionJudge(cryptography);
  return (electionText, ballotTexts) => Promise.resolve(ballotTexts.map((text) => judge(electionText, text)));
}
