import type { Question } from './entries.ts';

/** Below so many voters a result says much of each of them: it takes few who talk to know how the last one voted. */
export const SMALL_GROUP = 5;

/** Why a result must reveal votes, whatever was voted. */
export interface Concern {
  readonly kind: 'few-voters' | 'rare-weight' | 'no-choice';
  /** For people, a whole sentence. */
  readonly message: string;
}

/**
 * Every reason why the result of a sealed round must reveal votes: too few voters, weights so rare that a sum shows who is in it, a question with
 * only one possible vote. `weights` are those of the voters whose ballots the result adds up: of all on the roll before a round opens,
 * of those who voted before it is counted.
 */
export function concernsOf(weights: Iterable<number>, questions: readonly Question[]): Concern[] {
  const voters = new Map<number, number>();
  let count = 0;
  for (const weight of weights) {
    voters.set(weight, (voters.get(weight) ?? 0) + 1);
    count++;
  }
  return [...fewVoters(count), ...rareWeights(voters), ...withoutChoice(questions)];
}

function fewVoters(count: number): Concern[] {
  if (count >= SMALL_GROUP) return [];
  const message =
    count === 1
      ? 'The result would be the vote of a single voter.'
      : `The result would be the votes of ${count} voters only, each of whom can work out much about the others'.`;
  return count === 0 ? [] : [{ kind: 'few-voters', message }];
}

/**
 * Where all lighter voters together weigh less than the next weight, every sum falls into what the lighter and what the heavier ones gave, as
 * digits do. Each group that can be told apart so is a result of its own, and may be small.
 */
function rareWeights(voters: ReadonlyMap<number, number>): Concern[] {
  const ascending = [...voters.keys()].sort((a, b) => a - b);
  const groups: number[][] = [];
  let lighter = 0;
  for (const weight of ascending) {
    const last = groups.at(-1);
    if (last === undefined || lighter < weight) groups.push([weight]);
    else last.push(weight);
    lighter += weight * (voters.get(weight) ?? 0);
  }
  if (groups.length < 2) return [];
  return groups.flatMap((weights) => {
    const size = weights.reduce((sum, weight) => sum + (voters.get(weight) ?? 0), 0);
    if (size >= SMALL_GROUP) return [];
    const which =
      weights.length === 1 ? `the weight ${weights.join('')}` : `the weights ${weights.join(', ')}`;
    const who = size === 1 ? 'One voter has' : `${size} voters have`;
    return [
      {
        kind: 'rare-weight',
        message: `${who} ${which}, which stands out in every sum: the result would show how ${size === 1 ? 'that voter' : 'those few'} voted.`,
      },
    ];
  });
}

function withoutChoice(questions: readonly Question[]): Concern[] {
  return questions.flatMap(({ answers, min, max, blank }, index) =>
    !blank && min === max && max === answers.length
      ? [
          {
            kind: 'no-choice',
            message: `Question ${index + 1} has only one possible vote: everybody who votes gives the same.`,
          },
        ]
      : [],
  );
}
