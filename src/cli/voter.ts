import { type Command, InvalidArgumentError, Option } from 'commander';
import { programLine } from './program-line.ts';
import { type Console, consoleOf } from './console.ts';
import { DONE } from './exit-codes.ts';
import { bootstrapOption } from './discovery-options.ts';
import { reportFailure } from './failure.ts';
import type { Io } from './io.ts';
import { exampleText, programNamed, withJson, collect } from './program.ts';
import { withPunching } from './punching.ts';
import type { ConnectFlags } from './voter/connect.ts';
import type { EnrolFlags } from './voter/enrol.ts';
import type { PlaceFlags } from './voter/find.ts';
import { DEFAULT_KEY_FILE } from './voter/key-file-name.ts';
import type { ReceiptFlags } from './voter/receipt.ts';
import type { VerifyFlags } from './voter/verify.ts';
import type { VoteFlags } from './voter/voting.ts';

/** The voter's program: votes, verifies a receipt, makes a key or enrols one. Resolves to the exit code. */
export async function runVoter(argv: readonly string[], io: Io): Promise<number> {
  // Known before the arguments are parsed, since that may fail too.
  const out = consoleOf(io, argv.includes('--json'));
  try {
    await voterProgram(io, out).parseAsync([...argv], { from: 'user' });
    return DONE;
  } catch (error) {
    return reportFailure(error, out, programLine('voter'));
  }
}

const EXAMPLES = `
Examples:
  Vote, being asked for everything:
    node dist/voter.js --dial 'psephos:12D3KooW…/bafyrei…?a=/ip6/2001:db8::7/tcp/4000'
    node dist/voter.js --dial /ip6/2001:db8::7/tcp/4000/p2p/12D3KooW…
  Vote from a script:
    node dist/voter.js --dial "$INVITE" --username ana --secret-file ana.secret --choose Falafel --yes --json
    pass show vote | node dist/voter.js --dial "$INVITE" --username ana --secret-file - --choose 2 --yes
  Have the encryption of a secret ballot checked. (At a terminal you are asked for that once the ballot is made, which
  catches a program that cheats; --audit tells the program beforehand, and shows how a check is done.)
    node dist/voter.js --dial "$INVITE" --username ana --secret-file ana.secret --choose Falafel --audit trial.json
    node dist/verify-log.js "$INVITE" --ballot trial.json
  Check later that the ballot is still in the log, and see it again if it is not a secret one:
    node dist/voter.js verify --receipt psephos-3qYb1xZw.tlog-proof --dial "$INVITE" --show
  The same, at an observer, and only if another one that you trust has seen it too:
    node dist/voter.js verify --receipt psephos-3qYb1xZw.tlog-proof --dial /ip6/2001:db8::9/tcp/4001/p2p/12D3KooW… \\
      --observer /ip6/2001:db8::b/tcp/4001/p2p/12D3KooW… --require-observers 1
  Before the vote opens, make a key of your own in the place of the secret that the organiser made, and vote with it:
    node dist/voter.js enrol --dial "$INVITE" --username ana
    node dist/voter.js --dial "$INVITE" --key-file keys/voter.key
  Be patient with an organiser who is away for the night. Your ballot is kept, and cast when they are back; whatever ends the program
  before, the same command goes on with that ballot, and so does the second one, which needs no secret:
    node dist/voter.js --dial "$INVITE" --username ana --wait 43200
    node dist/voter.js --dial "$INVITE" --pending cast
  Make a key of your own, for an organiser who collects public keys:
    node dist/voter.js keygen --out keys/voter.key

Choices (--choose):
  By the answer's text or its number in the list; several as "1,3" or with a --choose for each; "blank" for a blank
  vote and "none" for no answer, where the question allows it. With several questions give one --choose for each, in
  their order, or say which: --choose "2=Ana" --choose "1=blank". An answer whose text has a comma in it needs a
  --choose of its own. What can be read in two ways (an answer called "3", say) is refused; "1=#3", "1=#blank" and
  "1=#none" can be read in one way only, whatever the answers are called.

The program remembers, for each election, the newest state of the log that it saw and the receipts of what was cast with it, in
$PSEPHOS_STATE or ~/.local/state/psephos, and looks for these ballots whenever it is run. The receipt of a ballot that is not a
secret one tells the vote: give --no-memory on a computer that others use. A ballot that is to be cast is kept there too, signed and, in an
election with secret ballots, sealed, until its receipt is saved.

Exit codes: 0 done, 1 refused or not valid, an alarm, or not confirmed; 2 wrong usage or unreadable input, 3 the peer could not be reached.
`;

