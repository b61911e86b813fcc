import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { inProcessChecker } from '#src/audit/checker.js';
import { audit } from '#src/audit/run.js';
import { Participant } from '#src/belenios/v1/ceremony/participant.js';
import { type CeremonyRecord, recordOf } from '#src/belenios/v1/ceremony/record.js';
import { ceremonySeed } from '#src/belenios/v1/ceremony/seed.js';
import { signStep } from '#src/belenios/v1/ceremony/step-signature.js';
import { polynomialText, signedMessageText } from '#src/belenios/v1/encoding/ceremony.js';
import { memberSecrets, signMessage } from '#src/belenios/v1/signed-message.js';
import type { CeremonyStep } from '#src/election/entries.js';
import type { GivenStep } from '#src/election/trustee-messages.js';
import { type DialledPeer, dialPeer, parseDialTarget } from '#src/net/index.js';
import { platformRandom } from '#src/services/platform-random.js';
import { castBallot, findVoter, meetElection, prepareBallot } from '#src/services/voter-session.js';
import { readTrusteeFile } from '#src/store/trustee-files.js';
import { TrusteeDesk } from '#src/services/trustee-desk.js';
import { cleanUp } from './cleanup.ts';
import { type Invited, anotherPolynomial, trusteeSeed } from './made-ceremony.ts';
import { type PlaceOptions, PollingPlace } from './polling-place.ts';
import { valueOf } from './results.ts';
import { Trustees } from './trustee-program.ts';

/** A polling place whose trustees are yet to make their keys, and those trustees. */
export class TrusteePlace {
  readonly place: PollingPlace;
  readonly #t: TestContext;
  who: Invited;
  trustees: Trustees;

  private constructor(t: TestContext, place: PollingPlace, who: Invited, trustees: Trustees) {
    this.#t = t;
    this.place = place;
    this.who = who;
    this.trustees = trustees;
  }

  static async start(t: TestContext, who: Invited, options: PlaceOptions = {}): Promise<TrusteePlace> {
    const place = await PollingPlace.start(t, {
      voters: 6,
      secrets: false,
      policy: { secrecy: 'sealed' },
      ceremony: who.start,
      ...options,
    });
    return new TrusteePlace(t, place, who, await Trustees.create(place.folder, who));
  }

  /** Gives the trustees the invitations of another ceremony. */
  async invite(who: Invited): Promise<void> {
    for (const [at, code] of who.codes.entries())
      await writeFile(join(this.place.folder, `invitation-${at + 1}.txt`), code, { mode: 0o600 });
    this.who = who;
  }

  /** Opens the round, has all voters vote for the first answer, and closes it. */
  async voteAndClose(): Promise<void> {
    const { place } = this;
    await place.organiser.open();
    const client = await this.#dial();
    for (const { seed } of place.voters) {
      const election = await meetElection(client);
      const record = await findVoter(client, election, { seed });
      await castBallot(client, election, prepareBallot(election, { seed, record }, [[0]]));
    }
    await place.organiser.close();
  }

  /** Votes for the first answer, once the result is there. */
  get votes(): number | undefined {
    return this.place.log.state.round?.result?.entry.questions[0]?.answers[0];
  }

  /** What an audit says of the log: `valid`, or the first thing that is wrong. */
  async verdict(): Promise<unknown> {
    const { first, verdict } = await audit(this.place.source, { checker: inProcessChecker() });
    return first ?? verdict;
  }

  /** Takes in what a trustee wrote as a file, as "admin trustees take" does. */
  async takeFile(path: string): Promise<void> {
    const { log, organiser } = this.place;
    const { electionId, message } = await readTrusteeFile(path);
    assert.equal(electionId, log.electionId);
    await new TrusteeDesk(log, organiser, () => undefined).handIn(message);
  }

  /** A trustee who may do other things than our program does. */
  async cheater(trustee: number): Promise<Cheater> {
    return new Cheater(this, trustee, await this.#dial());
  }

  async #dial(): Promise<DialledPeer> {
    const client = await dialPeer(parseDialTarget(this.place.invite));
    cleanUp(this.#t, () => client.close());
    return client;
  }
}

export class Cheater {
  readonly #set: TrusteePlace;
  readonly #trustee: number;
  readonly #client: DialledPeer;

  constructor(set: TrusteePlace, trustee: number, client: DialledPeer) {
    this.#set = set;
    this.#trustee = trustee;
    this.#client = client;
  }

  certificate(): Promise<void> {
    return this.honest('certificate');
  }

  /** Hands in the step that is due, as it should be. */
  async honest(kind: CeremonyStep['kind']): Promise<void> {
    const step = this.#made();
    assert.equal(step.kind, kind);
    await this.give(step);
  }

  /** Hands in its certificate once more, signed as a later step that is not due. */
  early(kind: CeremonyStep['kind']): Promise<void> {
    const [step] = this.#state.steps.filter(({ trustee }) => trustee === this.#trustee);
    assert.ok(step !== undefined);
    return this.give(this.#signed({ ...step, kind }));
  }

  /** A certificate with something behind what it signs, signed anew. */
  async paddedCertificate(padding: string): Promise<void> {
    const step = this.#made();
    const { message } = valueOf(signedMessageText.decode(step.text));
    const { cid } = this.#state;
    const { signing } = valueOf(memberSecrets(ceremonySeed(trusteeSeed(this.#trustee), cid.bytes)));
    const text = signedMessageText.encode(signMessage(signing, `${message}${padding}`, platformRandom));
    await this.give(this.#signed({ ...step, text }));
  }

  /** A polynomial message with the commitments of one polynomial, and the secrets of another. */
  async wrongPolynomial(): Promise<void> {
    const own = this.#made();
    const message = valueOf(polynomialText.decode(own.text));
    const other = anotherPolynomial({ record: this.#record(), cid: this.#state.cid }, this.#trustee);
    const { secrets } = valueOf(polynomialText.decode(other));
    await this.give(this.#signed({ ...own, text: polynomialText.encode({ ...message, secrets }) }));
  }

  give(step: CeremonyStep): Promise<void> {
    return this.hand({ step, invitation: this.#set.who.codes[this.#trustee - 1] ?? null });
  }

  /** Hands anything in, for the newest ceremony unless it says otherwise. */
  hand(given: Pick<GivenStep, 'step' | 'invitation'> & { readonly ceremony?: string }): Promise<void> {
    return this.#client.handIn({ kind: 'step', ceremony: this.#state.cid.toString(), ...given });
  }

  #signed(step: CeremonyStep): CeremonyStep {
    const { cid } = this.#state;
    const { signing } = valueOf(memberSecrets(ceremonySeed(trusteeSeed(this.#trustee), cid.bytes)));
    return signStep(
      this.#record().signedIn(step.kind),
      { kind: step.kind, trustee: step.trustee, text: step.text },
      signing,
      platformRandom,
    );
  }

  #made(): CeremonyStep {
    const participant = new Participant(trusteeSeed(this.#trustee), this.#state.cid.bytes, this.#record());
    const step = valueOf(participant.step(this.#trustee, platformRandom));
    assert.ok(step !== undefined);
    return step;
  }

  #record(): CeremonyRecord {
    return recordOf({ ...this.#state, ceremony: this.#state.cid.toString() }, this.#state.steps).record;
  }

  get #state() {
    const { ceremony } = this.#set.place.log.state;
    assert.ok(ceremony !== undefined);
    return ceremony;
  }
}
