import { type Command, Option } from 'commander';
import { unusable } from '../base/errors.ts';
import type { Command as AdminCommand } from './admin/commands.ts';
import { DEFAULT_DATA, DEFAULT_KEYS } from './admin/command-lines.ts';
import { readDecryptionFile } from '../store/decryption-files.ts';
import { bootstrapOption, noDhtOption } from './discovery-options.ts';
import { positiveNumber, programNamed, collect } from './program.ts';
import { type PunchFlags, withPunching } from './punching.ts';
import { programLine } from './program-line.ts';
import { type UntestedOption, addInviteOptions, untestedOption } from './admin/trustee-options.ts';
import { addTrusteesCommands } from './admin/trustees-commands.ts';
import { type Surroundings, dispatch } from './admin/dispatch.ts';
import { type ExportOptions, exportCommand } from './admin/export-command.ts';
import { type InitOptions, initCommand, tidyTitle } from './admin/init-command.ts';
import type { RestoreOptions } from './admin/restore-command.ts';
import { outputOf, printReports } from './admin/output.ts';
import { QUESTIONS_EXAMPLE } from './admin/questions-file.ts';
import { type RoundOptions, addRoundOptions, questionsFrom } from './admin/round-options.ts';
import { consoleOf } from './console.ts';
import { readFingerprint } from './fingerprint.ts';
import { DONE } from './exit-codes.ts';
import { reportFailure } from './failure.ts';
import type { Io } from './io.ts';

interface GlobalOptions {
  readonly data: string;
  readonly keys: string;
  readonly json?: true;
}

/** The organiser's program: runs an election, and does what an organiser does with it. Resolves to the exit code. */
export async function runAdmin(argv: readonly string[], io: Io): Promise<number> {
  try {
    await programFor(io).parseAsync([...argv], { from: 'user' });
    return DONE;
  } catch (error) {
    // Not what commander made of the arguments, since what is wrong with them is reported in the same form.
    return reportFailure(error, consoleOf(io, argv.includes('--json')), programLine('admin'));
  }
}

