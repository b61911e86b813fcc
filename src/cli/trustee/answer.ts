import type { Console } from '../console.ts';
import type { Io } from '../io.ts';
import { quotePath } from '../program-line.ts';
import { printable } from '../printable.ts';
import { writeTrusteeFile } from '../../store/trustee-files.ts';
import type { TrusteeMessage } from '../../election/trustee-messages.ts';
import { auditFor } from './audit.ts';
import { performAsking, performingWith } from './perform.ts';
import { type KeyFlags, type OwnKey, takeUpKey } from './take-up-key.ts';
import { withKeyLock } from '../../store/key-lock.ts';
import { reportTrusteesOf } from './trustees-report.ts';

export interface AnswerFlags extends KeyFlags {
  readonly out?: string;
  readonly election?: string;
  readonly reveal?: true;
}

/**
 * Does what a log asks of a trustee who is not connected, and writes it as a file for the organiser: what `join` does over the network. Throws as
 * `takeUpKey`, `auditOf` and `perform`.
 */
export async function answer(name: string, flags: AnswerFlags, io: Io, out: Console): Promise<void> {
  const own = await takeUpKey(flags, io, out);
  await withKeyLock(own.path, () => answerWith(own, name, flags, io, out));
}

async function answerWith(
  own: OwnKey,
  name: string,
  flags: AnswerFlags,
  io: Io,
  out: Console,
): Promise<void> {
  const report = await auditFor({ path: own.path, publicKey: own.key.publicKey }, name, flags, io, out);
  const electionId = report.election?.id ?? '';
  const self = performingWith(own, flags, out);
  const performed = await performAsking(report, self, io);
  if (performed.kind === 'wait') {
    out.emit({ event: 'waiting-for', why: performed.why });
    out.say(`Nothing to do: ${printable(performed.why)}.\n`);
    return;
  }
  const { message } = performed;
  const file = flags.out ?? fileNameOf(message);
  await writeTrusteeFile(file, { electionId, message });
  out.emit({ event: 'written', what: message.kind, electionId, file });
  if (message.kind === 'readiness') reportTrusteesOf(report, message.trustee, out);
  out.say(
    `The log is valid. Give the organiser this file, which is for nobody else: ${file}\n` +
      `who types:\n\n  node dist/admin.js trustees take ${quotePath(file)}\n\n` +
      'and then sends you the log as it is then, until there is nothing to do.\n',
  );
}

function fileNameOf(message: TrusteeMessage): string {
  return message.kind === 'step'
    ? `trustee-${message.step.trustee}-${message.step.kind}.json`
    : `trustee-${message.trustee}-${message.kind}.json`;
}
