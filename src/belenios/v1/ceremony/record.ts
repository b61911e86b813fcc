import { equalBytes } from '../../../base/bytes.ts';
import { type Result, err, ok } from '../../../base/result.ts';
import { type Point, group } from '../../../crypto/group/group.ts';
import type { CeremonyStart, CeremonyStep, InvitedTrustee, TrusteeStep } from '../../../election/entries.ts';
import { signedMessageText, voutputText } from '../encoding/ceremony.ts';
import { decodePublicKeyFile } from '../encoding/key-files.ts';
import { problemText } from '../encoding/problem.ts';
import { decodeCertificateKeys, encodeTrustees } from '../encoding/trustees.ts';
import type { Trustee, TrusteePublicKey } from '../messages.ts';
import { readTrustees } from '../sealed-round.ts';
import { verifyTrustees } from '../trustees.ts';
import { ceremonyShape } from './certificates.ts';
import { CeremonyDesk } from './desk.ts';
import { type Fault, fault } from './fault.ts';
import { type StepContext, isSignedStep } from './step-signature.ts';

/** The start of a ceremony as it stands in a log, and the CID of its entry as text. */
export interface StartedCeremony extends Pick<CeremonyStart, 'threshold' | 'trustees'> {
  readonly ceremony: string;
}

/**
 * A key ceremony of an election of ours: single trustees beside one threshold group. It is made again from the steps in the log, by whoever
 * takes them in, by each trustee and by each auditor, and all come to the same. Trustees go by their number among the invited, from 1;
 * of the group's members that is their index and the number of singles before them. Faults name trustees by that number.
 *
 * `take` expects steps whose place `ceremonyProblems` found nothing wrong with.
 */
export class CeremonyRecord {
  readonly #start: StartedCeremony;
  readonly #singles: number;
  readonly #desk: CeremonyDesk | undefined;
  readonly #keys = new Map<number, TrusteePublicKey>();
  /** What trustees sign their steps with, since their first one. */
  readonly #signers = new Map<number, Point>();
  readonly #taken = new Map<number, Set<TrusteeStep>>();
  readonly #texts = new Map<TrusteeStep, ReadonlyMap<number, string>>();
  #ended: Fault | undefined;

  /** Throws RangeError for a start that `startProblems` finds fault with. */
  constructor(start: StartedCeremony) {
    this.#start = start;
    this.#singles = start.trustees.filter(({ role }) => role === 'single').length;
    const members = start.trustees.length - this.#singles;
    if (members === 0) return;
    const shape = ceremonyShape(start.threshold, members);
    if (!shape.ok) throw new RangeError(shape.error);
    this.#desk = new CeremonyDesk(shape.value);
  }

  get ceremony(): string {
    return this.#start.ceremony;
  }

  get invited(): readonly InvitedTrustee[] {
    return this.#start.trustees;
  }

  /** Why the ceremony can't go on: all has to begin anew. Accused are trustees by number. */
  get ended(): Fault | undefined {
    return this.#ended;
  }

  /** What its members' keys would be together: too weak to go on with. Their programs complain if somebody is at fault. */
  get weak(): Fault | undefined {
    return this.#desk?.weak;
  }