/** Each command is loaded when it is run, so that help and usage errors need not wait for all of them. */
function voterProgram(io: Io, out: Console): Command {
  const program = programNamed('voter', io).description(
    'Votes in an election, from your own machine straight to the organiser’s.',
  );

  const voteCommand = confirming(connecting(program.command('vote', { isDefault: true })))
    .description(
      'show the election, ask for your choices, cast the ballot and save its receipt (the default)',
    )
    .addOption(new Option('--choose <choice>', 'your choice, see below; repeatable').argParser(collect));
  identifying(voteCommand)
    .option('--yes', 'cast without asking for confirmation')
    .option('--cast-anyway', 'cast the ballot although an alarm was raised')
    .option('--receipt <file>', 'where to save the receipt (default: psephos-<tracker>.tlog-proof)')
    .addOption(
      new Option(
        '--pending <what>',
        'a ballot that an earlier run could not cast: cast it and nothing else, or discard it and vote anew',
      ).choices(['cast', 'discard']),
    )
    .addOption(
      new Option(
        '--audit <file>',
        'cast nothing: encrypt a ballot, and write what "verify-log --ballot" needs to check that',
      ).conflicts(['yes', 'receipt', 'pending']),
    )
    .action(async (flags: Located<VoteFlags>) =>
      (await import('./voter/vote.ts')).vote(await locatedBy(flags, io, out), io, out),
    );

  confirming(connecting(program.command('verify')))
    .addHelpText('after', exampleText('voter', 'verify --receipt FILE --dial "$INVITE"'))
    .description('prove that the ballot of a receipt is in the log as it is now')
    .requiredOption('--receipt <file>', 'the receipt that was saved when the ballot was cast')
    .option('--show', 'also show what was cast, if the ballot is an open one')
    .action(async (flags: Located<VerifyFlags>) =>
      (await import('./voter/verify.ts')).verify(await locatedBy(flags, io, out), io, out),
    );

  identifying(connecting(program.command('receipt')))
    .addHelpText('after', exampleText('voter', 'receipt --dial "$INVITE" --username ana'))
    .description('save a new receipt for your last ballot, when the answer or the file was lost')
    .option('--receipt <file>', 'where to save it (default: psephos-<tracker>.tlog-proof)')
    .action(async (flags: Located<ReceiptFlags>) =>
      (await import('./voter/receipt.ts')).fetchReceipt(await locatedBy(flags, io, out), io, out),
    );

  confirming(connecting(program.command('enrol')))
    .addHelpText('after', exampleText('voter', 'enrol --dial "$INVITE" --username ana'))
    .description('before the vote opens: make a key of your own, which alone can vote for you from then on')
    .option('--username <name>', 'your username')
    .option('--secret-file <file>', 'file that holds the secret of your sheet; "-" reads standard input')
    .option(
      '--key-file <file>',
      `where to make the key, or where it is already (default: a new ${DEFAULT_KEY_FILE})`,
    )
    .option('--receipt <file>', 'where to save the receipt (default: psephos-enrolment-<key>.tlog-proof)')
    .option('--yes', 'enrol without asking for confirmation')
    .action(async (flags: Located<EnrolFlags>) =>
      (await import('./voter/enrol.ts')).enrol(await locatedBy(flags, io, out), io, out),
    );

  withJson(program.command('keygen'))
    .addHelpText('after', exampleText('voter', 'keygen --out keys/voter.key'))
    .description('make a key file and print its public key, to be put on the roll')
    .option('--out <file>', 'where to write the key', DEFAULT_KEY_FILE)
    .action(async (flags: { readonly out: string }) =>
      (await import('./voter/keygen.ts')).keygen(flags.out, out),
    );

  return program.addHelpText('after', () => `\n${voteCommand.helpInformation()}${EXAMPLES}`);
}

/** The flags before it is known where the election is. */
type Located<Flags extends ConnectFlags> = Omit<Flags, 'dial'> & PlaceFlags;

async function locatedBy<Flags extends PlaceFlags>(flags: Flags, io: Io, out: Console) {
  return (await import('./voter/find.ts')).located(flags, io, out);
}

function connecting(command: Command): Command {
  return withPunching(
    withJson(command)
      .option('--dial <address>', "the organiser's invite (psephos:…) or multiaddr (/ip6/…/tcp/…/p2p/…)")
      .addOption(
        new Option(
          '--find [whom]',
          'in place of --dial: look for the organiser in this network, by the peer id or election id that was published; without one, for any',
        ).conflicts('dial'),
      )
      .option('--election <id>', 'the id that the election must have')
      .option(
        '--fingerprint <code>',
        'the fingerprint that the election must have, as the organiser gave it out',
      )
      .option('--wait <seconds>', 'how long to keep trying when there is no answer, up to a day', readSeconds)
      .addOption(bootstrapOption())
      .addOption(
        new Option(
          '--observer <address>',
          'an observer to compare notes with, ending in /p2p/…; repeatable. Where any is given, only these are counted',
        ).argParser(collect),
      )
      .option(
        '--no-memory',
        'for a computer that others use: remember nothing here of the election, of receipts and observers',
      ),
  );
}

function confirming(command: Command): Command {
  return command.option(
    '--require-observers <n>',
    'how many observers must have cosigned the log with this in it; with fewer it ends with exit code 1 (not-confirmed)',
    readCount,
  );
}

function identifying(command: Command): Command {
  return command
    .option('--username <name>', 'your username')
    .option('--secret-file <file>', 'file that holds your secret; "-" reads standard input')
    .addOption(
      new Option('--key-file <file>', 'your key file, in place of username and secret').conflicts([
        'username',
        'secretFile',
      ]),
    );
}

/** As many as a note has room for. */
const MOST_OBSERVERS = 32;

function readCount(text: string): number {
  const count = Number(text);
  if (!/^[0-9]+$/.test(text) || count > MOST_OBSERVERS)
    throw new InvalidArgumentError(`It must be a whole number, at most ${MOST_OBSERVERS}.`);
  return count;
}

const LONGEST_WAIT = 86_400;

function readSeconds(text: string): number {
  const seconds = Number(text);
  if (!/^[0-9]+$/.test(text) || seconds > LONGEST_WAIT) {
    throw new InvalidArgumentError(`It must be a whole number of seconds, at most ${LONGEST_WAIT}.`);
  }
  return seconds;
}
