import { type Result, err, ok } from '../base/result.ts';
import { equalBytes } from '../base/bytes.ts';
import { refused } from '../base/errors.ts';
import { prepareQuestion, recomputeChoices } from '../belenios/v1/answer.ts';
import { ballotContext, sealBallot } from '../belenios/v1/ballot.ts';
import { scalarOfSeed } from '../crypto/group/seed.ts';
import { ballotJudge } from '../belenios/v1/audit/ballot-judge.ts';
import { cryptography } from '../belenios/v1/cryptography.ts';
import { encodeBallot } from '../belenios/v1/encoding/ballot.ts';
import type { Random } from '../belenios/v1/proofs.ts';
import { type SealedRound, type SoundTrustees, sealedRound } from '../belenios/v1/sealed-round.ts';
import type { Scalar } from '../crypto/group/group.ts';
import { type Choice, choiceProblems } from '../election/choices.ts';
import type { GenesisEntry, Question, RoundEntry } from '../election/entries.ts';
import type { CID } from 'multiformats/cid';

/** A sealed vote with all that opens it: whoever sees this knows the choices, and can check that nothing else was encrypted. */
export interface Opening {
  /** The protocol's text of the ballot. */
  readonly sealed: string;
  readonly choices: readonly Choice[];
  /** Per question and cell. */
  readonly randomness: readonly (readonly Scalar[])[];
}

/** What a vote is sealed for. */
export interface SealingElection {
  readonly genesis: GenesisEntry;
  readonly trustees: SoundTrustees | null;
}

interface SealingTarget {
  readonly entry: RoundEntry;
  readonly cid: CID;
}

/** The round as the protocol that seals its ballots has it. Throws `bad-answer` where the election has no trustees. */
export function sealedRoundOf({ genesis, trustees }: SealingElection, round: SealingTarget): SealedRound {
  if (trustees === null) {
    throw refused(
      'bad-answer',
      "The peer's answer doesn't hold: a sealed round, and nobody who could decrypt it.",
      {
        hint: 'Tell the organiser. Nothing was cast.',
      },
    );
  }
  return sealedRound(genesis, round, trustees.publicKey);
}

/**
 * Encrypts valid choices with proofs (4.11 to 4.17). Throws as `sealedRoundOf`, and RangeError for choices that are no valid vote.
 */
export function sealVote(
  election: SealingElection,
  round: SealingTarget,
  seed: Uint8Array,
  choices: readonly Choice[],
  random: Random,
): Opening {
  const sealedFor = sealedRoundOf(election, round);
  const context = ballotContext(sealedFor.election, sealedFor.electionHash);
  const { ballot, randomness } = sealBallot(context, scalarOfSeed(seed), choices, random);
  return { sealed: encodeBallot(ballot), choices, randomness };
}

/**
 * Whether an opened vote encrypts the choices that it says (the auditor's part in a Benaloh challenge): the sealed text is a valid ballot of
 * the round, and its ciphertexts are those that choices and randomness give. The error says what is wrong.
 */
export function checkOpening(
  sealedFor: SealedRound,
  questions: readonly Question[],
  { sealed, choices, randomness }: Opening,
): Result<void, string> {
  const [problem] = choiceProblems(choices, questions);
  if (problem !== undefined) return err(`its choices are no valid vote: ${problem}`);
  const judge = ballotJudge(sealedFor.electionText, cryptography);
  if (!judge.ok) return judge;
  const judged = judge.value(sealed);
  if (!judged.ok) return judged;
  const { election } = sealedFor;
  if (randomness.length !== choices.length)
    return err(`it has the random numbers of ${randomness.length} answers of ${choices.length}`);
  for (const [index, question] of election.questions.entries()) {
    const prepared = prepareQuestion(question);
    const cells = judged.value.choices[index] ?? [];
    const given = randomness[index] ?? [];
    if (given.length !== prepared.cells)
      return err(`question ${index + 1}: ${given.length} random numbers for ${prepared.cells} ciphertexts`);
    const again = recomputeChoices(election.publicKey, prepared, choices[index] ?? null, given);
    const same = again.every(
      ({ alpha, beta }, cell) =>
        equalBytes(alpha, cells[cell]?.alpha ?? new Uint8Array()) &&
        equalBytes(beta, cells[cell]?.beta ?? new Uint8Array()),
    );
    if (!same) return err(`question ${index + 1}: the ballot does not encrypt the choice that it says`);
  }
  return ok(undefined);
}
