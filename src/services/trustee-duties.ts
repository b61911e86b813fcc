import type { AuditReport } from '../audit/report.ts';
import { refused } from '../base/errors.ts';
import type { Fault } from '../belenios/v1/ceremony/fault.ts';
import { Participant } from '../belenios/v1/ceremony/participant.ts';
import type { CeremonyRecord } from '../belenios/v1/ceremony/record.ts';
import type { Random } from '../belenios/v1/proofs.ts';
import { proveReadiness } from '../belenios/v1/readiness.ts';
import type { SealedRound, SoundTrustees } from '../belenios/v1/sealed-round.ts';
import { equalBytes } from '../base/bytes.ts';
import { invitationHash } from '../crypto/invitation.ts';
import { type Scalar, group } from '../crypto/group/group.ts';
import { scalarOfSeed } from '../crypto/group/seed.ts';
import type { CeremonyStep, TallyEntry } from '../election/entries.ts';
import type { TrusteeMessage } from '../election/trustee-messages.ts';

/** What a trustee's program knows besides the log. */
export interface TrusteeSelf {
  /** Of the trustee's key, 32 bytes. */
  readonly seed: Uint8Array;
  /** The invitation's code in the form of `normaliseSecret`, where it is at hand. */
  readonly invitation: string | undefined;
  /** Steps that were made before, and may have been given to somebody. */
  readonly made: readonly { readonly ceremony: string; readonly step: CeremonyStep }[];
}

/** A sum that a trustee is asked to decrypt. */
export interface ToDecrypt {
  readonly round: number;
  readonly sealed: SealedRound;
  readonly tally: TallyEntry;
  readonly trustees: SoundTrustees;
  readonly own: OwnShare;
}

/** A trustee's number, from 1, and what it decrypts with. */
export interface OwnShare {
  readonly trustee: number;
  readonly secret: Scalar;
}

/** What a log asks of a trustee. */
export type Duty =
  | {
      readonly kind: 'step';
      readonly message: Extract<TrusteeMessage, { kind: 'step' }>;
      /** Whether it was made now, and has to be kept before it is given to anybody. */
      readonly isNew: boolean;
    }
  | { readonly kind: 'readiness'; readonly message: Extract<TrusteeMessage, { kind: 'readiness' }> }
  | { readonly kind: 'decrypt'; readonly what: ToDecrypt }
  /** Nothing now; `why` in words, without a full stop. */
  | { readonly kind: 'wait'; readonly why: string };

/**
 * What a log, audited and found valid, asks of the trustee with this key. Throws `not-invited` and `invitation-needed` where the key has no part in
 * it, `not-a-trustee` where others became trustees, and `ceremony-fault`, with names, where what the others sent can't be used.
 */
export function dutyOf(report: AuditReport, self: TrusteeSelf, random: Random): Duty {
  const { ceremony, trustees } = report;
  const isMaking = ceremony !== undefined && ceremony.record.trustees === undefined;
  if (isMaking) return ceremonyDuty(ceremony, self, random);
  if (trustees === undefined) return { kind: 'wait', why: 'the organiser has not invited trustees yet' };
  const own = shareOf(report, trustees, self.seed);
  return (
    decryptDuty(report, trustees, own) ??
    readinessDuty(report, own, random) ?? { kind: 'wait', why: whyNothing(report) }
  );
}

function ceremonyDuty(
  { record, cid }: NonNullable<AuditReport['ceremony']>,
  self: TrusteeSelf,
  random: Random,
): Duty {
  if (record.ended !== undefined)
    return {
      kind: 'wait',
      why: `the key ceremony has failed (${record.ended.reason}), and the organiser has to begin it anew`,
    };
  const participant = new Participant(self.seed, cid, record);
  const trustee = participant.number ?? invitedAs(record, self.invitation);
  if (record.due(trustee) === undefined)
    return {
      kind: 'wait',
      why: record.isDone(trustee) ? 'the other trustees have steps left' : 'the other trustees come first',
    };
  const { ceremony } = record;
  const before = self.made.find(
    (one) =>
      one.ceremony === ceremony &&
      (one.step.kind === record.due(trustee) ||
        (one.step.kind === 'complaint' && record.due(trustee) === 'share')),
  );
  const step = before?.step ?? newStep(participant, record, trustee, random);
  if (before === undefined && step.kind === 'complaint') expectOwnSteps(self, ceremony);
  const isFirst = step.kind === 'key' || step.kind === 'certificate';
  const invitation = isFirst ? (self.invitation ?? null) : null;
  return { kind: 'step', message: { kind: 'step', ceremony, step, invitation }, isNew: before === undefined };
}