  /** Takes a step when it is sound; one that is not leaves no trace. */
  take(step: CeremonyStep): Result<void, Fault> {
    if (this.#ended !== undefined)
      return fault('out-of-order', [], 'delivery', 'the ceremony has ended', [step.text]);
    const signer = this.#signerOf(step);
    if (!signer.ok) return signer;
    if (!isSignedStep(this.signedIn(step.kind), step, signer.value))
      return fault(
        'bad-signature',
        [],
        'delivery',
        'the step is not signed for what it answers to with the key of the trustee’s first step',
        [step.text],
      );
    const taken = step.kind === 'key' ? this.#takeKey(step) : this.#takeMember(step);
    if (!taken.ok) return taken;
    this.#signers.set(step.trustee, signer.value);
    this.#taken.set(step.trustee, new Set(this.#taken.get(step.trustee)).add(step.kind));
    this.#texts.set(step.kind, new Map(this.#texts.get(step.kind)).set(step.trustee, step.text));
    return taken;
  }

  /** What a step of this kind is signed for: the ceremony, and the members' steps that it answers to. */
  signedIn(kind: TrusteeStep): StepContext {
    const answered =
      kind === 'polynomial'
        ? 'certificate'
        : kind === 'share' || kind === 'complaint'
          ? 'polynomial'
          : undefined;
    const texts = answered === undefined ? undefined : this.#texts.get(answered);
    const answers = this.#start.trustees.flatMap((_, at) => texts?.get(at + 1) ?? []);
    return { ceremony: this.ceremony, answers };
  }

  /** The step that a trustee can do now; undefined where it has to wait, or has nothing left to do. */
  due(trustee: number): Exclude<TrusteeStep, 'complaint'> | undefined {
    if (this.#ended !== undefined) return undefined;
    const done = this.#taken.get(trustee) ?? new Set<TrusteeStep>();
    if (trustee <= this.#singles) return done.has('key') ? undefined : 'key';
    const desk = this.#memberDesk();
    if (!done.has('certificate')) return 'certificate';
    if (!done.has('polynomial')) return desk.certificates === undefined ? undefined : 'polynomial';
    if (!done.has('share')) return desk.vinput(this.#index(trustee)) === undefined ? undefined : 'share';
    return undefined;
  }

  /** The public key that a trustee signs its steps with; undefined before its first one. */
  signer(trustee: number): Point | undefined {
    return this.#signers.get(trustee);
  }

  /** Whether a trustee has done all that it has to. */
  isDone(trustee: number): boolean {
    const done = this.#taken.get(trustee);
    return done?.has('key') === true || done?.has('share') === true;
  }

  /** What a member's steps need: its index and the group's shape, and what came from all so far. */
  member(trustee: number): {
    readonly index: number;
    readonly shape: CeremonyDesk['shape'];
    readonly certificates: readonly string[] | undefined;
    readonly vinput: string | undefined;
    /** Its share, encrypted for itself, and the public key that belongs to it, once all is done. */
    readonly encryptedShare: string | undefined;
    readonly publicKey: Point | undefined;
  } {
    const desk = this.#memberDesk();
    const index = this.#index(trustee);
    return {
      index,
      shape: desk.shape,
      certificates: desk.certificates,
      vinput: desk.vinput(index),
      encryptedShare: desk.encryptedShares?.[index - 1],
      publicKey: desk.trustee?.parameters.verificationKeys[index - 1]?.publicKey,
    };
  }

  /** The trustees' text once every step is done; undefined before, and after an end. */
  get trustees(): string | undefined {
    const list = this.#trusteeList();
    return list && encodeTrustees(list);
  }

  #trusteeList(): readonly Trustee[] | undefined {
    if (this.#ended !== undefined || this.#keys.size < this.#singles) return undefined;
    const singles = this.#start.trustees.slice(0, this.#singles).flatMap((_, at): Trustee[] => {
      const key = this.#keys.get(at + 1);
      return key === undefined ? [] : [{ kind: 'Single', key }];
    });
    if (this.#desk === undefined) return singles;
    const group = this.#desk.trustee;
    return group === undefined ? undefined : [...singles, group];
  }

  /** With the last step: what all keys together must not be (`readTrustees`) is nobody's fault alone, and ends the ceremony. */
  #judgeAll(): void {
    const text = this.trustees;
    const read = text === undefined ? undefined : readTrustees(text);
    if (text === undefined || read?.ok !== false) return;
    this.#ended = {
      offence: 'same-key',
      accused: [],
      proven: 'delivery',
      reason: read.error,
      evidence: [text],
    };
  }

  #takeKey({ trustee, text }: CeremonyStep): Result<void, Fault> {
    const refuse = (offence: Fault['offence'], reason: string, accused = [trustee]) =>
      fault(offence, accused, 'signature', reason, [text]);
    const read = decodePublicKeyFile(text);
    if (!read.ok) return refuse('malformed', `the key can't be read: ${problemText(read.error)}`);
    const key = read.value;
    if (group.isIdentity(key.publicKey)) return refuse('neutral-key', 'the key is the neutral element');
    if (!verifyTrustees([{ kind: 'Single', key }]).ok)
      return refuse('wrong-proof', 'the proof of knowing the secret key does not hold');
    const misnamed = this.#misnamed(trustee, key.name);
    if (misnamed !== undefined) return refuse('malformed', misnamed);
    for (const [other, { publicKey }] of this.#keys)
      if (equalBytes(publicKey, key.publicKey))
        return refuse('same-key', 'two trustees have one key', [other, trustee]);
    this.#keys.set(trustee, key);
    this.#judgeAll();
    return ok(undefined);
  }

  #takeMember({ kind, trustee, text }: CeremonyStep): Result<void, Fault> {
    const desk = this.#memberDesk();
    const index = this.#index(trustee);
    switch (kind) {
      case 'certificate':
        return this.#numbered(desk.takeCertificate(index, text));
      case 'polynomial':
        return this.#numbered(desk.takePolynomial(index, text));
      case 'share': {
        const named = this.#misnamedShare(trustee, text);
        if (named !== undefined) return fault('malformed', [trustee], 'delivery', named, [text]);
        const taken = this.#numbered(desk.takeVoutput(index, text));
        if (taken.ok) this.#judgeAll();
        return taken;
      }
      case 'complaint': {
        const judged = desk.takeComplaint(index, text);
        return judged.ok ? this.#end(judged.value.fault) : this.#numbered(judged);
      }
      case 'key':
        throw new RangeError('a member has no key of its own');
    }
  }

