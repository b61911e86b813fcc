import { type Command, Option } from 'commander';
import { type Console, consoleOf } from './console.ts';
import { DONE } from './exit-codes.ts';
import { reportFailure } from './failure.ts';
import type { Io } from './io.ts';
import { bootstrapOption, noDhtOption } from './discovery-options.ts';
import { programNamed, withJson, collect } from './program.ts';
import { programLine } from './program-line.ts';
import type { RunFlags } from './relay/run.ts';

/** The program of whoever has a public address and lends it to elections that have none. Resolves to the exit code. */
export async function runRelay(argv: readonly string[], io: Io): Promise<number> {
  const out = consoleOf(io, argv.includes('--json'));
  try {
    await relayProgram(io, out).parseAsync([...argv], { from: 'user' });
    return DONE;
  } catch (error) {
    return reportFailure(error, out, programLine('relay'));
  }
}

export const DEFAULT_FOLDER = './relay';

const EXAMPLES = `
Examples:
  Let voters reach one election's organiser through this computer:
    node dist/relay.js --serve 'psephos:12D3KooW…/bafyrei…?a=/ip6/2001:db8::7/tcp/4000'
  The same, by the organiser's peer id, and one of its observers besides:
    node dist/relay.js --serve 12D3KooW… --serve 12D3KooW…
  For anybody who asks:
    node dist/relay.js --open
  See what it does:
    node dist/relay.js status
  What the organiser types then:
    node dist/admin.js --relay /ip6/2001:db8::9/tcp/4002/p2p/12D3KooW…

A relay can read nothing of what it passes on: voter and organiser encrypt it between them. It sees who talks to whom, from
which address, when and how much.

Exit codes: 0 done, 1 refused, 2 wrong usage or unreadable input.
`;

function relayProgram(io: Io, out: Console): Command {
  const program = programNamed('relay', io)
    .description(
      'Passes on what voters send to organisers and observers who have no public address, on a computer that has one.',
    )
    .addHelpText('after', EXAMPLES);

  inFolder(withJson(program.command('run', { isDefault: true })))
    .description('relay until Ctrl-C (the default)')
    .addOption(
      new Option(
        '--serve <whom>',
        'who may be reached through here: those an invite names, the peer id of an organiser or observer, or an election id (its organiser); repeatable',
      )
        .argParser(collect)
        .default([], 'nobody'),
    )
    .option('--open', 'whoever asks may be reached through here')
    .addOption(
      new Option('--listen <multiaddr>', 'address to listen on; repeatable')
        .argParser(collect)
        .default([], 'IPv6 and IPv4, port 4002'),
    )
    .addOption(new Option('--ip6-only', 'do not listen on IPv4').conflicts(['listen']))
    .addOption(bootstrapOption())
    .addOption(noDhtOption())
    .action(async (flags: RunFlags) => {
      // Loaded only here: libp2p takes longer to load than help takes to print.
      const { run } = await import('./relay/run.ts');
      await run(flags, io, out);
    });

  inFolder(withJson(program.command('status')))
    .description('show what the running relay does: reservations, connections, bytes')
    .action(async (flags: { readonly data: string }) => {
      const { showStatus } = await import('./relay/show-status.ts');
      await showStatus(flags.data, out);
    });
  return program;
}

function inFolder(command: Command): Command {
  return command.option('--data <folder>', "the relay's folder: its key", DEFAULT_FOLDER);
}
