import type { Command } from 'commander';
import { toHex } from '../../base/bytes.ts';
import { unusable } from '../../base/errors.ts';
import { readTrusteeFile } from '../../store/trustee-files.ts';
import type { Command as AdminCommand } from './commands.ts';
import type { Surroundings } from './dispatch.ts';
import { INVITATIONS_FOLDER, makeInvitations, replaceInvitations } from './invitations.ts';
import { exampleText } from '../program.ts';
import { type InviteOptions, addInviteOptions, wishedTrustees } from './trustee-options.ts';

interface Options {
  readonly data: string;
  readonly keys: string;
  readonly json?: true;
}

/** How a command is carried out. */
interface How {
  readonly act: (options: Options, command: AdminCommand) => Promise<void>;
  readonly surroundings: (options: Options) => Surroundings;
}

/** Adds `admin trustees` and what belongs to it. */
export function addTrusteesCommands(program: Command, { act, surroundings }: How): void {
  const trustees = program
    .command('trustees')
    .description('shows who can decrypt, who has done what, and who is missing')
    .addHelpText(
      'after',
      `
Examples:
  node dist/admin.js trustees
  node dist/admin.js trustees invite --invite Ana --invite Ben --invite Cleo --threshold 2
  node dist/admin.js trustees call
  node dist/admin.js trustees take trustee-3-certificate.json
`,
    )
    .action(async (_options, command: Command) =>
      act(command.optsWithGlobals(), { command: 'trustees', args: {} }),
    );

  addInviteOptions(
    trustees
      .command('invite')
      .description(
        'begins the making of the trustees’ keys, or begins it anew with others, before the first round opens',
      )
      .addHelpText(
        'after',
        exampleText('admin', 'trustees invite --invite Ana --invite Ben --invite Cleo --threshold 2'),
      ),
  ).action(async (_options, command: Command) => {
    const options: Options & InviteOptions = command.optsWithGlobals();
    const wish = wishedTrustees(options);
    if (wish === undefined) throw unusable('usage', 'Name the trustees: --invite NAME, once for each.');
    const { output } = surroundings(options);
    const invitations = makeInvitations(wish);
    const files = await replaceInvitations(options.data, invitations, () =>
      act(options, {
        command: 'trustees-invite',
        args: {
          threshold: invitations.start.threshold,
          trustees: invitations.start.trustees.map((one) => ({ ...one, invitation: toHex(one.invitation) })),
        },
      }),
    );
    output.emit({ event: 'invitations', files: files.map((name) => `${INVITATIONS_FOLDER}/${name}`) });
    output.say(invitationsText(options.data, files.length));
  });

  trustees
    .command('call')
    .description('asks all trustees to show that they could decrypt now')
    .addHelpText('after', exampleText('admin', 'trustees call'))
    .action(async (_options, command: Command) =>
      act(command.optsWithGlobals(), { command: 'trustees-call', args: {} }),
    );

  trustees
    .command('take')
    .description('takes what trustees who are not connected made with "trustee answer", as files')
    .argument('<files...>')
    .option('--reveal', 'count although the result shows how single voters voted, with their consent')
    .addHelpText('after', exampleText('admin', 'trustees take trustee-3-certificate.json'))
    .action(async (files: string[], _options, command: Command) => {
      const messages = await Promise.all(files.map(readTrusteeFile));
      const options: Options & { readonly reveal?: true } = command.optsWithGlobals();
      await act(options, { command: 'trustees-take', args: { messages, reveal: options.reveal === true } });
    });
}

/** What the organiser does with the invitations. */
export function invitationsText(data: string, count: number): string {
  return (
    `Invitations for ${count} ${count === 1 ? 'trustee' : 'trustees'}: ${data}/${INVITATIONS_FOLDER}\n` +
    '  Give each trustee its file, so that nobody else sees it. "admin trustees" shows who has joined;\n' +
    '  when all have, compare the fingerprints of their keys with them aloud.'
  );
}
