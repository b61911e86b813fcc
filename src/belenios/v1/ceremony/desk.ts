import { type Result, err, ok } from '../../../base/result.ts';
import type { Point } from '../../../crypto/group/group.ts';
import { signedMessageText } from '../encoding/ceremony.ts';
import type { ThresholdParameters, Trustee } from '../messages.ts';
import {
  type Certificate,
  type Certificates,
  type Shape,
  checkCertificate,
  checkDistinct,
} from './certificates.ts';
import { type Judgement, judgeComplaint } from './complaint.ts';
import { type Fault, fault } from './fault.ts';
import {
  type SoundPolynomial,
  checkPolynomial,
  verificationKeysOf,
  vinputsOf,
  weaknessOf,
} from './polynomials.ts';
import { type SoundVoutput, checkVoutput } from './voutputs.ts';

/**
 * The server of a ceremony (specification, section 3.1.1): takes the trustees' messages, each checked as it arrives, and passes on what the
 * next step needs. It has no secrets and no randomness: what was taken, taken again in the same order, gives the same desk after a
 * restart. A message that was refused leaves no trace, so that a trustee can send a better one.
 *
 * Methods throw RangeError for an index that is no trustee's: who sends is for the caller to know.
 */
export class CeremonyDesk {
  readonly shape: Shape;
  readonly #certificates = new Map<number, Certificate>();
  readonly #polynomials = new Map<number, SoundPolynomial>();
  readonly #voutputs = new Map<number, SoundVoutput>();
  #keys: readonly Point[] | undefined;
  #weak: Fault | undefined;
  #ended: Fault | undefined;

  constructor(shape: Shape) {
    this.shape = shape;
  }

  /** Why the ceremony can't go on: somebody complained. All has to begin anew, with new seeds. */
  get ended(): Fault | undefined {
    return this.#ended;
  }

  /** What the polynomials together are: too weak to go on with. Who is to blame shows when the trustees look at their secrets. */
  get weak(): Fault | undefined {
    return this.#weak;
  }

