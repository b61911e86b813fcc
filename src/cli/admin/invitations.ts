import { randomBytes } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { generateSecret } from '../../crypto/credential.ts';
import { invitationHash } from '../../crypto/invitation.ts';
import type { CeremonyStart, InvitedTrustee } from '../../election/entries.ts';
import { makeFolder, writeSecretFile } from '../../store/files.ts';

/** Where the invitations of trustees are, inside the data folder. */
export const INVITATIONS_FOLDER = 'invitations';

/** Whom an organiser wants as trustees. */
export interface WishedTrustees {
  /** Each of whom must decrypt. */
  readonly singles: readonly string[];
  /** Of whom `threshold` must decrypt. */
  readonly members: readonly string[];
  readonly threshold: number;
}

/** A ceremony to be started, and the codes that go with its invitations, in their order. */
export interface Invitations {
  readonly start: Pick<CeremonyStart, 'threshold' | 'trustees'>;
  readonly codes: readonly string[];
}

/** Makes an invitation code for each trustee. */
export function makeInvitations({ singles, members, threshold }: WishedTrustees): Invitations {
  const codes: string[] = [];
  const invite = (name: string, role: InvitedTrustee['role']): InvitedTrustee => {
    const code = generateSecret(randomBytes);
    codes.push(code);
    return { name, role, invitation: invitationHash(code) };
  };
  const trustees = [
    ...singles.map((name) => invite(name, 'single')),
    ...members.map((name) => invite(name, 'member')),
  ];
  return { start: { threshold, trustees }, codes };
}

/** Writes a file for each trustee, for the organiser alone to read; resolves to their names. */
export async function writeInvitations(dataFolder: string, invitations: Invitations): Promise<string[]> {
  return writeInto(join(dataFolder, INVITATIONS_FOLDER), invitations);
}

/**
 * The same, in the place of those of an earlier ceremony, around `begin`, which begins the new one: the files are on disk before anybody needs
 * them, and the earlier ones stay if that fails.
 */
export async function replaceInvitations(
  dataFolder: string,
  invitations: Invitations,
  begin: () => Promise<void>,
): Promise<string[]> {
  const folder = join(dataFolder, INVITATIONS_FOLDER);
  const coming = `${folder}.new`;
  await rm(coming, { recursive: true, force: true });
  const names = await writeInto(coming, invitations);
  try {
    await begin();
  } catch (error) {
    await rm(coming, { recursive: true, force: true });
    throw error;
  }
  await rm(folder, { recursive: true, force: true });
  await rename(coming, folder);
  return names;
}

async function writeInto(folder: string, { start, codes }: Invitations): Promise<string[]> {
  await makeFolder(folder);
  const names: string[] = [];
  for (const [at, { name }] of start.trustees.entries()) {
    const file = `trustee-${at + 1}.txt`;
    await writeSecretFile(join(folder, file), invitationText(name, codes[at] ?? ''));
    names.push(file);
  }
  return names;
}

function invitationText(name: string, code: string): string {
  return `${name}, you are invited to be a trustee: one of those who can decrypt the result of an election.

Your invitation code:  ${code}

Keep it to yourself until you have used it: whoever has it can take your place. On your own computer, with Psephos installed, type

  node dist/trustee.js join --dial <the organiser's invite or address>

and the code when it asks. Your key is made and stays on your computer. Without enough trustees' keys nobody can have
the result: keep yours, its passphrase and a copy of both in a safe place until the election is over.
`;
}
