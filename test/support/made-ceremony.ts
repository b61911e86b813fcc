import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { CID } from 'multiformats/cid';
import { Participant } from '#src/belenios/v1/ceremony/participant.js';
import { CeremonyRecord } from '#src/belenios/v1/ceremony/record.js';
import { ceremonySeed } from '#src/belenios/v1/ceremony/seed.js';
import { thirdStep } from '#src/belenios/v1/ceremony/trustee.js';
import { memberSecrets } from '#src/belenios/v1/signed-message.js';
import { generateSecret } from '#src/crypto/credential.js';
import { cidFromDigest } from '#src/crypto/cid.js';
import { invitationHash } from '#src/crypto/invitation.js';
import type { CeremonyStart, CeremonyStep } from '#src/election/entries.js';
import { platformRandom } from '#src/services/platform-random.js';
import { valueOf } from './results.js';

/** People who are invited to a ceremony, and their codes in the same order. */
export interface Invited {
  readonly start: Pick<CeremonyStart, 'threshold' | 'trustees'>;
  readonly codes: readonly string[];
}

export const NAMES = ['Ana', 'Ben', 'Cleo', 'Dina', 'Eli'];

/** So many singles and members, with a name each. */
export function invited(singles: number, members: number, threshold: number): Invited {
  const codes: string[] = [];
  const trustees = Array.from({ length: singles + members }, (_, at) => {
    const code = generateSecret((length) => new Uint8Array(randomBytes(length)));
    codes.push(code);
    return {
      name: NAMES[at] ?? `Trustee ${at + 1}`,
      role: at < singles ? ('single' as const) : ('member' as const),
      invitation: invitationHash(code),
    };
  });
  return { start: { threshold, trustees }, codes };
}

/** The seed of a trustee's key in a test: not one that anybody uses. */
export const trusteeSeed = (trustee: number): Uint8Array =>
  new Uint8Array(createHash('sha256').update(`trustee of a test ${trustee}`).digest());

/** A ceremony that no log has, and those who take part in it. */
export class MadeCeremony {
  readonly cid: CID;
  readonly record: CeremonyRecord;
  readonly steps: CeremonyStep[] = [];

  /** Of a log's entry with this CID, or of none. */
  constructor({ start }: Pick<Invited, 'start'>, cid = cidFromDigest(new Uint8Array(randomBytes(32)))) {
    this.cid = cid;
    this.record = new CeremonyRecord({ ...start, ceremony: this.cid.toString() });
  }

  participant(trustee: number, seed = trusteeSeed(trustee)): Participant {
    return new Participant(seed, this.cid.bytes, this.record);
  }

  /** The step that a trustee makes now. */
  step(trustee: number): CeremonyStep {
    const step = valueOf(this.participant(trustee).step(trustee, platformRandom));
    assert.ok(step !== undefined, `trustee ${trustee} has nothing to do`);
    return step;
  }

  take(step: CeremonyStep): void {
    valueOf(this.record.take(step));
    this.steps.push(step);
  }

  /** Has everybody do what is due, up to and without `until`; all of it if not given. */
  run(until?: CeremonyStep['kind']): this {
    for (;;) {
      const due = this.record.invited.findIndex((_, at) => {
        const step = this.record.due(at + 1);
        return step !== undefined && step !== until;
      });
      if (due === -1) return this;
      this.take(this.step(due + 1));
    }
  }
}

/** A polynomial message of this trustee that is as good as its own, and another one: what no honest program makes. */
export function anotherPolynomial(
  { record, cid }: { readonly record: CeremonyRecord; readonly cid: CID },
  trustee: number,
  seed = trusteeSeed(trustee),
): string {
  const { shape, index, certificates = [] } = record.member(trustee);
  const secrets = valueOf(memberSecrets(ceremonySeed(seed, cid.bytes)));
  return valueOf(thirdStep({ secrets, shape, index }, certificates, platformRandom));
}
