import { refused } from '../base/errors.ts';
import type { EntryContent, Policy, TallyEntry } from '../election/entries.ts';
import type { LogState, Phase, RoundState } from '../election/log-state.ts';
import type { Concern } from '../election/small-groups.ts';
import { fingerprint } from '../crypto/credential.ts';
import { Decrypting, type GivenDecryption } from '../belenios/v1/decrypting.ts';
import { trusteeFingerprint, trusteeNames } from '../belenios/v1/sealed-round.ts';
import { countedVotes } from '../tally/count.ts';
import { countRound, sumRound, turnoutOf } from './closing.ts';
import { CeremonyDesk, type CeremonyStanding } from './ceremony-desk.ts';
import { checkDraft } from './create-election.ts';
import type { ElectionLog } from './election-log.ts';
import type { EventListener } from './events.ts';
import type { DraftRound, LiveTurnout } from './ports.ts';
import { concernsBeforeCount, concernsBeforeOpening, refuseIfRevealing } from './privacy-guard.ts';
import { votersIn } from './round-voters.ts';
import { SealedRounds } from './sealed-rounds.ts';
import { type Readiness, TrusteeCalls } from './trustee-calls.ts';

/** An election at a glance, as JSON carries it: times in ms, ids as text. */
export interface ElectionStatus {
  readonly electionId: string;
  readonly fingerprint: string;
  readonly title: string;
  readonly description: string;
  readonly policy: Policy;
  readonly phase: Phase;
  readonly roll: { readonly voters: number; readonly weight: number };
  /** Voters who put an own key in the place of the one on the roll. */
  readonly enrolled: number;
  readonly round: {
    readonly round: number;
    readonly title: string;
    readonly opened: number;
    readonly closes: number | null;
    readonly turnout: LiveTurnout;
  } | null;
  readonly draft: DraftRound | null;
  /** Of a sealed election: who can decrypt, and who has decrypted the round that waits for it. */
  readonly trustees: readonly TrusteeStanding[] | null;
  /** Of the newest key ceremony; null where there was none. */
  readonly ceremony: CeremonyStanding | null;
  /** How many trustees could decrypt, by what they proved; null without trustees. */
  readonly readiness: Readiness | null;
  readonly entries: number;
  readonly checkpoint: string;
}

/** A trustee of a sealed election. */
export interface TrusteeStanding {
  /** From 1. */
  readonly trustee: number;
  readonly name: string | null;
  /** Of its public key, to be compared aloud. */
  readonly fingerprint: string;
  /** Whether the trustee has decrypted the round that waits for it. */
  readonly given: boolean;
}

/** Why a decryption can't be used. */
export interface InvalidDecryption {
  readonly trustee: number;
  readonly reason: string;
}

/** How far the decryption of a closed sealed round has come. */
export interface CountProgress {
  readonly round: RoundState;
  readonly trustees: readonly TrusteeStanding[];
  /** What was handed in and can't be used. */
  readonly invalid: readonly InvalidDecryption[];
  /** Whose decryptions are missing, in words; undefined once the result is in the log. */
  readonly missing?: string;
}

/** Does an action once what must be in the log before it is there, and lets nothing begin meanwhile that it would overtake. */
export type Settled = <T>(action: () => Promise<T>) => Promise<T>;

/** What the organiser may do with an election; each is one action on its log. */
export class Organiser {
  /** Key ceremonies of this election's trustees, and calls to them. */
  readonly ceremony: CeremonyDesk;
  readonly calls: TrusteeCalls;
  readonly #log: ElectionLog;
  readonly #onEvent: EventListener;
  readonly #sealedRounds = new SealedRounds();
  /** Of the round that waits to be counted, with the decryptions that were verified. */
  #verified: { readonly tally: number; readonly decrypting: Decrypting } | undefined;
  #settled: Settled = (action) => action();

  constructor(log: ElectionLog, onEvent: EventListener) {
    this.#log = log;
    this.#onEvent = onEvent;
    this.ceremony = new CeremonyDesk(log);
    this.calls = new TrusteeCalls(log);
  }

