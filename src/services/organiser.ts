import { refused } from '../base/errors.ts';
import type { Policy } from '../election/entries.ts';
import type { Phase, RoundState } from '../election/log-state.ts';
import { fingerprint } from '../crypto/credential.ts';
import { countRound } from './closing.ts';
import { checkDraft } from './create-election.ts';
import type { ElectionLog } from './election-log.ts';
import type { EventListener } from './events.ts';
import type { DraftRound, LiveTurnout } from './ports.ts';

/** An election at a glance, as JSON carries it: times in ms, ids as text. */
export interface ElectionStatus {
  readonly electionId: string;
  readonly fingerprint: string;
  readonly title: string;
  readonly description: string;
  readonly policy: Policy;
  readonly phase: Phase;
  readonly roll: { readonly voters: number; readonly weight: number };
  readonly round: {
    readonly round: number;
    readonly title: string;
    readonly opened: number;
    readonly closes: number | null;
    readonly turnout: LiveTurnout;
  } | null;
  readonly draft: DraftRound | null;
  readonly entries: number;
  readonly checkpoint: string;
}

/** What the organiser may do with an election; each is one action on its log. */
export class Organiser {
  readonly #log: ElectionLog;
  readonly #onEvent: EventListener;

  constructor(log: ElectionLog, onEvent: EventListener) {
    this.#log = log;
    this.#onEvent = onEvent;
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
      entries: head.size,
      checkpoint: await this.#log.newestCheckpoint(),
    };
  }

  /** The names, as on the roll, of those who cast a ballot in the newest round, in byte order of their keys. */
  async *voted(): AsyncIterable<string> {
    const round = this.#log.state.rounds.length;
    for await (const voter of this.#log.store.voters())
      if (voter.round === round && round > 0) yield voter.name;
  }

  /** Opens the prepared round. Throws `already-open`, `no-draft`, or `bad-setup` when it would close in the past. */
  async open(): Promise<RoundState> {
    await this.#log.append(async ({ time }) => {
      this.#expectReady('open a round');
      const draft = await this.#log.store.draft();
      if (draft === undefined) {
        throw refused('no-draft', 'No round is prepared.', { hint: 'Prepare one with "admin next-round".' });
      }
      checkDraft(draft);
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

  /** Closes the open round, counts it and logs the result, all in one batch. Throws `not-open`. */
  async close(): Promise<RoundState> {
    let reason: 'organiser' | 'schedule' = 'organiser';
    await this.#log.append(async ({ time }) => {
      const { state, store } = this.#log;
      const round = state.round;
      if (state.phase !== 'open' || round === undefined) throw refused('not-open', 'No round is open.');
      const number = round.entry.round;
      if (round.entry.closes !== null && time >= round.entry.closes) reason = 'schedule';
      const { turnout, questions } = await countRound(store, round, state.roll);
      return {
        contents: [
          { kind: 'close', round: number, reason },
          { kind: 'result', round: number, turnout, questions },
        ],
      };
    });
    const round = this.#currentRound();
    this.#onEvent({ type: 'round-closed', round: round.entry.round, reason });
    return round;
  }

  /** Prepares the next round, in place of one prepared before. Throws `already-open` or `bad-setup`. */
  async prepare(draft: DraftRound): Promise<void> {
    checkDraft(draft);
    await this.#log.setDraft(draft, () => {
      this.#expectReady('prepare a round');
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

  #expectReady(what: string): void {
    const { phase } = this.#log.state;
    if (phase === 'open') {
      throw refused('already-open', `Can't ${what}: round ${this.#log.state.rounds.length} is still open.`, {
        hint: 'Close it first with "admin close".',
      });
    }
    if (phase !== 'ready') throw refused('not-ready', `Can't ${what} while the election is ${phase}.`);
  }
}
