import type { AuditReport, AuditedRound } from '../../audit/report.ts';
import { refused } from '../../base/errors.ts';
import type { SealedRound, SoundTrustees } from '../../belenios/v1/sealed-round.ts';
import type { TallyEntry } from '../../election/entries.ts';
import { decryptWith } from '../../services/decrypting.ts';
import { platformRandom } from '../../services/platform-random.ts';
import { noteDecryptedSum } from '../../store/decrypted-sums.ts';
import { writeDecryptionFile } from '../../store/decryption-files.ts';
import { shareOf } from '../../services/trustee-duties.ts';
import type { Console } from '../console.ts';
import type { Io } from '../io.ts';
import { quotePath } from '../program-line.ts';
import { printable } from '../printable.ts';
import { withKeyLock } from '../../store/key-lock.ts';
import type { KeyPair } from '../../store/key-files.ts';
import { auditFor } from './audit.ts';
import { type PassphraseFlags, openKey } from './passphrase.ts';
import { concernsOfSum, refuseIfRevealing } from './small-groups.ts';

export interface DecryptFlags extends PassphraseFlags {
  readonly key: string;
  readonly round?: number;
  readonly out?: string;
  readonly election?: string;
  readonly reveal?: true;
}

/**
 * Audits a log and decrypts what its sealed ballots add up to, with the trustee's key alone. Throws `invalid` for a log that is not valid,
 * `nothing-to-decrypt`, `not-a-trustee`, `small-group`, `another-sum` where the key decrypted another sum of this round before, and what reading the log and the key file throw.
 */
export async function decrypt(name: string, flags: DecryptFlags, io: Io, out: Console): Promise<void> {
  const key = await openKey(flags.key, flags, io);
  await withKeyLock(flags.key, () => decryptWithKey(key, name, flags, io, out));
}

async function decryptWithKey(
  { seed, publicKey }: KeyPair,
  name: string,
  flags: DecryptFlags,
  io: Io,
  out: Console,
): Promise<void> {
  const report = await auditFor({ path: flags.key, publicKey }, name, flags, io, out);
  const { round, sealed, tally } = roundToDecrypt(report, flags.round);
  const { trustee, secret } = shareOf(report, trusteesOf(report), seed);
  const concerns = concernsOfSum(
    report,
    report.rounds.find((one) => one.round.round === round),
  );
  if (flags.reveal !== true) refuseIfRevealing(report, concerns);
  for (const { message } of concerns) out.note(`WARNING: ${message}\n`);
  await noteDecryptedSum({ path: flags.key, publicKey }, sealed.election.uuid, tally.encryptedTally);
  const given = decryptWith(secret, trusteesOf(report), sealed, tally, platformRandom, trustee);
  const file = flags.out ?? `decryption-round-${round}-trustee-${given.trustee}.json`;
  const electionId = report.election?.id ?? '';
  await writeDecryptionFile(file, { electionId, round, ...given });
  out.emit({
    event: 'decrypted',
    electionId,
    round,
    trustee: given.trustee,
    ballots: tally.numTallied,
    file,
  });
  out.say(
    `The log is valid: ${report.size} entries checked.\n` +
      `You are trustee ${given.trustee}. Your part of decrypting round ${round} of "${printable(report.election?.title ?? '')}", the sum of ${tally.numTallied} ${tally.numTallied === 1 ? "voter's ballot" : "voters' ballots"}, is in ${file}\n` +
      'Give that file to the organiser, who hands it in:\n\n' +
      `  node dist/admin.js count --decryption ${quotePath(file)}\n\n` +
      'Nothing in it is secret, and it opens nothing but the sum of all ballots.\n',
  );
}

interface ToDecrypt {
  readonly round: number;
  readonly sealed: SealedRound;
  readonly tally: TallyEntry;
}

function roundToDecrypt({ rounds }: AuditReport, wanted: number | undefined): ToDecrypt {
  const closed = rounds.filter((one) => one.sealed?.tally !== undefined);
  const chosen = wanted === undefined ? closed.at(-1) : closed.find(({ round }) => round.round === wanted);
  const { sealed } = chosen ?? {};
  if (chosen === undefined || sealed?.tally === undefined) throw nothingToDecrypt(rounds, wanted);
  return { round: chosen.round.round, sealed: sealed.round, tally: sealed.tally };
}

function nothingToDecrypt(rounds: readonly AuditedRound[], wanted: number | undefined): Error {
  const last = rounds.at(-1);
  const why =
    last === undefined
      ? 'no round was opened yet'
      : last.sealed === undefined
        ? 'its ballots are open'
        : wanted === undefined || wanted === last.round.round
          ? `round ${last.round.round} is still open`
          : `there is no closed round ${wanted}`;
  return refused('nothing-to-decrypt', `There is nothing to decrypt in this election: ${why}.`, {
    hint: 'Ballots are decrypted only as a sum, after their round was closed.',
  });
}

function trusteesOf({ trustees }: AuditReport): SoundTrustees {
  if (trustees === undefined) throw new Error('a tally in a log without trustees');
  return trustees;
}
