import type { Command } from 'commander';
import { type Console, consoleOf } from './console.ts';
import { DONE } from './exit-codes.ts';
import { reportFailure } from './failure.ts';
import type { Io } from './io.ts';
import { exampleText, positiveNumber, programNamed, withJson } from './program.ts';
import { programLine } from './program-line.ts';
import type { AnswerFlags } from './trustee/answer.ts';
import type { DecryptFlags } from './trustee/decrypt.ts';
import type { JoinFlags } from './trustee/join.ts';
import type { BackupFlags, PassphraseChangeFlags, RestoreFlags } from './trustee/key-care.ts';
import { DEFAULT_TRUSTEE_KEY } from './trustee/key-file-name.ts';
import type { KeygenFlags } from './trustee/keygen.ts';

/** The trustee's program: takes part in making a key, keeps it, and decrypts with it what it has checked. Resolves to the exit code. */
export async function runTrustee(argv: readonly string[], io: Io): Promise<number> {
  const out = consoleOf(io, argv.includes('--json'));
  try {
    await trusteeProgram(io, out).parseAsync([...argv], { from: 'user' });
    return DONE;
  } catch (error) {
    return reportFailure(error, out, programLine('trustee'));
  }
}

const EXAMPLES = `
Examples:
  With an invitation, take part for as long as the election lasts; start it again whenever you like:
    node dist/trustee.js join --dial 'psephos:12D3KooW…/bafyrei…?a=/ip6/2001:db8::7/tcp/4000'
  The same by files, without a connection to the organiser: what is due is written for the organiser to take in
    node dist/trustee.js answer election.car --invitation-file trustee-2.txt
  Keep a copy of your key, and put it back
    node dist/trustee.js backup --out /media/stick/trustee.key
    node dist/trustee.js restore /media/stick/trustee.key
  Without a key ceremony: make a key, give the organiser the .pub file, and decrypt after the round is closed
    node dist/trustee.js keygen --name "Ana Ruiz"
    node dist/trustee.js decrypt election.car --key keys/trustee.key

Exit codes: 0 done, 1 refused or not valid, 2 wrong usage or unreadable input, 3 the peer could not be reached.
`;

const LOG_HELP =
  "the election's log: an invite or address of the running election, an exported file (.car, .jsonl), or a data folder";

