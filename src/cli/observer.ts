import { type Command, Option } from 'commander';
import { type Console, consoleOf } from './console.ts';
import { DONE } from './exit-codes.ts';
import { reportFailure } from './failure.ts';
import type { Io } from './io.ts';
import type { RunFlags } from './observer/run.ts';
import { bootstrapOption, noDhtOption } from './discovery-options.ts';
import { programNamed, withJson, collect } from './program.ts';
import { withPunching } from './punching.ts';
import { programLine } from './program-line.ts';

/** The program of whoever keeps an eye on an election: follows its log, checks it, cosigns, and serves a copy. Resolves to the exit code. */
export async function runObserver(argv: readonly string[], io: Io): Promise<number> {
  const out = consoleOf(io, argv.includes('--json'));
  try {
    await observerProgram(io, out).parseAsync([...argv], { from: 'user' });
    return DONE;
  } catch (error) {
    return reportFailure(error, out, programLine('observer'));
  }
}

export const DEFAULT_FOLDER = './observer';

const EXAMPLES = `
Examples:
  Observe an election, and let others read it from here:
    node dist/observer.js --dial 'psephos:12D3KooW…/bafyrei…?a=/ip6/2001:db8::7/tcp/4000'
  Go on after a pause, from what is there already:
    node dist/observer.js
  Compare notes with another observer, which somebody else runs:
    node dist/observer.js --observer /ip6/2001:db8::9/tcp/4001/p2p/12D3KooW…
  Be the organiser's relay as well, who has no public address:
    node dist/observer.js --as-relay
  See how it stands:
    node dist/observer.js status
  Check the whole election from the copy:
    node dist/verify-log.js ./observer

Exit codes: 0 done, 1 refused, or an alarm was raised; 2 wrong usage or unreadable input, 3 no peer could be reached.
`;

function observerProgram(io: Io, out: Console): Command {
  const program = programNamed('observer', io)
    .description(
      "Keeps a live, checked copy of an election's log: cosigns what holds, raises the alarm over what does not, and serves the copy to voters and auditors.",
    )
    .addHelpText('after', EXAMPLES);

  withPunching(inFolder(withJson(program.command('run', { isDefault: true }))))
    .description('follow an election until Ctrl-C (the default)')
    .addOption(
      new Option(
        '--dial <address>',
        "where the log can be followed: the organiser's invite or address, or another observer's; repeatable, the first is preferred. Needed the first time only",
      )
        .argParser(collect)
        .default([], 'those of the last time'),
    )
    .option('--election <id>', 'the id that the election must have')
    .option('--fingerprint <code>', 'the fingerprint that the election must have')
    .addOption(
      new Option(
        '--observer <address>',
        'another observer to compare notes with, ending in /p2p/…; repeatable',
      )
        .argParser(collect)
        .default([], 'those that are heard of'),
    )
    .addOption(
      new Option('--listen <multiaddr>', 'address to listen on; repeatable')
        .argParser(collect)
        .default([], 'IPv6 and IPv4, port 4001'),
    )
    .addOption(new Option('--ip6-only', 'do not listen on IPv4').conflicts(['listen']))
    .addOption(
      new Option(
        '--relay <address>',
        'a relay through which others can read here, ending in /p2p/…; repeatable',
      )
        .argParser(collect)
        .default([], 'none'),
    )
    .option(
      '--as-relay',
      "let voters come through this computer to the organiser, who may name this observer's address with --relay",
    )
    .addOption(bootstrapOption())
    .addOption(noDhtOption())
    .action(async (flags: RunFlags) => {
      // Loaded only here: libp2p takes longer to load than help takes to print.
      const { run } = await import('./observer/run.ts');
      await run(flags, io, out);
    });

  inFolder(withJson(program.command('status')))
    .description('show how the copy stands: entries, turnout, who cosigned, alarms')
    .action(async (flags: { readonly data: string }) => {
      const { showStatus } = await import('./observer/show-status.ts');
      await showStatus(flags.data, out);
    });
  return program;
}

function inFolder(command: Command): Command {
  return command.option('--data <folder>', "the observer's folder: its key and its copy", DEFAULT_FOLDER);
}
