import type { CID } from 'multiformats/cid';
import { cidFromDigest } from '../crypto/cid.ts';
import { fingerprint } from '../crypto/credential.ts';
import type { SoundTrustees } from '../belenios/v1/sealed-round.ts';
import type { Entry, EntryKind, TrusteesEntry } from '../election/entries.ts';
import { LogState } from '../election/log-state.ts';
import { registrarFingerprint } from '../election/registration.ts';
import { decodeEntry } from '../log/entry-codec.ts';
import { judgeBallot } from './checks/ballots.ts';
import { ChainCheck } from './checks/chain.ts';
import type { CommitmentCheck } from './checks/commitments.ts';
import { EnrolmentCheck } from './checks/enrolments.ts';
import { RegistrarCheck } from './checks/registrar.ts';
import { enrol } from './checks/roll.ts';
import type { StoredCheckpointsCheck } from './checks/stored.ts';
import { TallyCheck } from './checks/tally.ts';
import { TrusteeStepsCheck } from './checks/trustee-steps.ts';
import { CheckedRun } from './checked-run.ts';
import type { CheckedEntries, OtherEntry } from './entry-check.ts';
import type { Lookout } from './lookout.ts';
import type { AuditReport, AuditedElection, AuditedRound, CheckId, Findings } from './report.ts';
import type { SealedContexts } from './sealed-contexts.ts';
import { VoterTable } from './voter-table.ts';

/** An entry's place in the log, and whether nothing is wrong with it by itself. */
interface Place {
  readonly position: number;
  readonly digest: Uint8Array;
  readonly sound: boolean;
}

/** The check that says so when an entry may not stand where it stands; `rounds` for kinds that are not here. */
const ORDER_CHECK: Partial<Record<EntryKind, CheckId>> = { roll: 'roll', enrolment: 'enrolments' };

/** The checks that need a sound beginning of the log to judge what follows. */
const RULES = [
  'roll',
  'registrar',
  'enrolments',
  'trustees',
  'ceremony',
  'readiness',
  'rounds',
  'eligibility',
  'signatures',
  'window',
  'revote',
  'votes',
  'decryptions',
  'tally',
] as const satisfies readonly CheckId[];

/**
 * The part of an audit that goes through the log in order and remembers: chain, tree, roll, rounds, ballots, tally.
 *
 * Chain, tree and form are judged to the end. The election's rules are judged up to the first entry that can't be read,
 * doesn't follow, or may not stand where it stands: from there on nobody knows what the state is.
 */
export class LogFold {
  readonly #findings: Findings;
  readonly #tree: CommitmentCheck;
  readonly #stored: StoredCheckpointsCheck | undefined;
  readonly #chain: ChainCheck;
  readonly #state = new LogState();
  readonly #voters = new VoterTable();
  readonly #enrolments: EnrolmentCheck;
  readonly #tally: TallyCheck;
  readonly #contexts: SealedContexts | undefined;
  readonly #lookout: Lookout;
  readonly #trusteeSteps: TrusteeStepsCheck;
  #registrar: RegistrarCheck | undefined;
  #trustees: SoundTrustees | undefined;
  #ballots = 0;
  #halted = false;

  /** `contexts` are those of a sealed log, which have learned of every entry before this takes it. */
  constructor(
    findings: Findings,
    tree: CommitmentCheck,
    stored: StoredCheckpointsCheck | undefined,
    contexts: SealedContexts | undefined,
    lookout: Lookout,
  ) {
    this.#findings = findings;
    this.#tree = tree;
    this.#stored = stored;
    this.#contexts = contexts;
    this.#lookout = lookout;
    this.#chain = new ChainCheck(findings);
    this.#enrolments = new EnrolmentCheck(this.#voters, findings);
    this.#trusteeSteps = new TrusteeStepsCheck(findings);
    this.#tally = new TallyCheck(this.#voters, findings);
  }

  /** Entries so far. */
  get size(): number {
    return this.#tree.size;
  }

  get head(): string | null {
    return this.#chain.head;
  }

