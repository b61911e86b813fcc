import type { Command } from 'commander';
import { type Console, consoleOf } from './console.ts';
import { DONE } from './exit-codes.ts';
import { reportFailure } from './failure.ts';
import type { Io } from './io.ts';
import { positiveNumber, programNamed, withJson } from './program.ts';
import { programLine } from './program-line.ts';
import { type DecryptFlags, decrypt } from './trustee/decrypt.ts';
import { DEFAULT_TRUSTEE_KEY, type KeygenFlags, keygen } from './trustee/keygen.ts';

/** The trustee's program: makes a key, and decrypts with it what it has checked. Resolves to the exit code. */
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
  Before the election, make a key; give the organiser the .pub file, and keep the other one to yourself:
    node dist/trustee.js keygen --name "Ana Ruiz"
  After the round is closed, check the log and decrypt what its ballots add up to:
    node dist/trustee.js decrypt 'psephos:12D3KooW…/bafyrei…?a=/ip6/2001:db8::7/tcp/4000'
    node dist/trustee.js decrypt election.car --key keys/trustee.key

Exit codes: 0 done, 1 refused or not valid, 2 wrong usage or unreadable input, 3 the peer could not be reached.
`;

function trusteeProgram(io: Io, out: Console): Command {
  const program = programNamed('trustee', io)
    .description('Holds a key that, with those of the other trustees, decrypts the result of an election.')
    .addHelpText('after', EXAMPLES);

  withJson(program.command('keygen'))
    .description("make a trustee's key, and the public part that the organiser needs")
    .option(
      '--out <file>',
      'where to write the key; the public part gets .pub at its end',
      DEFAULT_TRUSTEE_KEY,
    )
    .option('--name <name>', 'how the election shall call you')
    .action((flags: KeygenFlags) => keygen(flags, out));

  withJson(program.command('decrypt'))
    .description('audit the log, then decrypt the closed round that waits for it')
    .argument(
      '<log>',
      "the election's log: an invite or address of the running election, an exported file (.car, .jsonl), or a data folder",
    )
    .option('--key <file>', 'your key file', DEFAULT_TRUSTEE_KEY)
    .option('--round <n>', 'the round (default: the newest that is closed)', positiveNumber)
    .option('--out <file>', 'where to write the decryption (default: decryption-round-N-trustee-K.json)')
    .option('--election <id>', 'the id that the election must have')
    .option('--reveal', 'decrypt although the result shows how single voters voted, with their consent')
    .action((log: string, flags: DecryptFlags) => decrypt(log, flags, io, out));
  return program;
}
