import type { CID } from 'multiformats/cid';
import { compareBytes, utf8ToBytes } from '../base/bytes.ts';
import { isAcceptableKdf } from '../crypto/credential.ts';
import { maxBallotBytes } from './ballot-size.ts';
import type {
  CloseEntry,
  DecryptionEntry,
  Entry,
  GenesisEntry,
  Policy,
  Question,
  ResultEntry,
  RollEntry,
  RoundEntry,
  TallyEntry,
  TrusteesEntry,
} from './entries.ts';
import {
  type CallState,
  type CeremonyState,
  ceremonyAfter,
  ceremonyProblems,
  readinessProblems,
} from './trustee-steps.ts';
import { MAX_BODY_BYTES, MAX_VOTERS, maxTotalWeight } from './limits.ts';

/**
 * Where an election stands:
 *
 *   empty ──genesis──▶ enrolling ──last roll chunk──▶ ready ──round──▶ open ──close──▶ counting ──result──▶ ready
 *
 * Between the roll and the first round voters may put own keys in the place of those on the roll. A sealed election has its trustees
 * before the first round, by a key ceremony or without; until then others may take their place. From then on they can be called to
 * show that they could decrypt. While it is counting come the tally and then their decryptions, before the result.
 */
export type Phase = 'empty' | 'enrolling' | 'ready' | 'open' | 'counting';

export interface RoundState {
  readonly entry: RoundEntry;
  readonly cid: CID;
  /** The entry that closed the round, and the one that states its result, once they are there. */
  readonly close?: CloseEntry;
  /** Of a sealed round: the sum of its ballots, and the decryptions so far. */
  readonly tally?: TallyEntry;
  readonly decryptions?: readonly DecryptionEntry[];
  readonly result?: { readonly entry: ResultEntry; readonly cid: CID };
}

/**
 * The state that the entries up to some point lead to, apart from what is kept per voter. The same code runs where
 * entries are made and where they are audited. Ballots don't change it: `rules.ts` judges them.
 */
export class LogState {
  #phase: Phase = 'empty';
  #genesis: { entry: GenesisEntry; cid: CID } | undefined;
  #roll = { parts: 0, next: 0, voters: 0, weight: 0, lastName: new Uint8Array() };
  #enrolled = 0;
  #trustees: TrusteesEntry | undefined;
  #ceremony: CeremonyState | undefined;
  #call: CallState | undefined;
  #rounds: RoundState[] = [];