  /** How many voters put an own key in the place of the one on the roll. */
  get enrolled(): number {
    return this.#enrolments.count;
  }

  /** Who can decrypt, in a sealed election with sound trustees. */
  get trustees(): SoundTrustees | undefined {
    return this.#trustees;
  }

  /** The newest key ceremony, as far as it came. */
  get ceremony(): AuditReport['ceremony'] {
    const record = this.#trusteeSteps.ceremony;
    const state = this.#state.ceremony;
    return record === undefined || state === undefined ? undefined : { record, cid: state.cid.bytes };
  }

  /** The newest call to the trustees. */
  get call(): AuditReport['call'] {
    return this.#state.call;
  }

  get rounds(): AuditedRound[] {
    return this.#tally.rounds();
  }

  get election(): AuditedElection | undefined {
    const { genesis, electionId } = this.#state;
    if (genesis === undefined || electionId === undefined) return undefined;
    const { title, authority, policy, registrar } = genesis;
    return {
      id: electionId,
      title,
      authority,
      policy,
      fingerprint: fingerprint(electionId),
      ...(registrar === undefined
        ? {}
        : { registrar: { key: registrar.key, fingerprint: registrarFingerprint(registrar.key) } }),
    };
  }

  /** Takes the next run of entries. */
  async take(checked: CheckedEntries): Promise<void> {
    const run = new CheckedRun(checked);
    for (let index = 0; index < checked.count; index++) {
      this.#entry(run, index);
      this.#tree.append(run.leaf(index));
      if (this.#stored !== undefined && this.#stored.nextSize <= this.#tree.size)
        await this.#stored.judgeDue();
    }
  }

  /** The source can give no more entries, and says why. */
  damaged(message: string): void {
    this.#findings.add({ check: 'format', seq: this.size, message });
    this.#halt(`the log is damaged at entry ${this.size}`);
    this.#findings.excuse(
      ['root', 'checkpoints', 'history'],
      'not-judged',
      `the log is damaged at entry ${this.size}`,
    );
  }