function programFor(io: Io): Command {
  const surroundings = (options: GlobalOptions): Surroundings => ({
    place: { data: options.data, keys: options.keys },
    io,
    output: outputOf(io, options.json === true),
  });
  const act = async (options: GlobalOptions, command: AdminCommand) => {
    const around = surroundings(options);
    await dispatch(around, command, printReports(around.output, options.data));
  };

  const program = withPunching(programNamed('admin', io))
    .description('Runs an election from this computer. Without a command: opens it to voters until Ctrl-C.')
    .option('--data <folder>', 'the folder that holds the election', DEFAULT_DATA)
    .option('--keys <folder>', "the folder that holds the organiser's key", DEFAULT_KEYS)
    .option('--json', 'one JSON object per line on stdout, text for people on stderr')
    .option(
      '--listen <multiaddr>',
      'address to listen on, several possible (default: IPv6 and IPv4, port 4000)',
      collect,
      [],
    )
    .addOption(new Option('--ip6-only', 'do not listen on IPv4').conflicts(['listen']))
    .option(
      '--relay <multiaddr>',
      'a relay through which voters can reach this computer, ending in /p2p/…; several possible ("node dist/relay.js" is one)',
      collect,
      [],
    )
    .addOption(bootstrapOption())
    .addOption(noDhtOption())
    .option(
      '--lan',
      'answer voters in the same network who look for an election there ("voter --find"); whoever is in it can see that one is held',
    )
    .option(
      '--upnp',
      'ask the router to forward the port to this computer (IPv4), where it does that for programs',
    )
    .option('--no-qr', 'show no QR code of the invite')
    .option(
      '--trust-copy',
      'after "admin restore": go on although no observer answers that could say whether the log is whole',
    )
    .addOption(
      new Option(
        '--ask-trustees-every <hours>',
        'while voting is open, how often trustees are asked to show that they could decrypt',
      )
        .argParser(positiveNumber)
        .default(24),
    )
    .argument('[command]')
    .addHelpText(
      'after',
      example('node dist/admin.js --listen /ip6/::/tcp/4000 --listen /ip4/0.0.0.0/tcp/4000'),
    )
    .action(
      async (
        unknown: string | undefined,
        options: GlobalOptions &
          PunchFlags & {
            listen: string[];
            ip6Only?: true;
            relay: string[];
            bootstrap: string[];
            dht: boolean;
            lan?: true;
            upnp?: true;
            qr: boolean;
            askTrusteesEvery: number;
            trustCopy?: true;
          },
      ) => {
        if (unknown !== undefined)
          throw unusable('usage', `There is no command "${unknown}".`, {
            hint: 'See "node dist/admin.js --help".',
          });
        // Loaded only here: libp2p takes longer to load than most commands take to run.
        const { run } = await import('./admin/run.ts');
        await run(surroundings(options), {
          listen: options.listen,
          ip6Only: options.ip6Only === true,
          relays: options.relay,
          bootstrap: options.bootstrap,
          dht: options.dht,
          lan: options.lan === true,
          punching: options,
          upnp: options.upnp === true,
          qr: options.qr,
          askTrusteesEvery: options.askTrusteesEvery,
          trustCopy: options.trustCopy === true,
        });
      },
    );

  addRoundOptions(
    addInviteOptions(
      program
        .command('init')
        .description('makes an election from plain files')
        .requiredOption('--title <text>', 'what the election is called')
        .option('--description <text>', 'more about it, for voters', '')
        .option(
          '--voters <file>',
          'one username a line, or CSV with a header of username,name,email,weight,publicKey',
        )
        .addOption(
          new Option(
            '--roll <file>',
            'in place of --voters: the roll that a registrar made, who alone has the secrets ("registrar make")',
          ).conflicts(['voters', 'names', 'address']),
        )
        .option('--registrar <fingerprint>', 'with --roll: the registrar whom it must be by', readFingerprint)
        .addOption(
          new Option('--revote <rule>', "which of a voter's ballots counts")
            .choices(['last', 'never'])
            .default('last'),
        )
        .addOption(
          new Option('--names <form>', 'how the log names voters')
            .choices(['public', 'pseudonym'])
            .default('public'),
        )
        .addOption(
          new Option('--secrecy <form>', 'whether the log shows only encrypted votes, or the votes')
            .choices(['sealed', 'open'])
            .default('sealed'),
        )
        .option(
          '--trustee <file>',
          'a trustee\'s public key (.pub, from "trustee keygen"), repeatable; all of them must decrypt (default: you alone)',
          collect,
          [],
        )
        .addOption(
          new Option(
            '--small-groups <rule>',
            'what to do where a result would show how single voters voted (default: warn)',
          ).choices(['warn', 'refuse']),
        )
        .option('--address <multiaddr>', "printed on the voters' sheets, if it is known already"),
    ),
  )
    .addHelpText(
      'after',
      `${example('node dist/admin.js init --title "Committee" --candidates candidates.txt --voters voters.csv --closes +2h')}
A questions file:
${QUESTIONS_EXAMPLE}
(min and max are 1 and blank is false unless given)`,
    )
    .action(async (_options, command: Command) => {
      const options: GlobalOptions & InitOptions = command.optsWithGlobals();
      await initCommand(surroundings(options), options);
    });

  program
    .command('open')
    .description('opens the prepared round')
    .addOption(untestedOption())
    .addHelpText('after', example('node dist/admin.js open'))
    .action(async (_options, command: Command) => {
      const options: GlobalOptions & UntestedOption = command.optsWithGlobals();
      await act(options, { command: 'open', args: { untested: options.untestedTrustees === true } });
    });

  const simple = (name: 'close' | 'results', description: string) =>
    program
      .command(name)
      .description(description)
      .addHelpText('after', example(`node dist/admin.js ${name}`))
      .action((_options, command: Command) => act(command.optsWithGlobals(), { command: name, args: {} }));
  simple(
    'close',
    'closes the open round, counts it (sealed ballots: with your trustee key) and writes the result',
  );
  simple('results', 'writes the results of all rounds again, and shows them');

  program
    .command('count')
    .description("counts a closed sealed round, with your own trustee key or with trustees' decryptions")
    .option(
      '--decryption <file>',
      'what a trustee handed in, from "trustee decrypt"; repeatable',
      collect,
      [],
    )
    .option('--reveal', 'count although the result shows how single voters voted, with their consent')
    .addHelpText('after', example('node dist/admin.js count --decryption decryption-round-1-trustee-2.json'))
    .action(async (_options, command: Command) => {
      const options: GlobalOptions & { decryption: string[]; reveal?: true } = command.optsWithGlobals();
      const decryptions = await Promise.all(options.decryption.map(readDecryptionFile));
      await act(options, { command: 'count', args: { decryptions, reveal: options.reveal === true } });
    });

  addTrusteesCommands(program, { act, surroundings });

  program
    .command('status')
    .description('shows where the election stands')
    .option('--voters', 'and who has voted in the newest round (never what)')
    .option('--enrolled', 'and who has made a key of their own with "voter enrol"')
    .addHelpText('after', example('node dist/admin.js status --voters'))
    .action(async (_options, command: Command) => {
      const options: GlobalOptions & { voters?: true; enrolled?: true } = command.optsWithGlobals();
      const { voters = false, enrolled = false } = options;
      await act(options, { command: 'status', args: { voters, enrolled } });
    });

  program
    .command('restore')
    .description("rebuilds a lost data folder from what observers have, with the organiser's key")
    .requiredOption(
      '--from <log>',
      "an observer's address or invite, its folder, or an exported file; repeatable: the longest is taken, and must continue all others",
      collect,
    )
    .option(
      '--receipt <file>',
      'a receipt that a voter kept; repeatable: the log that is restored must hold what it is for',
      collect,
      [],
    )
    .option('--checkpoint <file>', 'a checkpoint that somebody kept; repeatable', collect, [])
    .option('--election <id>', 'the id that the election must have')
    .option('--fingerprint <code>', 'the fingerprint that the election must have', readFingerprint)
    .addHelpText(
      'after',
      example(
        'node dist/admin.js restore --from /ip6/2001:db8::9/tcp/4001/p2p/12D3KooW… --from ./observer-of-a-friend --receipt ada.tlog-proof',
      ),
    )
    .action(async (_options, command: Command) => {
      const options: GlobalOptions & RestoreOptions = command.optsWithGlobals();
      // Loaded only here, since it loads libp2p.
      const { restoreCommand } = await import('./admin/restore-command.ts');
      await restoreCommand(surroundings(options), options);
    });

  addRoundOptions(
    program
      .command('next-round')
      .description('prepares another round for the same voters, such as a run-off')
      .option('--title <text>', 'what the round is called')
      .addOption(
        new Option('--carry <n>', 'ask the last question again, with its n most voted answers')
          .argParser(positiveNumber)
          .conflicts(['candidates', 'question', 'questions', 'min', 'max', 'blank']),
      ),
  )
    .addHelpText('after', example('node dist/admin.js next-round --carry 2 --closes +30m --open'))
    .action(async (_options, command: Command) => {
      const options: GlobalOptions & NextRoundOptions = command.optsWithGlobals();
      const title = options.title === undefined ? null : tidyTitle(options.title);
      const questions =
        options.carry === undefined
          ? await questionsFrom(options, title ?? undefined)
          : { carry: options.carry };
      const { opens = null, closes = null } = options;
      await act(options, {
        command: 'next-round',
        args: {
          title,
          questions,
          opens,
          closes,
          open: options.open === true,
          untested: options.untestedTrustees === true,
        },
      });
    });

  program
    .command('export')
    .description('copies the log, or a round with sealed ballots, into one file, for auditors')
    .option('--car <file>', 'as CAR: the exact entries and checkpoints')
    .addOption(new Option('--jsonl <file>', 'as JSON Lines, for people and scripts').conflicts(['car']))
    .addOption(
      new Option(
        '--belenios <file>',
        "one round with sealed ballots as a .bel archive, for Belenios' own auditor",
      ).conflicts(['car', 'jsonl']),
    )
    .addOption(
      new Option('--round <n>', 'with --belenios: which round (default: the newest)').argParser(
        positiveNumber,
      ),
    )
    .option(
      '--from <log>',
      "another log than the one in --data: a folder, an exported file, an observer's address or the organiser's",
    )
    .option('--force', 'replace a file of that name')
    .addHelpText('after', example('node dist/admin.js export --car election.car'))
    .action(async (_options, command: Command) => {
      const options: GlobalOptions & ExportOptions = command.optsWithGlobals();
      await exportCommand(surroundings(options), options);
    });

  return program;
}

interface NextRoundOptions extends RoundOptions {
  readonly title?: string;
  readonly carry?: number;
}

function example(line: string): string {
  return `\nExample:\n  ${line}\n`;
}