  /** A copy that can be taken further, or dropped, without touching this one. */
  clone(): LogState {
    const copy = new LogState();
    copy.#phase = this.#phase;
    copy.#genesis = this.#genesis;
    copy.#roll = this.#roll;
    copy.#enrolled = this.#enrolled;
    copy.#trustees = this.#trustees;
    copy.#ceremony = this.#ceremony;
    copy.#call = this.#call;
    copy.#rounds = [...this.#rounds];
    return copy;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get genesis(): GenesisEntry | undefined {
    return this.#genesis?.entry;
  }

  /** The genesis' CID as text: the election's id. */
  get electionId(): string | undefined {
    return this.#genesis?.cid.toString();
  }

  /** The CID of the genesis, whose text form is the election's id. */
  get genesisCid(): CID | undefined {
    return this.#genesis?.cid;
  }

  /** How many voters put an own key in the place of the one on the roll. */
  get enrolled(): number {
    return this.#enrolled;
  }

  /** Voters and weight on the roll so far. */
  get roll(): { readonly voters: number; readonly weight: number } {
    return { voters: this.#roll.voters, weight: this.#roll.weight };
  }

  /** Who can decrypt, in a sealed election that has them. */
  get trustees(): TrusteesEntry | undefined {
    return this.#trustees;
  }

  /** The newest key ceremony, with the trustees' steps so far. */
  get ceremony(): CeremonyState | undefined {
    return this.#ceremony;
  }

  /** The newest call to the trustees, and who answered it. */
  get call(): CallState | undefined {
    return this.#call;
  }

  /** All rounds opened so far; the last one is the current one. */
  get rounds(): readonly RoundState[] {
    return this.#rounds;
  }

  get round(): RoundState | undefined {
    return this.#rounds.at(-1);
  }

  /** Every reason why an entry may not come next (its place in the chain apart); empty when it may. */
  problems(entry: Entry): string[] {
    switch (entry.kind) {
      case 'genesis':
        return [
          ...(this.#phase === 'empty' ? [] : ['a second genesis']),
          ...(isAcceptableKdf(entry.kdf) ? [] : ['its Argon2id cost is outside the allowed bounds']),
          ...(entry.policy.secrecy === 'open' && entry.policy.smallGroups !== undefined
            ? ['open ballots hide nothing from small groups']
            : []),
        ];
      case 'roll':
        return this.#rollProblems(entry);
      case 'enrolment':
        return [
          ...this.#expectPhase(entry, 'ready'),
          ...(this.#rounds.length === 0 ? [] : ['an own key of a voter after the first round was opened']),
        ];
      case 'ceremony':
        return [...this.#expectBeforeRounds(entry), ...ceremonyProblems(entry, this.#ceremony)];
      case 'trustees':
        return [
          ...this.#expectBeforeRounds(entry),
          ...(this.#ceremony?.done === true ? ['trustees in the place of those that a ceremony made'] : []),
        ];
      case 'call':
        return this.#trustees === undefined ? ['a call before there are trustees'] : [];
      case 'readiness':
        return readinessProblems(entry, this.#call);
      case 'round':
        return [
          ...this.#expectPhase(entry, 'ready'),
          ...this.#sealedRoundProblems(entry),
          ...(entry.round === this.#rounds.length + 1
            ? []
            : [`round ${entry.round} after round ${this.#rounds.length}`]),
          ...(entry.closes === null || entry.closes > entry.time ? [] : ['it closes before it opens']),
        ];
      case 'ballot':
        return this.#expectPhase(entry, 'open');
      case 'close': {
        const closes = this.round?.entry.closes ?? null;
        const early = entry.reason === 'schedule' && (closes === null || entry.time < closes);
        return [
          ...this.#expectPhase(entry, 'open'),
          ...this.#expectRound(entry.round),
          ...(early ? ['it says the schedule closed the round, which is not so'] : []),
        ];
      }
      case 'tally':
        return [
          ...this.#expectCounting(entry),
          ...this.#expectSealed(entry),
          ...(this.round?.tally === undefined ? [] : ['a second tally of the round']),
        ];
      case 'decryption': {
        const { tally, decryptions = [] } = this.round ?? {};
        return [
          ...this.#expectCounting(entry),
          ...(tally === undefined ? ['a decryption before there is a tally'] : []),
          ...(decryptions.some(({ trustee }) => trustee === entry.trustee)
            ? [`a second decryption by trustee ${entry.trustee}`]
            : []),
        ];
      }
      case 'result':
        return [
          ...this.#expectCounting(entry),
          ...(this.#isSealed && this.round?.tally === undefined ? ['a result before there is a tally'] : []),
        ];
    }
  }

  /** Takes an entry in which `problems` found nothing. */
  apply(entry: Entry, cid: CID): void {
    switch (entry.kind) {
      case 'genesis':
        this.#genesis = { entry, cid };
        this.#phase = 'enrolling';
        return;
      case 'roll':
        this.#roll = {
          parts: entry.parts,
          next: entry.part + 1,
          voters: this.#roll.voters + entry.voters.length,
          weight: this.#roll.weight + weightOf(entry),
          lastName: utf8ToBytes(entry.voters.at(-1)?.name ?? ''),
        };
        if (entry.part + 1 === entry.parts) this.#phase = 'ready';
        return;
      case 'enrolment':
        this.#enrolled++;
        return;
      case 'ceremony':
        this.#ceremony = ceremonyAfter(entry, cid, this.#ceremony);
        return;
      case 'trustees':
        this.#trustees = entry;
        this.#call = undefined;
        if (this.#ceremony !== undefined) this.#ceremony = { ...this.#ceremony, done: true };
        return;
      case 'call':
        this.#call = { entry, cid, answers: [] };
        return;
      case 'readiness':
        if (this.#call !== undefined) this.#call = { ...this.#call, answers: [...this.#call.answers, entry] };
        return;
      case 'round':
        this.#rounds.push({ entry, cid });
        this.#phase = 'open';
        return;
      case 'ballot':
        return;
      case 'close':
        this.#amendRound({ close: entry });
        this.#phase = 'counting';
        return;
      case 'tally':
        this.#amendRound({ tally: entry });
        return;
      case 'decryption':
        this.#amendRound({ decryptions: [...(this.round?.decryptions ?? []), entry] });
        return;
      case 'result':
        this.#amendRound({ result: { entry, cid } });
        this.#phase = 'ready';
        return;
    }
  }

  #amendRound(change: Partial<RoundState>): void {
    const round = this.#rounds.pop();
    if (round !== undefined) this.#rounds.push({ ...round, ...change });
  }

  #expectPhase(entry: Entry, phase: Phase): string[] {
    return this.#phase === phase ? [] : [`a "${entry.kind}" entry while the election is ${this.#phase}`];
  }

  #expectBeforeRounds(entry: Entry): string[] {
    return [
      ...this.#expectPhase(entry, 'ready'),
      ...this.#expectSealed(entry),
      ...(this.#rounds.length === 0 ? [] : [`a "${entry.kind}" entry after a round was opened`]),
    ];
  }

  #expectCounting(entry: TallyEntry | DecryptionEntry | ResultEntry): string[] {
    return [...this.#expectPhase(entry, 'counting'), ...this.#expectRound(entry.round)];
  }

  get #isSealed(): boolean {
    return this.genesis?.policy.secrecy === 'sealed';
  }

  #expectSealed(entry: Entry): string[] {
    return this.#isSealed ? [] : [`a "${entry.kind}" entry in an election with open ballots`];
  }

  #sealedRoundProblems({ questions }: RoundEntry): string[] {
    if (!this.#isSealed) return [];
    return [
      ...(this.#trustees === undefined ? ['a round before there are trustees'] : []),
      ...(this.#ceremony?.done === false ? ['a round before the key ceremony is done'] : []),
      ...questionProblems(questions, 'sealed'),
    ];
  }

  #expectRound(round: number): string[] {
    return round === this.#rounds.length ? [] : [`it is about round ${round}, not ${this.#rounds.length}`];
  }

  #rollProblems(entry: RollEntry): string[] {
    const problems = this.#expectPhase(entry, 'enrolling');
    if (entry.part !== this.#roll.next || entry.part >= entry.parts) {
      problems.push(
        `roll part ${entry.part + 1} of ${entry.parts} where part ${this.#roll.next + 1} was due`,
      );
    }
    if (this.#roll.next > 0 && entry.parts !== this.#roll.parts)
      problems.push('the number of roll parts changed');
    let last = this.#roll.lastName;
    for (const { name } of entry.voters) {
      const bytes = utf8ToBytes(name);
      if (compareBytes(last, bytes) >= 0)
        problems.push(`voter "${name}" is out of order or twice on the roll`);
      last = bytes;
    }
    if (this.#roll.voters + entry.voters.length > MAX_VOTERS) problems.push(`more than ${MAX_VOTERS} voters`);
    const mostWeight = maxTotalWeight(this.#isSealed ? 'sealed' : 'open');
    if (this.#roll.weight + weightOf(entry) > mostWeight) problems.push(`a total weight above ${mostWeight}`);
    return problems;
  }
}

/** Every reason why ballots of this form can't be cast on these questions, each of which is sound by itself. */
export function questionProblems(questions: readonly Question[], secrecy: Policy['secrecy']): string[] {
  const bytes = maxBallotBytes(questions, secrecy);
  return bytes <= MAX_BODY_BYTES
    ? []
    : [
        `a ${secrecy} ballot on so many answers can have ${bytes} bytes, where ${MAX_BODY_BYTES} are possible`,
      ];
}

function weightOf(entry: RollEntry): number {
  return entry.voters.reduce((sum, voter) => sum + voter.weight, 0);
}
