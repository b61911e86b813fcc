import { compareBytes, toHex, utf8ToBytes } from '../base/bytes.ts';
import { refused } from '../base/errors.ts';
import { readTrustees } from '../belenios/v1/sealed-round.ts';
import { DEFAULT_KDF, pseudonym } from '../crypto/credential.ts';
import { publicKeyOf } from '../crypto/signature.ts';
import {
  type CeremonyStart,
  type GenesisEntry,
  type Kdf,
  type Policy,
  type RollEntry,
  SEALING,
  type Voter,
} from '../election/entries.ts';
import { MAX_VOTERS, ROLL_CHUNK, maxTotalWeight } from '../election/limits.ts';
import { questionProblems } from '../election/log-state.ts';
import { firstIssue, nameSchema, questionsSchema, titleSchema } from '../election/schemas.ts';
import { voterProblems } from '../election/rules.ts';
import type { ElectionLog } from './election-log.ts';
import type { DraftRound } from './ports.ts';

export interface ElectionSetup {
  readonly uuid: string;
  readonly title: string;
  readonly description: string;
  readonly policy: Policy;
  /** Names are usernames here; under the pseudonym policy the roll gets the keys' pseudonyms instead. */
  readonly voters: readonly Voter[];
  /** Of a sealed election: the trustees in the sealing protocol's own text. */
  readonly trustees?: string | undefined;
  /** Of a sealed election whose trustees are yet to make their keys: whom to invite. */
  readonly ceremony?: Pick<CeremonyStart, 'threshold' | 'trustees'> | undefined;
  /** Argon2id cost of the voters' secrets, where it is not `DEFAULT_KDF`. */
  readonly kdf?: Kdf;
  /** Who signed the roll, where the organiser did not make it. */
  readonly registrar?: NonNullable<GenesisEntry['registrar']>;
  readonly firstRound: DraftRound;
}

/**
 * Writes a new election into an empty log: genesis, then the roll in chunks, then the first round as a draft. Throws
 * `bad-setup` with every fault of the roll (twenty at most), before anything is written.
 */
export async function createElection(
  log: ElectionLog,
  setup: ElectionSetup,
  seed: Uint8Array,
  onProgress: (voters: number) => void,
): Promise<void> {
  const roll = rollOf(setup);
  checkDraft(setup.firstRound, setup.policy.secrecy);
  checkTrustees(setup);
  log.useSeed(seed);
  await log.append(() => ({
    contents: [
      {
        kind: 'genesis',
        uuid: setup.uuid,
        title: setup.title,
        description: setup.description,
        authority: publicKeyOf(seed),
        policy: setup.policy,
        kdf: setup.kdf ?? DEFAULT_KDF,
        ...(setup.registrar === undefined ? {} : { registrar: setup.registrar }),
      },
    ],
  }));
  const parts = Math.ceil(roll.length / ROLL_CHUNK);
  for (let part = 0; part < parts; part++) {
    const voters = roll.slice(part * ROLL_CHUNK, (part + 1) * ROLL_CHUNK);
    const content: Omit<RollEntry, 'v' | 'seq' | 'prev' | 'time'> = { kind: 'roll', part, parts, voters };
    await log.append(() => ({
      contents: [content],
      voters: voters.map((voter) => ({ ...voter, round: 0, number: 0, seq: null })),
    }));
    onProgress(part * ROLL_CHUNK + voters.length);
  }
  if (setup.trustees !== undefined) {
    const { trustees } = setup;
    await log.append(() => ({ contents: [{ kind: 'trustees', protocol: SEALING, trustees }] }));
  }
  if (setup.ceremony !== undefined) {
    const step: CeremonyStart = { kind: 'start', ...setup.ceremony };
    await log.append(() => ({ contents: [{ kind: 'ceremony', step }] }));
  }
  await log.store.setDraft(setup.firstRound);
}

function checkTrustees({ policy, trustees, ceremony }: ElectionSetup): void {
  const given = [trustees, ceremony].filter((one) => one !== undefined).length;
  if (given !== (policy.secrecy === 'sealed' ? 1 : 0)) {
    throw badSetup([
      given === 0
        ? 'A sealed election needs trustees, who can decrypt its result.'
        : 'An election with open ballots has nothing to decrypt, and so no trustees.',
    ]);
  }
  const read = trustees === undefined ? undefined : readTrustees(trustees);
  if (read?.ok === false) throw badSetup([`The trustees are not sound: ${read.error}.`]);
}

/** Throws `bad-setup` where a prepared round could not be opened. */
export function checkDraft(draft: DraftRound, secrecy: Policy['secrecy']): void {
  const title = titleSchema.safeParse(draft.title);
  if (!title.success) throw badSetup([`The round's title: ${firstIssue(title.error)}.`]);
  const questions = questionsSchema.safeParse(draft.questions);
  if (!questions.success) throw badSetup([`The questions: ${firstIssue(questions.error)}.`]);
  const problems = questionProblems(questions.data, secrecy);
  if (problems.length > 0) throw badSetup(problems.map((problem) => `The questions: ${problem}.`));
  if (draft.opens !== null && draft.closes !== null && draft.closes <= draft.opens) {
    throw badSetup(['The round would close before it opens.']);
  }
}

/** The roll as the log wants it: sorted by name, without a fault that an audit would find. */
function rollOf(setup: ElectionSetup): Voter[] {
  const problems: string[] = [];
  const keys = new Map<string, string>();
  let weight = 0;
  for (const voter of setup.voters) {
    const name = nameSchema.safeParse(voter.name);
    if (!name.success) problems.push(`Voter ${JSON.stringify(voter.name)}: ${firstIssue(name.error)}.`);
    const key = toHex(voter.key);
    const other = keys.get(key);
    if (other !== undefined) problems.push(`Voters "${other}" and "${voter.name}" have the same public key.`);
    keys.set(key, voter.name);
    weight += voter.weight;
  }
  if (setup.voters.length === 0) problems.push('The roll is empty.');
  if (setup.voters.length > MAX_VOTERS)
    problems.push(`The roll has ${setup.voters.length} voters; ${MAX_VOTERS} are possible.`);
  const mostWeight = maxTotalWeight(setup.policy.secrecy);
  if (weight > mostWeight)
    problems.push(
      `The weights add up to ${weight}; ${mostWeight} is possible with ${setup.policy.secrecy} ballots.`,
    );

  const named = setup.voters.map((voter) =>
    setup.policy.names === 'pseudonym' ? { ...voter, name: pseudonym(voter.key) } : voter,
  );
  const sorted = named
    .map((voter) => ({ voter, sortKey: utf8ToBytes(voter.name) }))
    .sort((a, b) => compareBytes(a.sortKey, b.sortKey))
    .map(({ voter }) => voter);
  for (const [index, voter] of sorted.entries()) {
    problems.push(...voterProblems(voter, setup.policy).map((problem) => `${problem}.`));
    if (sorted[index - 1]?.name === voter.name) problems.push(`Voter "${voter.name}" is on the roll twice.`);
  }
  if (problems.length > 0) throw badSetup(problems);
  return sorted;
}

const MAX_SHOWN = 20;

function badSetup(problems: readonly string[]): Error {
  const more = problems.length > MAX_SHOWN ? `\n… and ${problems.length - MAX_SHOWN} more.` : '';
  return refused('bad-setup', problems.slice(0, MAX_SHOWN).join('\n') + more, {
    hint: 'Correct the files and run the command again; nothing was written.',
  });
}
