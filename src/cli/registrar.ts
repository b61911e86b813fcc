import { type Command, Option } from 'commander';
import { type Console, consoleOf } from './console.ts';
import { DONE } from './exit-codes.ts';
import { reportFailure } from './failure.ts';
import type { Io } from './io.ts';
import { exampleText, programNamed, withJson } from './program.ts';
import { programLine } from './program-line.ts';
import { type DeleteFlags, deleteCommand } from './registrar/delete.ts';
import { DEFAULT_FOLDER } from './registrar/folder.ts';
import { type MakeFlags, make } from './registrar/make.ts';
import { show } from './registrar/show.ts';

/** The program of whoever makes the voters' secrets, so that the organiser never sees one. Resolves to the exit code. */
export async function runRegistrar(argv: readonly string[], io: Io): Promise<number> {
  const out = consoleOf(io, argv.includes('--json'));
  try {
    await registrarProgram(io, out).parseAsync([...argv], { from: 'user' });
    return DONE;
  } catch (error) {
    return reportFailure(error, out, programLine('registrar'));
  }
}

const EXAMPLES = `
Examples:
  Make the secrets, and the roll for the organiser:
    node dist/registrar.js make --title "Committee" --voters voters.csv
  Once every voter has a sheet:
    node dist/registrar.js delete registrar
  Look at a roll:
    node dist/registrar.js show registrar/roll.json

Exit codes: 0 done, 1 refused or not valid, 2 wrong usage or unreadable input.
`;

function registrarProgram(io: Io, out: Console): Command {
  const program = programNamed('registrar', io)
    .description("Makes the voters' secrets for an election that somebody else organises.")
    .addHelpText('after', EXAMPLES);

  withJson(program.command('make'))
    .addHelpText('after', exampleText('registrar', 'make --title "Committee" --voters voters.csv'))
    .description('make a secret for each voter, their sheets, and the signed roll that the organiser gets')
    .requiredOption(
      '--voters <file>',
      'one username a line, or CSV with a header of username,name,email,weight,publicKey',
    )
    .requiredOption('--title <text>', 'what the election is called, for the sheets')
    .option('--address <invite>', 'where voters will dial, for the sheets, if it is known already')
    .addOption(
      new Option('--names <form>', 'how the log names voters')
        .choices(['public', 'pseudonym'])
        .default('public'),
    )
    .option('--out <folder>', 'the folder that is made for all this', DEFAULT_FOLDER)
    .action((flags: MakeFlags) => make(flags, io, out));

  withJson(program.command('delete'))
    .addHelpText('after', exampleText('registrar', 'delete registrar'))
    .description('delete the secrets, of all voters or of one')
    .argument('<folder>', 'the folder that "make" made')
    .option('--voter <username>', 'of this voter alone, in every file')
    .option('--yes', 'do not ask')
    .action((folder: string, flags: DeleteFlags) => deleteCommand(folder, flags, io, out));

  withJson(program.command('show'))
    .addHelpText('after', exampleText('registrar', 'show registrar/roll.json'))
    .description('check a roll, and print its voters and fingerprints')
    .argument('<roll>', 'a roll.json, or the folder that it is in')
    .action((name: string) => show(name, out));
  return program;
}