  /** Says which checks had nothing to judge. */
  end(): void {
    const { phase, rounds } = this.#state;
    const excuse = (checks: readonly CheckId[], note: string) => {
      this.#findings.excuse(checks, 'not-applicable', note);
    };
    if (phase === 'empty' || phase === 'enrolling') excuse(['roll', 'registrar'], 'the roll is not complete');
    if (this.#registrar === undefined) excuse(['registrar'], 'the log names none');
    if (this.#state.enrolled === 0) excuse(['enrolments'], 'nobody enrolled one');
    if (rounds.length === 0) excuse(['rounds'], 'no round was opened');
    if (this.#ballots === 0)
      excuse(['eligibility', 'signatures', 'window', 'revote', 'votes'], 'no ballot was cast');
    const audited = this.#tally.rounds();
    if (!audited.some(({ published, sealed }) => published || sealed?.tally !== undefined))
      excuse(['tally'], 'no result is published');
    if (this.#state.genesis?.policy.secrecy === 'open')
      excuse(['trustees', 'ceremony', 'readiness', 'decryptions'], 'the ballots are open');
    if (this.#state.ceremony === undefined) excuse(['ceremony'], 'the trustees made their keys without one');
    if (this.#state.call === undefined) excuse(['readiness'], 'the trustees were not asked');
    if (this.#state.trustees === undefined) excuse(['trustees'], 'there are none yet');
    if (!rounds.some(({ decryptions }) => decryptions !== undefined))
      excuse(['decryptions'], 'nothing was decrypted');
  }

  #entry(run: CheckedRun, index: number): void {
    const position = this.#tree.size;
    const problems = run.problems(index);
    for (const { check, message } of problems) this.#findings.add({ check, seq: position, message });
    const digest = run.digest(index);
    if (!run.isReadable(index)) {
      this.#chain.unreadable(digest);
      this.#halt(`entry ${position} can't be read`);
      return;
    }
    const link = run.link(index);
    if (!this.#chain.entry(position, link, digest)) this.#halt(`the chain is broken at entry ${position}`);
    if (this.#halted) return;
    if (run.isBallot(index)) this.#ballot(run, index, link);
    else this.#other(run.other(index), { digest, position, sound: problems.length === 0 });
  }

  /** `LogState.problems` would add nothing on ballots: `refusals` asks for an open round too. */
  #ballot(
    run: CheckedRun,
    index: number,
    { seq, time }: { readonly seq: number; readonly time: number },
  ): void {
    const cast = run.ballot(index);
    const { ballot, signed } = cast;
    const voter = this.#voters.find(ballot.voter);
    const standing = voter === -1 ? undefined : this.#voters.standing(voter);
    this.#ballots++;
    if (!judgeBallot(ballot, { seq, time, signed }, this.#state, standing, this.#findings)) return;
    if (cast.form === 'open') this.#tally.countOpen(voter, cast.ballot, cast.packed);
    else if (cast.vote !== undefined) {
      this.#lookout.see(cast.vote.textHash, seq);
      this.#tally.countSealed(voter, ballot.number, cast.vote, seq);
    }
  }

  #other({ bytes, badVoters }: OtherEntry, at: Place): void {
    const { position } = at;
    const decoded = decodeEntry(bytes);
    if (!decoded.ok) throw new Error(`entry ${position} was read before, but not now: ${decoded.error}`);
    const entry = decoded.value;
    const problems = this.#state.problems(entry);
    for (const message of problems) {
      this.#findings.add({ check: ORDER_CHECK[entry.kind] ?? 'rounds', seq: position, message });
    }
    if (problems.length > 0) this.#halt(`entry ${position} may not stand there`);
    else this.#apply(entry, badVoters, at);
  }

  #apply(entry: Entry, badVoters: readonly number[], { digest, sound }: Place): void {
    const cid = cidFromDigest(digest);
    this.#state.apply(entry, cid);
    switch (entry.kind) {
      case 'genesis':
        this.#registrar = RegistrarCheck.of(entry, this.#findings);
        return;
      case 'ballot':
        return;
      case 'enrolment':
        this.#enrolments.entry(entry, sound);
        return;
      case 'ceremony':
        this.#trusteeSteps.step(entry, cid);
        return;
      case 'trustees':
        this.#trusteeSteps.trustees(entry);
        this.#enrolTrustees(entry);
        return;
      case 'call':
        return;
      case 'readiness':
        this.#trusteeSteps.readiness(entry, this.#state.electionId ?? '', this.#trustees);
        return;
      case 'roll':
        enrol(entry, badVoters, this.#voters, this.#findings);
        this.#registrar?.take(entry);
        return;
      case 'round':
        this.#tally.open(entry, this.#state.roll, this.#sealing(cid));
        return;
      case 'close':
        this.#tally.close();
        return;
      case 'tally':
        this.#tally.tally(entry);
        return;
      case 'decryption':
        this.#tally.decryption(entry);
        return;
      case 'result':
        this.#tally.compare(entry);
        return;
    }
  }

  #enrolTrustees(entry: TrusteesEntry): void {
    const read = this.#contexts?.trustees(entry);
    if (read?.ok === true) {
      this.#trustees = read.value;
      return;
    }
    this.#findings.add({
      check: 'trustees',
      seq: entry.seq,
      message: read?.error ?? 'nobody knows for whom',
    });
    this.#halt(`the trustees in entry ${entry.seq} are not sound`);
  }

  /** What a sealed round is in the terms of its protocol; undefined for one with open ballots. */
  #sealing(cid: CID): Parameters<TallyCheck['open']>[2] {
    const sealed = this.#contexts?.round(cid);
    const trustees = this.#trustees;
    return sealed === undefined || trustees === undefined ? undefined : { sealed, trustees };
  }

  #halt(why: string): void {
    this.#halted = true;
    this.#findings.excuse(RULES, 'not-judged', `not judged to the end: ${why}`);
  }
}
