import type { AuditReport } from '../../audit/report.ts';
import { PsephosError } from '../../base/errors.ts';
import { decryptWith } from '../../services/decrypting.ts';
import { platformRandom } from '../../services/platform-random.ts';
import { type Duty, dutyOf } from '../../services/trustee-duties.ts';
import type { TrusteeMessage } from '../../election/trustee-messages.ts';
import { noteDecryptedSum } from '../../store/decrypted-sums.ts';
import type { KeyPair } from '../../store/key-files.ts';
import { type NotedKey, readNotes, writeNotes } from '../../store/trustee-notes.ts';
import type { Io } from '../io.ts';
import type { Console } from '../console.ts';
import { type OwnKey, askInvitation } from './take-up-key.ts';
import { concernsOfSum, refuseIfRevealing } from './small-groups.ts';

export interface Performing {
  readonly keyPath: string;
  readonly key: KeyPair;
  readonly invitation: string | undefined;
  /** Whether to decrypt although the result shows how single voters voted. */
  readonly reveal: boolean;
  /** Told what the result will show of single voters. */
  readonly warn: (text: string) => void;
}

/** Whoever took up a key, as far as `perform` needs it. */
export function performingWith(
  own: OwnKey,
  { reveal = false }: { readonly reveal?: boolean },
  out: Console,
): Performing {
  return {
    keyPath: own.path,
    key: own.key,
    invitation: own.invitation,
    reveal,
    warn: (text) => {
      out.note(text);
    },
  };
}

/** What a trustee's program makes of an audited log: a message to hand in, or that there is nothing to do. */
export type Performed =
  { readonly kind: 'message'; readonly message: TrusteeMessage } | Extract<Duty, { kind: 'wait' }>;

/**
 * Does what the log asks of a trustee, once: what must not be done twice is kept beside the key before it is handed to anybody. Throws as `dutyOf`,
 * `noteDecryptedSum` and `refuseIfRevealing`, and the file system's refusal.
 */
export async function perform(report: AuditReport, self: Performing): Promise<Performed> {
  const { keyPath, key, invitation } = self;
  const notes = await readNotes({ path: keyPath, publicKey: key.publicKey });
  const duty = dutyOf(report, { seed: key.seed, invitation, made: notes.steps }, platformRandom);
  const electionId = report.election?.id;
  if (report.checkpoint !== undefined && electionId !== undefined) {
    const steps =
      duty.kind === 'step' && duty.isNew
        ? [...notes.steps, { ceremony: duty.message.ceremony, step: duty.message.step }]
        : notes.steps;
    await writeNotes(
      { path: keyPath, publicKey: key.publicKey },
      {
        steps,
        checkpoints: { ...notes.checkpoints, [electionId]: report.checkpoint.text },
      },
    );
  }
  switch (duty.kind) {
    case 'wait':
      return duty;
    case 'step':
    case 'readiness':
      return { kind: 'message', message: duty.message };
    case 'decrypt': {
      const concerns = concernsOfSum(report);
      const { round, sealed, tally, trustees, own } = duty.what;
      if (!self.reveal) refuseIfRevealing(report, concerns);
      for (const { message } of concerns) self.warn(`WARNING: ${message}\n`);
      await noteDecryptedSum(
        { path: keyPath, publicKey: key.publicKey },
        sealed.election.uuid,
        tally.encryptedTally,
      );
      const { trustee, secret } = own;
      const given = decryptWith(secret, trustees, sealed, tally, platformRandom, trustee);
      return { kind: 'message', message: { kind: 'decryption', round, ...given } };
    }
  }
}

/** As `perform`; who has no part in a ceremony yet is asked for an invitation at the terminal. Throws as `perform`. */
export async function performAsking(report: AuditReport, self: Performing, io: Io): Promise<Performed> {
  try {
    return await perform(report, self);
  } catch (error) {
    if (!(error instanceof PsephosError && error.code === 'invitation-needed')) throw error;
    const invitation = await askInvitation(io);
    if (invitation === undefined) throw error;
    return perform(report, { ...self, invitation });
  }
}

/** The checkpoints that an audit of this election must continue: what this key saw before. */
export async function knownCheckpoints(key: NotedKey, electionId: string | undefined): Promise<string[]> {
  const { checkpoints } = await readNotes(key);
  const known = electionId === undefined ? undefined : checkpoints[electionId];
  return known === undefined ? [] : [known];
}
