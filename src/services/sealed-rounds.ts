import { refused } from '../base/errors.ts';
import {
  type SealedRound,
  type SoundTrustees,
  readTrustees,
  sealedRound,
} from '../belenios/v1/sealed-round.ts';
import type { TrusteesEntry } from '../election/entries.ts';
import type { LogState, RoundState } from '../election/log-state.ts';

/** The trustees and the rounds of a sealed election in the terms of the protocol that seals its ballots, worked out once. */
export class SealedRounds {
  #trustees: { readonly entry: TrusteesEntry; readonly sound: SoundTrustees } | undefined;
  readonly #rounds = new Map<string, SealedRound>();

  /** Throws `no-trustees`, and `store-damaged` for trustees that should never have got into the log. */
  trustees({ trustees }: Pick<LogState, 'trustees'>): SoundTrustees {
    if (trustees === undefined) throw refused('no-trustees', 'The election has no trustees yet.');
    if (this.#trustees?.entry !== trustees) {
      const read = readTrustees(trustees.trustees);
      if (!read.ok)
        throw refused('store-damaged', `The trustees in entry ${trustees.seq} are not sound: ${read.error}.`);
      this.#trustees = { entry: trustees, sound: read.value };
    }
    return this.#trustees.sound;
  }

  /** A round of the log with this state. Throws as `trustees`. */
  round(state: LogState, round: Pick<RoundState, 'entry' | 'cid'>): SealedRound {
    const key = round.cid.toString();
    const known = this.#rounds.get(key);
    if (known !== undefined) return known;
    if (state.genesis === undefined) throw new Error('a round in a log without a genesis');
    const made = sealedRound(state.genesis, round, this.trustees(state).publicKey);
    this.#rounds.set(key, made);
    return made;
  }
}
