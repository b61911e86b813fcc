import { isAcceptableKey } from '../crypto/signature.ts';
import { pseudonym } from '../crypto/credential.ts';
import type { BallotEnvelope } from './ballot.ts';
import { choiceProblems } from './choices.ts';
import type { Policy, Question, Voter } from './entries.ts';
import { MAX_BALLOTS_PER_VOTER } from './limits.ts';
import type { LogState } from './log-state.ts';
import type { Refusal } from './refusal.ts';

/** What the log says of a voter before a ballot comes in. */
export interface VoterStanding {
  readonly weight: number;
  /** The last round in which the voter cast a ballot, and its number there; 0 and 0 before the first. */
  readonly round: number;
  readonly number: number;
}

/** The voter's last ballot number in a round: 0 when none was cast in it. */
export function ballotsCast(standing: Pick<VoterStanding, 'round' | 'number'>, round: number): number {
  return standing.round === round ? standing.number : 0;
}

/**
 * Every reason why a ballot may not become the next entry at log time `time`; empty when it may. `standing` is
 * undefined for a key that is not on the roll. The signature is judged apart, since that
 * costs more: by `verifyWithAcceptableKey` over `ballotMessage`, for a roll takes no key that strict verification would refuse
 * (`voterProblems`).
 */
export function refusals(
  ballot: BallotEnvelope,
  state: LogState,
  time: number,
  standing: VoterStanding | undefined,
): readonly Refusal[] {
  const round = state.round;
  if (round === undefined)
    return [{ code: 'not-open', about: 'window', message: 'No round of this election is open yet.' }];
  const found: Refusal[] = [];
  if (!ballot.round.equals(round.cid)) {
    const earlier = state.rounds.findIndex((one) => one.cid.equals(ballot.round));
    found.push({
      code: 'wrong-election',
      about: 'window',
      message:
        earlier === -1
          ? 'The ballot was made for another election.'
          : `The ballot was made for round ${earlier + 1}; this is round ${round.entry.round}.`,
    });
  }
  if (state.phase !== 'open' || (round.entry.closes !== null && time >= round.entry.closes)) {
    found.push({ code: 'closed', about: 'window', message: `Round ${round.entry.round} is closed.` });
  }
  const problems = voteProblems(ballot, round.entry.questions, state.genesis?.policy.secrecy);
  if (problems.length > 0)
    found.push({ code: 'malformed', about: 'vote', message: `Not a valid vote: ${problems.join('; ')}.` });
  if (standing === undefined) {
    found.push({
      code: 'unknown-voter',
      about: 'voter',
      message: "The ballot's key is not on the roll, or its voter enrolled another one.",
    });
    return found;
  }
  const cast = ballotsCast(standing, round.entry.round);
  if (cast > 0 && state.genesis?.policy.revote === 'never') {
    found.push({
      code: 'already-voted',
      about: 'revote',
      message: 'This voter has already voted, and the first ballot stands.',
    });
  } else if (ballot.number <= cast) {
    found.push({
      code: 'already-voted',
      about: 'revote',
      message: `A ballot number ${ballot.number} of this voter is already in the log.`,
    });
  } else if (cast >= MAX_BALLOTS_PER_VOTER) {
    found.push({
      code: 'already-voted',
      about: 'revote',
      message: `This voter has cast ${cast} ballots in this round; no more are possible.`,
    });
  } else if (ballot.number !== cast + 1) {
    found.push({
      code: 'malformed',
      about: 'revote',
      message: `Ballot number ${ballot.number}, where number ${cast + 1} was due.`,
    });
  }
  return found;
}

/** What is wrong with the vote itself, as far as the ballot shows it without its proofs. */
function voteProblems(
  ballot: BallotEnvelope,
  questions: readonly Question[],
  secrecy: Policy['secrecy'] | undefined,
): string[] {
  if (ballot.form !== secrecy)
    return [`the ballot is ${ballot.form}, in an election whose ballots are ${secrecy ?? 'of no form'}`];
  return ballot.form === 'open' ? choiceProblems(ballot.choices, questions) : [];
}

/** The refusal that a sealed ballot earns by something wrong with its text, its seal or its proofs. */
export function badProof(why: string): Refusal {
  return {
    code: 'bad-proof',
    about: 'vote',
    message: `The ballot does not prove that it is a valid vote: ${why}.`,
  };
}

/** The refusal that a sealed text earns which is in the log under an earlier number: nobody may replay it. */
export const REPEATED_TEXT: Refusal = {
  code: 'already-voted',
  about: 'revote',
  message: 'The same sealed vote is in the log already, under another number.',
};

/** The refusal that a bad signature earns. */
export const BAD_SIGNATURE: Refusal = {
  code: 'bad-signature',
  about: 'signature',
  message: "The ballot's signature is not valid for its voter's key.",
};

/** Every reason why a voter may not be on the roll, others on it apart. */
export function voterProblems(voter: Voter, policy: Pick<Policy, 'names'>): string[] {
  const problems: string[] = [];
  if (!isAcceptableKey(voter.key))
    problems.push(`the public key of voter "${voter.name}" is not an acceptable Ed25519 key`);
  if (policy.names === 'pseudonym' && voter.name !== pseudonym(voter.key)) {
    problems.push(`"${voter.name}" is not the pseudonym of its key`);
  }
  return problems;
}
