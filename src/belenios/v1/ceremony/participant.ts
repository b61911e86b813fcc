import { concatBytes, equalBytes, utf8ToBytes } from '../../../base/bytes.ts';
import { type Result, err, ok } from '../../../base/result.ts';
import { type Scalar, group } from '../../../crypto/group/group.ts';
import { scalarOfSeed } from '../../../crypto/group/seed.ts';
import { sha256 } from '../../../crypto/hash.ts';
import { stepRandomInput } from '../../../crypto/transcript.ts';
import type { CeremonyStep, TrusteeStep } from '../../../election/entries.ts';
import { encodePublicKeyFile } from '../encoding/key-files.ts';
import type { Random } from '../proofs.ts';
import { type MemberSecrets, memberSecrets } from '../signed-message.ts';
import { trusteePublicKey } from '../trustees.ts';
import { complain } from './complaint.ts';
import type { Fault } from './fault.ts';
import type { CeremonyRecord } from './record.ts';
import { ceremonySeed } from './seed.ts';
import { signStep } from './step-signature.ts';
import { type Seat, fifthStep, firstStep, openShare, thirdStep } from './trustee.ts';

const HASH_BYTES = 32;

/** A trustee's own part in a ceremony of an election of ours. All that it has to keep is the 32-byte seed of its key. */
export class Participant {
  readonly #seed: Uint8Array;
  readonly #cid: Uint8Array;
  readonly #record: CeremonyRecord;

  /** `cid` are the bytes of the CID of the ceremony's start. */
  constructor(seed: Uint8Array, cid: Uint8Array, record: CeremonyRecord) {
    this.#seed = seed;
    this.#cid = cid;
    this.#record = record;
  }

  /** The number of the trustee whose first step was signed with this key; undefined before there was one. */
  get number(): number | undefined {
    const own = [scalarOfSeed(this.#seed), this.#secrets().signing].map((key) => group.multiplyBase(key));
    const at = this.#record.invited.findIndex((_, index) => {
      const signer = this.#record.signer(index + 1);
      return signer !== undefined && own.some((key) => equalBytes(key, signer));
    });
    return at === -1 ? undefined : at + 1;
  }

  /**
   * The step that is due of the trustee with this number, or undefined. What is wrong with what the others sent is answered with a complaint
   * where that can show it; else the error has it. What is random in a text follows from the key, the ceremony and what the step answers to, so that
   * a step made again, by a copy of the key, has the same text. But a copy does not know whether a share was given already: only who
   * keeps its steps may give a complaint.
   */
  step(trustee: number, random: Random): Result<CeremonyStep | undefined, readonly Fault[]> {
    const due = this.#record.due(trustee);
    if (due === undefined) return ok(undefined);
    const own = this.#randomFor(due);
    const made =
      due === 'key'
        ? ok({ kind: due, text: this.#key(trustee, own) } as const)
        : this.#memberStep(trustee, due, own);
    if (!made.ok) return err(made.error.map((one) => this.#record.byNumber(one)));
    const signing = due === 'key' ? scalarOfSeed(this.#seed) : this.#secrets().signing;
    return ok(signStep(this.#record.signedIn(made.value.kind), { trustee, ...made.value }, signing, random));
  }

  /** What the trustee with this number decrypts with, once the ceremony is done. The error says why it has nothing, and has nothing of it. */
  secret(trustee: number): Result<Scalar, string> {
    if (this.#record.invited[trustee - 1]?.role === 'single') return ok(scalarOfSeed(this.#seed));
    const { encryptedShare, publicKey } = this.#record.member(trustee);
    if (encryptedShare === undefined || publicKey === undefined) return err('the ceremony is not done');
    return openShare(this.#secrets(), encryptedShare, publicKey);
  }

  #key(trustee: number, random: Random): string {
    const name = this.#record.invited[trustee - 1]?.name;
    return encodePublicKeyFile(trusteePublicKey(scalarOfSeed(this.#seed), random, name)).trimEnd();
  }

  #memberStep(
    trustee: number,
    due: 'certificate' | 'polynomial' | 'share',
    random: Random,
  ): Result<{ readonly kind: TrusteeStep; readonly text: string }, readonly Fault[]> {
    const { index, shape, certificates = [], vinput = '' } = this.#record.member(trustee);
    const seat: Seat = { secrets: this.#secrets(), shape, index };
    if (due === 'certificate') return ok({ kind: due, text: firstStep(seat, random) });
    if (due === 'polynomial') {
      const made = thirdStep(seat, certificates, random);
      return made.ok ? ok({ kind: due, text: made.value }) : err([made.error]);
    }
    const name = this.#record.invited[trustee - 1]?.name;
    const made = fifthStep(seat, certificates, vinput, random, name);
    if (made.ok) return ok({ kind: due, text: made.value });
    const complaint = this.#complaint(seat, certificates, vinput, made.error, random);
    return complaint === undefined ? made : ok({ kind: 'complaint', text: complaint });
  }

  #complaint(
    seat: Seat,
    certificates: readonly string[],
    vinput: string,
    faults: readonly Fault[],
    random: Random,
  ): string | undefined {
    for (const sender of faults.flatMap(({ accused }) => accused)) {
      const made = complain(seat, certificates, vinput, sender, random);
      if (made.ok) return made.value;
    }
    return undefined;
  }

  /** A stream for one step that follows from the seed, the ceremony and what the step answers to: the same step again is the same text, and no other. */
  #randomFor(kind: TrusteeStep): Random {
    const { answers } = this.#record.signedIn(kind);
    const input = sha256(utf8ToBytes(`${kind}|${answers.join('|')}`));
    let counter = 0;
    return (length) => {
      const blocks = Math.ceil(length / HASH_BYTES);
      const stream = concatBytes(
        ...Array.from({ length: blocks }, () =>
          sha256(stepRandomInput(this.#seed, this.#cid, input, counter++)),
        ),
      );
      return stream.subarray(0, length);
    };
  }

  #secrets(): MemberSecrets {
    const secrets = memberSecrets(ceremonySeed(this.#seed, this.#cid));
    if (!secrets.ok) throw new Error('a derived seed of the wrong form');
    return secrets.value;
  }
}