  async status(): Promise<ElectionStatus> {
    const { state, genesis, electionId, head } = this.#log;
    const round = state.round;
    return {
      electionId,
      fingerprint: fingerprint(electionId),
      title: genesis.title,
      description: genesis.description,
      policy: genesis.policy,
      phase: state.phase,
      roll: state.roll,
      enrolled: state.enrolled,
      round:
        round === undefined
          ? null
          : {
              round: round.entry.round,
              title: round.entry.title,
              opened: round.entry.time,
              closes: round.entry.closes,
              turnout: { ...this.#log.turnout, voters: state.roll.voters },
            },
      draft: (await this.#log.store.draft()) ?? null,
      trustees:
        state.trustees === undefined
          ? null
          : this.#trusteeStandings(state.phase === 'counting' ? decryptedBy(state.round) : new Set()),
      ceremony: this.ceremony.standing() ?? null,
      readiness: this.calls.readiness() ?? null,
      entries: head.size,
      checkpoint: await this.#log.proofs.newestCheckpoint(),
    };
  }

  /** The names, as on the roll, of those who cast a ballot in the newest round, in byte order of their keys. */
  async *voted(): AsyncIterable<string> {
    const round = this.#log.state.rounds.length;
    for await (const { name } of votersIn(this.#log.store, round)) yield name;
  }

  /** The names, as on the roll, of those who enrolled an own key, in byte order of these keys. */
  async *enrolled(): AsyncIterable<string> {
    for await (const { name } of this.#log.store.enrolled()) yield name;
  }

  /**
   * Opens the prepared round. Throws `already-open`, `no-draft`, `bad-setup` when it would close in the past, `ceremony-unfinished`,
   * `trustees-not-ready` where too few trustees have shown that they could decrypt (unless that is taken into account: `untested`), or
   * `small-group` where the policy refuses what its result would reveal.
   */
  async open({ untested = false }: { readonly untested?: boolean } = {}): Promise<RoundState> {
    await this.#log.append(async ({ time }) => {
      this.expectReady('open a round');
      this.#expectTrustees();
      if (!untested) this.calls.expectEnough(time);
      const draft = await this.#log.store.draft();
      if (draft === undefined) {
        throw refused('no-draft', 'No round is prepared.', { hint: 'Prepare one with "admin next-round".' });
      }
      checkDraft(draft, this.#log.genesis.policy.secrecy);
      refuseIfRevealing(this.#log, await concernsBeforeOpening(this.#log, draft.questions));
      if (draft.closes !== null && draft.closes <= time) {
        throw refused(
          'bad-setup',
          `The round was to close at ${new Date(draft.closes).toISOString()}, which is past.`,
          {
            hint: 'Prepare it again with another closing time: "admin next-round --closes …".',
          },
        );
      }
      return {
        contents: [
          {
            kind: 'round',
            round: this.#log.state.rounds.length + 1,
            title: draft.title,
            questions: draft.questions,
            closes: draft.closes,
          },
        ],
        dropDraft: true,
      };
    });
    const round = this.#currentRound();
    this.#onEvent({ type: 'round-opened', round: round.entry.round, closes: round.entry.closes });
    return round;
  }

  /** Has rounds closed by means of `settled` from now on: `PollingStation.settled`, where ballots are taken in beside. */
  closeSettled(settled: Settled): void {
    this.#settled = settled;
  }

  /**
   * Closes the open round, in one batch with what follows: of open ballots the result, of sealed ones their encrypted sum, which the
   * trustees are to decrypt (`count`). Throws `not-open`.
   */
  async close(): Promise<RoundState> {
    return this.#settled(() => this.#close());
  }

  async #close(): Promise<RoundState> {
    let reason: 'organiser' | 'schedule' = 'organiser';
    await this.#log.append(async ({ time }) => {
      const { state, store } = this.#log;
      const round = state.round;
      if (state.phase !== 'open' || round === undefined) throw refused('not-open', 'No round is open.');
      const number = round.entry.round;
      if (round.entry.closes !== null && time >= round.entry.closes) reason = 'schedule';
      const then: EntryContent =
        this.#log.genesis.policy.secrecy === 'open'
          ? { kind: 'result', round: number, ...(await countRound(store, round, state.roll)) }
          : {
              kind: 'tally',
              round: number,
              ...(await sumRound(store, round, this.#sealedRounds.round(state, round))),
            };
      return { contents: [{ kind: 'close', round: number, reason }, then] };
    });
    const round = this.#currentRound();
    this.#onEvent({ type: 'round-closed', round: round.entry.round, reason });
    return round;
  }

  /**
   * Takes trustees' decryptions of the closed sealed round into the log, those that are valid and new; with enough of them the result
   * follows in the same batch. Throws `nothing-to-count` when no round waits for decryptions, and `small-group` where the policy refuses
   * what the result would reveal, unless those whom it is about agreed to that (`reveal`).
   */
  async count(
    given: readonly GivenDecryption[],
    { reveal = false }: { readonly reveal?: boolean } = {},
  ): Promise<CountProgress> {
    let progress: CountProgress | undefined;
    await this.#log.append(async () => {
      const { state, store } = this.#log;
      const { round, decrypting } = this.#decrypting();
      const invalid: InvalidDecryption[] = [];
      const contents: EntryContent[] = [];
      for (const one of given) {
        if (decrypting.given.has(one.trustee)) continue;
        const taken = decrypting.take(one);
        if (taken.ok) contents.push({ kind: 'decryption', round: round.entry.round, ...one });
        else invalid.push({ trustee: one.trustee, reason: taken.error });
      }
      // Not for nonsense alone: whoever sends it must not have the roll read through.
      if (!reveal && (given.length === 0 || contents.length > 0))
        refuseIfRevealing(this.#log, await concernsBeforeCount(this.#log, round));
      const votes = decrypting.votes(round.entry.questions);
      if (votes.ok) {
        const turnout = await turnoutOf(store, round, state.roll);
        const questions = votes.value.map(({ answers, blank }) => countedVotes(answers, blank));
        contents.push({ kind: 'result', round: round.entry.round, turnout, questions });
      }
      progress = {
        round,
        trustees: this.#trusteeStandings(decrypting.given),
        invalid,
        ...(votes.ok ? {} : { missing: votes.error }),
      };
      return { contents };
    });
    if (progress === undefined) throw new Error('an append that asked for no plan');
    return { ...progress, round: this.#currentRound() };
  }

  /** What the result would reveal whatever was voted: of the prepared round, or of the closed one that waits to be counted. */
  async concerns(): Promise<Concern[]> {
    const { state, store } = this.#log;
    if (state.phase === 'counting' && state.round !== undefined)
      return concernsBeforeCount(this.#log, state.round);
    const draft = await store.draft();
    return draft === undefined ? [] : concernsBeforeOpening(this.#log, draft.questions);
  }

  /** Throws `ceremony-unfinished` while trustees' keys are being made. */
  #expectTrustees(): void {
    const ceremony = this.ceremony.standing();
    if (ceremony === undefined || ceremony.done) return;
    const waiting = ceremony.invited.filter(({ next }) => next !== 'nothing' && next !== 'others');
    throw refused(
      'ceremony-unfinished',
      ceremony.ended === null
        ? `The trustees' keys are not made yet; waiting for ${waiting.map(({ name }) => name).join(', ')}.`
        : `The key ceremony has failed: ${ceremony.ended.reason}.`,
      {
        hint: 'See "admin trustees" for who has done what. "admin trustees invite" begins anew, with others.',
      },
    );
  }

  #decrypting(): { readonly round: RoundState; readonly decrypting: Decrypting } {
    const { state } = this.#log;
    const { round } = state;
    if (state.phase !== 'counting' || round?.tally === undefined)
      throw refused('nothing-to-count', 'No closed round waits to be decrypted.');
    const { tally, decryptions = [] } = round;
    // Made anew where the log has others than were verified: another round, or one whose write failed.
    if (this.#verified?.tally !== tally.seq || this.#verified.decrypting.given.size !== decryptions.length)
      this.#verified = { tally: tally.seq, decrypting: this.#verify(state, round, tally) };
    return { round, decrypting: this.#verified.decrypting };
  }

  #verify(state: LogState, round: RoundState, tally: TallyEntry): Decrypting {
    const sealed = this.#sealedRounds.round(state, round);
    const decrypting = Decrypting.of(this.#sealedRounds.trustees(state), sealed, tally);
    if (!decrypting.ok) throw refused('store-damaged', `Entry ${tally.seq}: ${decrypting.error}.`);
    for (const entry of round.decryptions ?? []) {
      const taken = decrypting.value.take(entry);
      if (!taken.ok)
        throw refused('store-damaged', `The decryption in entry ${entry.seq} is not valid: ${taken.error}.`);
    }
    return decrypting.value;
  }

  #trusteeStandings(given: ReadonlySet<number>): TrusteeStanding[] {
    const sound = this.#sealedRounds.trustees(this.#log.state);
    const names = trusteeNames(sound);
    return sound.keys.map((key, index) => ({
      trustee: index + 1,
      name: names[index] ?? null,
      fingerprint: trusteeFingerprint(key),
      given: given.has(index + 1),
    }));
  }

  /** Prepares the next round, in place of one prepared before. Throws `already-open` or `bad-setup`. */
  async prepare(draft: DraftRound): Promise<void> {
    checkDraft(draft, this.#log.genesis.policy.secrecy);
    await this.#log.setDraft(draft, () => {
      this.expectReady('prepare a round');
    });
  }

  /** Rounds that have a result, in order. */
  results(): readonly (RoundState & Required<Pick<RoundState, 'result'>>)[] {
    return this.#log.state.rounds.flatMap((round) =>
      round.result === undefined ? [] : [{ ...round, result: round.result }],
    );
  }

  #currentRound(): RoundState {
    const round = this.#log.state.round;
    if (round === undefined) throw new Error('no round after one was appended');
    return round;
  }

  /** Throws `already-open`, `not-counted` or `not-ready` where no other round can come next. `what` ends "Can't …". */
  expectReady(what: string): void {
    const { phase } = this.#log.state;
    if (phase === 'open') {
      throw refused('already-open', `Can't ${what}: round ${this.#log.state.rounds.length} is still open.`, {
        hint: 'Close it first with "admin close".',
      });
    }
    if (phase === 'counting') {
      throw refused(
        'not-counted',
        `Can't ${what}: round ${this.#log.state.rounds.length} is not counted yet.`,
        {
          hint: 'Hand in the trustees\' decryptions first: "admin count".',
        },
      );
    }
    if (phase !== 'ready') throw refused('not-ready', `Can't ${what} while the election is ${phase}.`);
  }
}

/** Trustees whose decryptions are in the log; each was verified before it got there. */
function decryptedBy(round: RoundState | undefined): ReadonlySet<number> {
  return new Set((round?.decryptions ?? []).map(({ trustee }) => trustee));
}
