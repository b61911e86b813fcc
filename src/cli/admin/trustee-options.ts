import { type Command, Option } from 'commander';
import { unusable } from '../../base/errors.ts';
import { firstIssue, nameSchema } from '../../election/schemas.ts';
import { startProblems } from '../../election/trustee-steps.ts';
import { positiveNumber, collect } from '../program.ts';
import type { WishedTrustees } from './invitations.ts';

/** What the command line says of people who are to become trustees. */
export interface InviteOptions {
  readonly invite: readonly string[];
  readonly inviteSingle: readonly string[];
  readonly threshold?: number;
}

export interface UntestedOption {
  readonly untestedTrustees?: true;
}

/** Adds the options by which trustees are invited. */
export function addInviteOptions(command: Command): Command {
  return command
    .option(
      '--invite <name>',
      'invites somebody to be one of the trustees who make a key together; repeatable',
      collect,
      [],
    )
    .addOption(
      new Option(
        '--threshold <k>',
        'how many of them are needed to decrypt (default: more than half)',
      ).argParser(positiveNumber),
    )
    .option(
      '--invite-single <name>',
      'invites a trustee beside them, without whom nothing can be decrypted; repeatable',
      collect,
      [],
    );
}

export function untestedOption(): Option {
  return new Option(
    '--untested-trustees',
    'open although too few trustees have shown that they could decrypt',
  ).conflicts(['opens']);
}

/** Whom the options invite; undefined for nobody. Throws a usage error for names or a threshold that can't be. */
export function wishedTrustees({
  invite,
  inviteSingle,
  threshold,
}: InviteOptions): WishedTrustees | undefined {
  if (invite.length + inviteSingle.length === 0) {
    if (threshold === undefined) return undefined;
    throw unusable('usage', '--threshold says how many of those invited with --invite are needed.');
  }
  const wish = {
    singles: inviteSingle.map(tidyName),
    members: invite.map(tidyName),
    threshold: threshold ?? (invite.length === 0 ? 0 : Math.floor(invite.length / 2) + 1),
  };
  const invited = (role: 'single' | 'member') => (name: string) => ({
    name,
    role,
    invitation: new Uint8Array(32),
  });
  const [problem] = startProblems({
    threshold: wish.threshold,
    trustees: [...wish.singles.map(invited('single')), ...wish.members.map(invited('member'))],
  });
  if (problem !== undefined) throw unusable('usage', `The trustees can't be like that: ${problem}.`);
  return wish;
}

function tidyName(typed: string): string {
  const name = nameSchema.safeParse(typed.normalize('NFC').trim());
  if (!name.success) throw unusable('usage', `The trustee's name can't be used: ${firstIssue(name.error)}.`);
  return name.data;
}