/** Each command is loaded when it is run, so that help and usage errors need not wait for all of them. */
function trusteeProgram(io: Io, out: Console): Command {
  const program = programNamed('trustee', io)
    .description('Holds a key that, with those of other trustees, decrypts the result of an election.')
    .addHelpText('after', EXAMPLES);

  holdingKey(withJson(program.command('join')))
    .addHelpText('after', exampleText('trustee', 'join --dial "$INVITE" --key keys/trustee.key'))
    .description(
      'takes part as a trustee over the network: in making the key, in showing that it still works, in decrypting the result',
    )
    .requiredOption('--dial <invite>', "the organiser's invite or address")
    .option('--fingerprint <text>', 'the fingerprint that the election must have')
    .option('--wait <seconds>', 'how long to keep trying to reach the organiser at first', positiveNumber)
    .option('--once', 'do what is due now, and end')
    .action(async (flags: JoinFlags) => {
      const { join } = await import('./trustee/join.ts');
      await join(flags, io, out);
    });

  holdingKey(withJson(program.command('answer')))
    .addHelpText('after', exampleText('trustee', 'answer election.car --invitation-file trustee-2.txt'))
    .description(
      'does what a log asks of you, and writes it as a file for the organiser: as join, without a connection',
    )
    .argument('<log>', LOG_HELP)
    .option('--out <file>', 'where to write it (default: trustee-N-WHAT.json)')
    .action(async (log: string, flags: AnswerFlags) => {
      const { answer } = await import('./trustee/answer.ts');
      await answer(log, flags, io, out);
    });

  withNewPassphrase(withJson(program.command('keygen')))
    .addHelpText('after', exampleText('trustee', 'keygen --name "Ana Ruiz"'))
    .description("makes a trustee's key without a ceremony, and the public part that the organiser needs")
    .option('--out <file>', 'the key file; the public part goes beside it, with .pub', DEFAULT_TRUSTEE_KEY)
    .option('--name <text>', 'what the election will call you: in the public part, for everybody to see')
    .action(async (flags: KeygenFlags) => {
      const { keygen } = await import('./trustee/keygen.ts');
      await keygen(flags, io, out);
    });

  withPassphrase(withJson(program.command('decrypt')))
    .addHelpText('after', exampleText('trustee', 'decrypt election.car --key keys/trustee.key'))
    .description(
      'checks a log, and decrypts the sum of the ballots of its closed round, to be handed to the organiser as a file',
    )
    .argument('<log>', LOG_HELP)
    .option('--key <file>', 'your key file', DEFAULT_TRUSTEE_KEY)
    .option('--round <n>', 'the round (default: the newest that is closed)', positiveNumber)
    .option('--out <file>', 'where to write the decryption (default: decryption-round-N-trustee-K.json)')
    .option('--election <id>', 'the id that the election must have')
    .option('--reveal', 'decrypt although the result shows how single voters voted, with their consent')
    .action(async (log: string, flags: DecryptFlags) => {
      const { decrypt } = await import('./trustee/decrypt.ts');
      await decrypt(log, flags, io, out);
    });

  withPassphrase(withJson(program.command('backup')))
    .addHelpText('after', exampleText('trustee', 'backup --out /media/stick/trustee.key'))
    .description('copies your key, after seeing that its passphrase opens it')
    .requiredOption('--out <file>', 'where to put the copy: on another medium')
    .option('--key <file>', 'your key file', DEFAULT_TRUSTEE_KEY)
    .action(async (flags: BackupFlags) => {
      const { backup } = await import('./trustee/key-care.ts');
      await backup(flags, io, out);
    });

  withPassphrase(withJson(program.command('restore')))
    .addHelpText('after', exampleText('trustee', 'restore /media/stick/trustee.key'))
    .description('puts a copy of your key back')
    .argument('<copy>')
    .option('--key <file>', 'your key file', DEFAULT_TRUSTEE_KEY)
    .action(async (copy: string, flags: RestoreFlags) => {
      const { restore } = await import('./trustee/key-care.ts');
      await restore(copy, flags, io, out);
    });

  withNewPassphrase(withJson(program.command('passphrase')))
    .addHelpText('after', exampleText('trustee', 'passphrase --key keys/trustee.key'))
    .description('changes the passphrase of your key')
    .option('--key <file>', 'your key file', DEFAULT_TRUSTEE_KEY)
    .option(
      '--new-passphrase-file <file>',
      'a file that holds the new one; you are asked for it unless given',
    )
    .action(async (flags: PassphraseChangeFlags) => {
      const { changePassphrase } = await import('./trustee/key-care.ts');
      await changePassphrase(flags, io, out);
    });
  return program;
}

/** What commands have in common that use a key, or make one for an invitation. */
function holdingKey(command: Command): Command {
  return withNewPassphrase(command)
    .option('--key <file>', 'your key file; it is made if there is none', DEFAULT_TRUSTEE_KEY)
    .option(
      '--invitation-file <file>',
      'the file with your invitation code, from the organiser; "-" reads it from a pipe',
    )
    .option('--election <id>', 'the id that the election must have')
    .option('--reveal', 'decrypt although the result shows how single voters voted, with their consent');
}

function withPassphrase(command: Command): Command {
  return command.option(
    '--passphrase-file <file>',
    'a file that holds the passphrase of your key; you are asked for it unless given',
  );
}

function withNewPassphrase(command: Command): Command {
  return withPassphrase(command).option(
    '--no-passphrase',
    'protect the key that is made with no passphrase, but by the permissions of its file alone',
  );
}
