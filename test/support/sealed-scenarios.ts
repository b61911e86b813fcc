import { type TestContext } from 'node:test';
import { join } from 'node:path';
import { decodePrivateKeyFile } from '#src/belenios/v1/encoding/key-files.js';
import type { Choice } from '#src/election/choices.js';
import type { Question } from '#src/election/entries.js';
import { fixture, textsOf } from '../belenios/fixtures.ts';
import { valueOf } from './results.ts';
import {
  SealedElection,
  type SealedElectionOptions,
  type TestTrustees,
  singleTrustees,
} from './sealed-election.ts';
import { QUESTION } from './temp-election.ts';

type Vote = readonly [voter: number, ...choices: Choice[]];

/** What happens in an election. */
export interface Scenario extends SealedElectionOptions {
  readonly voters: number;
  readonly weightOf: (voter: number) => number;
  /** In the order of casting; a voter's last one counts. */
  readonly votes: readonly Vote[];
  /** Trustees by number, in the order in which they decrypt. */
  readonly decrypting: readonly number[];
}

const plain = { voters: 4, weightOf: () => 1, decrypting: [1] };
const one = (question: string, answers: number, min: number, max: number, blank = false): Question => ({
  question,
  answers: Array.from({ length: answers }, (_, index) => `${question} → ${index} "é€🗳"`),
  min,
  max,
  blank,
  method: 'count',
});
const SEVERAL = [
  one('Wer?', 3, 1, 1),
  one('Which\\two', 5, 0, 2, true),
  one('All', 2, 2, 2),
  one('Some', 4, 1, 4),
];

/** A threshold group that Belenios' own program made: two of three have to decrypt. */
async function thresholdGroup(): Promise<TestTrustees> {
  const [texts] = await textsOf('h-threshold/tallied.bel', 'Setup');
  const secret = (number: number) =>
    valueOf(
      decodePrivateKeyFile(new TextDecoder().decode(fixture(`h-threshold/private/trustee${number}.secret`))),
    );
  return { text: texts?.[1] ?? '', secrets: [1, 2, 3].map(secret) };
}

/** Elections of every kind, by what is special about them. */
export async function scenarios(): Promise<Readonly<Record<string, Scenario>>> {
  return {
    'blank votes': {
      ...plain,
      questions: [QUESTION],
      votes: [
        [0, [0]],
        [1, null],
        [2, null],
        [3, [2]],
      ],
    },
    'several questions': {
      ...plain,
      questions: SEVERAL,
      votes: [
        [1, [2], null, [0, 1], [0]],
        [0, [0], [], [0, 1], [0, 1, 2, 3]],
        [3, [2], [1, 4], [0, 1], [3]],
      ],
    },
    weights: {
      ...plain,
      weightOf: (voter) => [1, 7, 250_000, 3][voter] ?? 1,
      questions: [QUESTION],
      votes: [
        [3, [0]],
        [2, [1]],
        [1, [1]],
      ],
    },
    'weights that are all the same, and not 1': {
      ...plain,
      weightOf: () => 2,
      questions: [QUESTION],
      votes: [
        [3, [0]],
        [2, [1]],
      ],
    },
    revotes: {
      ...plain,
      questions: [QUESTION],
      votes: [
        [0, [0]],
        [1, [0]],
        [0, [1]],
        [0, [0]],
        [1, null],
        [2, [2]],
      ],
    },
    'several trustees': {
      ...plain,
      trustees: singleTrustees(3),
      decrypting: [2, 1, 3],
      questions: [QUESTION],
      votes: [
        [0, [0]],
        [1, [1]],
      ],
    },
    'a threshold group': {
      ...plain,
      trustees: await thresholdGroup(),
      decrypting: [3, 1],
      questions: [QUESTION],
      votes: [
        [0, [0]],
        [1, [1]],
        [2, null],
      ],
    },
    'all of this at once': {
      ...plain,
      weightOf: (voter) => voter + 1,
      trustees: singleTrustees(2),
      decrypting: [2, 1],
      questions: SEVERAL,
      votes: [
        [1, [0], [0, 1], [0, 1], [1, 2]],
        [2, [1], null, [0, 1], [0]],
        [1, [2], [3], [0, 1], [3]],
        [3, [2], [], [0, 1], [0, 1]],
        [2, [1], [0], [0, 1], [1]],
      ],
    },
    'nobody votes': { ...plain, questions: [QUESTION], votes: [] },
    'nobody votes, with weights': {
      ...plain,
      weightOf: (voter) => voter + 1,
      questions: SEVERAL,
      votes: [],
    },
  };
}

/** An archive at some stage of an election, in a folder of its own. */
export interface StageFile {
  readonly stage: string;
  readonly folder: string;
  readonly path: string;
}

/** Runs an election to its end, exporting it at every stage: before and after the votes, closed, after each decryption. */
export async function runScenario(
  t: TestContext,
  scenario: Scenario,
  folder: string,
): Promise<{ readonly election: SealedElection; readonly stages: readonly StageFile[] }> {
  const election = await SealedElection.create(t, scenario);
  const stages: StageFile[] = [];
  const exportAs = async (stage: string) => {
    const own = { stage, folder: join(folder, stage), path: join(folder, stage, 'round.bel') };
    await election.exportTo(own.path);
    stages.push(own);
  };
  await election.open();
  await exportAs('opened');
  for (const [voter, ...choices] of scenario.votes) await election.vote(voter, choices);
  if (scenario.votes.length > 0) await exportAs('voted');
  await election.close();
  await exportAs('closed');
  for (const trustee of scenario.decrypting) {
    await election.count(election.decryption(trustee));
    await exportAs(`decrypted by ${trustee}`);
  }
  return { election, stages };
}

/** Weighted votes per question, the blank ones first where a vote may be blank: counted in the open. */
export function plainCount({ questions, votes, weightOf }: Scenario): number[][] {
  const counting = new Map(votes.map(([voter, ...choices]) => [voter, choices]));
  return questions.map(({ answers, blank }, at) => {
    const sum = (counts: (choice: Choice) => boolean) =>
      [...counting].reduce(
        (total, [voter, choices]) => total + (counts(choices[at] ?? null) ? weightOf(voter) : 0),
        0,
      );
    const cells = answers.map((_, index) => sum((choice) => choice?.includes(index) === true));
    return blank ? [sum((choice) => choice === null), ...cells] : cells;
  });
}