  /** What ended the ceremony was itself taken: it belongs to the record. */
  #end(found: Fault): Result<void, Fault> {
    this.#ended = this.byNumber(found);
    return ok(undefined);
  }

  #signerOf({ kind, trustee, text }: CeremonyStep): Result<Point, Fault> {
    const known = this.#signers.get(trustee);
    if (known !== undefined) return ok(known);
    // Nobody is accused of what nobody signed.
    const refuse = (offence: Fault['offence'], reason: string) =>
      fault(offence, [], 'delivery', reason, [text]);
    if (kind === 'key') {
      const read = decodePublicKeyFile(text);
      return read.ok
        ? ok(read.value.publicKey)
        : refuse('malformed', `the key can't be read: ${problemText(read.error)}`);
    }
    if (kind !== 'certificate') return refuse('out-of-order', 'a step before the trustee’s certificate');
    const signed = signedMessageText.decode(text);
    const keys = signed.ok ? decodeCertificateKeys(signed.value.message) : signed;
    return keys.ok
      ? ok(keys.value.verification)
      : refuse('malformed', `the certificate can't be read: ${problemText(keys.error)}`);
  }

  #misnamed(trustee: number, name: string | undefined): string | undefined {
    return name === undefined || name === this.#start.trustees[trustee - 1]?.name
      ? undefined
      : 'the key goes by another name than the invitation';
  }

  #misnamedShare(trustee: number, text: string): string | undefined {
    const read = voutputText.decode(text);
    return read.ok ? this.#misnamed(trustee, read.value.publicKey.name) : undefined;
  }

  #numbered(result: Result<unknown, Fault>): Result<void, Fault> {
    return result.ok ? ok(undefined) : err(this.byNumber(result.error));
  }

  /** A fault of the group's own terms, its accused by number. */
  byNumber(found: Fault): Fault {
    return { ...found, accused: found.accused.map((index) => index + this.#singles) };
  }

  #index(trustee: number): number {
    return trustee - this.#singles;
  }

  #memberDesk(): CeremonyDesk {
    if (this.#desk === undefined) throw new RangeError('the ceremony has no members');
    return this.#desk;
  }
}

/** The record of a ceremony as far as its steps are sound, and the first step that is not. */
export function recordOf(
  start: StartedCeremony,
  steps: readonly CeremonyStep[],
): { readonly record: CeremonyRecord; readonly fault: Fault | undefined } {
  const record = new CeremonyRecord(start);
  for (const step of steps) {
    const taken = record.take(step);
    if (!taken.ok) return { record, fault: taken.error };
  }
  return { record, fault: undefined };
}
