import { refused } from '../base/errors.ts';
import { type Result, err, ok } from '../base/result.ts';
import { type Quorum, quorumOf } from '../belenios/v1/quorum.ts';
import { proveReadiness, verifyReadiness } from '../belenios/v1/readiness.ts';
import type { Random } from '../belenios/v1/proofs.ts';
import { trusteeNames } from '../belenios/v1/sealed-round.ts';
import type { Scalar } from '../crypto/group/group.ts';
import type { GivenReadiness } from '../election/trustee-messages.ts';
import type { CallState } from '../election/trustee-steps.ts';
import { trusteeNumber } from './decrypting.ts';
import type { ElectionLog } from './election-log.ts';
import { SealedRounds } from './sealed-rounds.ts';

/** How ready the trustees are to decrypt: what they proved since they were last asked. */
export interface Readiness extends Quorum {
  /** When they were asked, in ms; null where they never were. */
  readonly called: number | null;
  /** The numbers of those who answered. */
  readonly ready: readonly number[];
}

/** For how long it is good enough to open a round, in ms, that trustees have shown that they could decrypt. */
export const READINESS_LASTS = 24 * 3_600_000;

/** Asks trustees to prove that they could decrypt, and takes their answers. */
export class TrusteeCalls {
  readonly #log: ElectionLog;
  readonly #sealedRounds = new SealedRounds();

  constructor(log: ElectionLog) {
    this.#log = log;
  }

  /** Logs a call, which asks all trustees anew. Throws `no-trustees`. */
  async call(): Promise<CallState> {
    this.#trustees();
    await this.#log.append(() => ({ contents: [{ kind: 'call' }] }));
    const { call } = this.#log.state;
    if (call === undefined) throw new Error('a call that was appended is not there');
    return call;
  }

  /**
   * Logs an answer to the newest call; the error says why it is not valid. `known`: the trustee answered before, and nothing changes; `late`: there is
   * a newer call.
   */
  async answer({
    trustee,
    call,
    proof,
  }: GivenReadiness): Promise<Result<'taken' | 'known' | 'late', string>> {
    const key = this.#trustees().keys[trustee - 1];
    if (key === undefined) return err(`there is no trustee ${trustee}`);
    const verified = verifyReadiness({ electionId: this.#log.electionId, call, trustee }, key, proof);
    if (!verified.ok) return verified;
    let answered: 'taken' | 'known' | 'late' = 'taken';
    await this.#log.append(() => {
      const newest = this.#log.state.call;
      if (newest?.cid.toString() !== call) {
        answered = 'late';
        return { contents: [] };
      }
      if (newest.answers.some((one) => one.trustee === trustee)) {
        answered = 'known';
        return { contents: [] };
      }
      return { contents: [{ kind: 'readiness', trustee, call: newest.cid, proof }] };
    });
    return ok(answered);
  }

  /** Answers the newest call for trustees whose secrets are at hand, if there is one. Throws `not-a-trustee` for any other secret. */
  async answerWith(secrets: readonly Scalar[], random: Random): Promise<void> {
    const { call } = this.#log.state;
    if (call === undefined) return;
    const question = { electionId: this.#log.electionId, call: call.cid.toString() };
    for (const secret of secrets) {
      const trustee = trusteeNumber(secret, this.#trustees());
      if (call.answers.some((one) => one.trustee === trustee)) continue;
      const proof = proveReadiness({ ...question, trustee }, secret, random);
      const answered = await this.answer({ trustee, call: question.call, proof });
      if (!answered.ok) throw new Error(`an answer of our own is not valid: ${answered.error}`);
    }
  }

  /** Undefined where the election has no trustees (yet). */
  readiness(): Readiness | undefined {
    const { state } = this.#log;
    if (state.trustees === undefined) return undefined;
    const ready = new Set(state.call?.answers.map(({ trustee }) => trustee));
    return {
      ...quorumOf(this.#trustees(), ready),
      called: state.call?.entry.time ?? null,
      ready: [...ready].sort((a, b) => a - b),
    };
  }

  /**
   * Throws `trustees-not-ready` where those who answered the newest call are not enough to decrypt, naming the others, and where that call is older
   * than READINESS_LASTS at `now`.
   */
  expectEnough(now: number): void {
    const readiness = this.readiness();
    if (readiness === undefined) return;
    const { called } = readiness;
    const isRecent = called !== null && now - called <= READINESS_LASTS;
    if (readiness.enough && isRecent) return;
    const names = trusteeNames(this.#trustees());
    const absent = readiness.absent.map((number) => names[number - 1] ?? `trustee ${number}`).join(', ');
    throw refused(
      'trustees-not-ready',
      called === null
        ? 'The trustees have not been asked yet whether they could decrypt the result.'
        : readiness.enough
          ? `The trustees last showed that they could decrypt on ${new Date(called).toISOString()}, which is more than a day ago.`
          : `Too few trustees have shown that they could decrypt the result. Missing: ${absent}.`,
      {
        hint: 'Elections were lost to keys that turned out unusable at the count. Ask them with "admin trustees call"; or open all the same with --untested-trustees.',
      },
    );
  }

  #trustees() {
    return this.#sealedRounds.trustees(this.#log.state);
  }
}