  /** Steps 1 and 2: takes a certificate (4.6.2). */
  takeCertificate(index: number, text: string): Result<void, Fault> {
    const due = this.#due(index, 'certificate', text, true);
    if (!due.ok) return due;
    const earlier = this.#certificates.get(index);
    if (earlier !== undefined) return again(index, signedMessageText.encode(earlier.signed), text);
    const checked = checkCertificate(this.shape, index, text);
    if (!checked.ok) return checked;
    const distinct = checkDistinct(new Map(this.#certificates).set(index, checked.value));
    if (!distinct.ok) return distinct;
    this.#certificates.set(index, checked.value);
    return ok(undefined);
  }

  /** All certificates for the trustees' step 3, by index; undefined until the last one is here. */
  get certificates(): readonly string[] | undefined {
    return this.#sound()?.all.map(({ signed }) => signedMessageText.encode(signed));
  }

  /** Step 3: takes a polynomial message (4.6.4). */
  takePolynomial(index: number, text: string): Result<void, Fault> {
    const certificates = this.#sound();
    const due = this.#due(index, 'polynomial', text, certificates !== undefined);
    if (!due.ok) return due;
    if (certificates === undefined) throw new RangeError('a polynomial is due only after all certificates');
    const earlier = this.#polynomials.get(index);
    if (earlier?.text === text) return ok(undefined);
    const checked = checkPolynomial(certificates, index, text);
    if (!checked.ok) return checked;
    if (earlier !== undefined) {
      const same = earlier.message.coefexps.message === checked.value.message.coefexps.message;
      return same
        ? again(index, earlier.text, text)
        : fault('two-polynomials', [index], 'signature', 'two lists of coefexps are signed by the trustee', [
            earlier.text,
            text,
          ]);
    }
    this.#polynomials.set(index, checked.value);
    return this.#polynomials.size === this.shape.size ? this.#makeKeys() : ok(undefined);
  }

  /** Step 4: what a trustee needs for its step 5 (4.6.5); undefined until the last polynomial is here, and after the end. */
  vinput(index: number): string | undefined {
    this.#checkIndex(index);
    return this.#keys === undefined || this.#ended !== undefined
      ? undefined
      : vinputsOf(inOrder(this.#polynomials, this.shape))[index - 1];
  }

  /** Step 5: takes a voutput (4.6.6). */
  takeVoutput(index: number, text: string): Result<void, Fault> {
    const certificates = this.#sound();
    const due = this.#due(index, 'voutput', text, this.#keys !== undefined);
    if (!due.ok) return due;
    const expected = this.#keys?.[index - 1];
    if (certificates === undefined || expected === undefined)
      throw new RangeError('a voutput is due only after all polynomials');
    if (this.#weak !== undefined) return err(this.#weak);
    const earlier = this.#voutputs.get(index);
    if (earlier !== undefined) return again(index, earlier.text, text);
    const checked = checkVoutput(certificates, index, expected, text);
    if (!checked.ok) return checked;
    this.#voutputs.set(index, checked.value);
    return ok(undefined);
  }

  /** Takes a complaint instead of a voutput, from who has sent none. A complaint that its author signed ends the ceremony, whoever is right. */
  takeComplaint(index: number, text: string): Result<Judgement, Fault> {
    const certificates = this.#sound();
    const due = this.#due(index, 'complaint', text, this.#keys !== undefined && !this.#voutputs.has(index));
    if (!due.ok) return due;
    if (certificates === undefined) throw new RangeError('a complaint is due only after all polynomials');
    const judgement = judgeComplaint(certificates, this.#polynomials, index, text);
    const { offence } = judgement.fault;
    if (offence === 'malformed' || offence === 'other-certificates') return err(judgement.fault);
    this.#ended = judgement.fault;
    return ok(judgement);
  }

  /** Step 6: the group as an election has it (4.6.7); undefined until the last voutput is here, and after the end. */
  get trustee(): (Trustee & { readonly kind: 'Pedersen' }) | undefined {
    if (this.#voutputs.size < this.shape.size || this.#ended !== undefined) return undefined;
    const polynomials = inOrder(this.#polynomials, this.shape);
    const parameters: ThresholdParameters = {
      threshold: this.shape.threshold,
      certs: inOrder(this.#certificates, this.shape).map(({ signed }) => signed),
      coefexps: polynomials.map(({ message }) => message.coefexps),
      signatures: polynomials.map(({ message }) => message.signature),
      verificationKeys: inOrder(this.#voutputs, this.shape).map(({ message }) => message.publicKey),
    };
    return { kind: 'Pedersen', parameters };
  }

  /** What each trustee encrypted for itself, by index, to be given back to it for the decryption; undefined as long as `trustee` is. */
  get encryptedShares(): readonly string[] | undefined {
    return this.trustee === undefined
      ? undefined
      : inOrder(this.#voutputs, this.shape).map(({ message }) => message.privateKey);
  }

  #sound(): Certificates | undefined {
    return this.#certificates.size === this.shape.size
      ? { shape: this.shape, all: inOrder(this.#certificates, this.shape) }
      : undefined;
  }

  #makeKeys(): Result<void, Fault> {
    const polynomials = inOrder(this.#polynomials, this.shape);
    const keys = verificationKeysOf(
      this.shape,
      polynomials.map(({ coefexps }) => coefexps),
    );
    this.#keys = keys;
    this.#weak = weaknessOf(
      this.shape,
      keys,
      polynomials.map(({ text }) => text),
    );
    return ok(undefined);
  }

  #due(index: number, what: string, text: string, now: boolean): Result<void, Fault> {
    this.#checkIndex(index);
    const reason =
      this.#ended === undefined ? `a ${what} is not due` : `a ${what} after the end of the ceremony`;
    return now && this.#ended === undefined
      ? ok(undefined)
      : fault('out-of-order', [index], 'delivery', reason, [text]);
  }

  #checkIndex(index: number): void {
    if (!Number.isInteger(index) || index < 1 || index > this.shape.size)
      throw new RangeError(`there is no trustee ${index}`);
  }
}

/** The same message again is the first one again; another one in its place is a fault. */
function again(index: number, earlier: string, text: string): Result<void, Fault> {
  return earlier === text
    ? ok(undefined)
    : fault('second-message', [index], 'delivery', 'another message came before', [earlier, text]);
}

function inOrder<T>(messages: ReadonlyMap<number, T>, { size }: Shape): T[] {
  return Array.from({ length: size }, (_, at) => messages.get(at + 1)).filter((one) => one !== undefined);
}