function newStep(
  participant: Participant,
  record: CeremonyRecord,
  trustee: number,
  random: Random,
): CeremonyStep {
  const made = participant.step(trustee, random);
  if (!made.ok) throw ceremonyFault(record, made.error);
  if (made.value === undefined) throw new Error('a step that was due is not');
  return made.value;
}

/** A key that was put back from a copy may have given a share already, which a complaint could reveal. Throws `ceremony-fault`. */
function expectOwnSteps({ made }: TrusteeSelf, ceremony: string): void {
  if (made.some((one) => one.ceremony === ceremony && one.step.kind === 'polynomial')) return;
  throw refused(
    'ceremony-fault',
    'What another trustee sent is wrong, and this key does not know what it gave in this ceremony before.',
    {
      hint: 'It was put back from a copy. Tell the organiser and the other trustees: the ceremony has to begin anew.',
    },
  );
}

function ceremonyFault({ invited }: CeremonyRecord, faults: readonly Fault[]): Error {
  const accused = [...new Set(faults.flatMap((one) => one.accused))];
  const names = accused.map((number) => invited[number - 1]?.name ?? `trustee ${number}`).join(', ');
  const reasons = [...new Set(faults.map(({ reason }) => reason))].join('; ');
  return refused(
    'ceremony-fault',
    accused.length === 0
      ? `The log holds something that this key can't go on with: ${reasons}.`
      : `What ${names} sent can't be used: ${reasons}.`,
    { hint: 'Tell the organiser and the other trustees. Nothing was sent; the ceremony has to begin anew.' },
  );
}

function invitedAs(record: CeremonyRecord, code: string | undefined): number {
  if (code === undefined) {
    throw refused('invitation-needed', 'This key has no part in the key ceremony yet.', {
      hint: 'Give the code of your invitation: --invitation-file FILE. If the ceremony was begun anew, ask the organiser for the new one.',
    });
  }
  const hash = invitationHash(code);
  const at = record.invited.findIndex(({ invitation }) => equalBytes(invitation, hash));
  if (at === -1) {
    throw refused('not-invited', 'The invitation code is none of this key ceremony.', {
      hint: 'It may be of another election, or of a ceremony that was begun anew: ask the organiser for a new invitation.',
    });
  }
  if (record.due(at + 1) !== 'key' && record.due(at + 1) !== 'certificate') {
    throw refused('invitation-used', 'Somebody has used this invitation already, with another key.', {
      hint: 'Was it you, on another computer or with another key file? If not, tell the organiser at once: somebody took your place.',
    });
  }
  return at + 1;
}

/** A trustee's number and secret, by the seed of its key. Throws `not-a-trustee` and `unusable-share`. */
export function shareOf(
  { ceremony }: Pick<AuditReport, 'ceremony'>,
  { keys }: SoundTrustees,
  seed: Uint8Array,
): OwnShare {
  if (ceremony !== undefined) {
    const participant = new Participant(seed, ceremony.cid, ceremony.record);
    const { number } = participant;
    const secret = number === undefined ? undefined : participant.secret(number);
    if (secret?.ok === false) throw refused('unusable-share', `Your share can't be used: ${secret.error}.`);
    if (number !== undefined && secret !== undefined) return { trustee: number, secret: secret.value };
  }
  const secret = scalarOfSeed(seed);
  const at = keys.findIndex((key) => equalBytes(key, group.multiplyBase(secret)));
  if (at !== -1) return { trustee: at + 1, secret };
  throw refused('not-a-trustee', 'The key is not that of a trustee of this election.', {
    hint: 'Check that this is the key file that you joined this election with.',
  });
}

function decryptDuty(report: AuditReport, trustees: SoundTrustees, own: OwnShare): Duty | undefined {
  const last = report.rounds.at(-1);
  if (last?.sealed?.tally === undefined || last.published) return undefined;
  const { round: sealed, tally, given } = last.sealed;
  if (given.has(own.trustee)) return undefined;
  return { kind: 'decrypt', what: { round: last.round.round, sealed, tally, trustees, own } };
}

function readinessDuty(
  { call, election }: AuditReport,
  { trustee, secret }: OwnShare,
  random: Random,
): Duty | undefined {
  if (call === undefined || election === undefined) return undefined;
  if (call.answers.some((one) => one.trustee === trustee)) return undefined;
  const question = { electionId: election.id, call: call.cid.toString(), trustee };
  const proof = proveReadiness(question, secret, random);
  return { kind: 'readiness', message: { kind: 'readiness', trustee, call: question.call, proof } };
}

function whyNothing({ rounds }: AuditReport): string {
  const last = rounds.at(-1);
  if (last === undefined) return 'no round is open yet';
  if (!last.closed) return `round ${last.round.round} is open`;
  return last.published
    ? `round ${last.round.round} is counted`
    : `round ${last.round.round} waits for other trustees`;
}
