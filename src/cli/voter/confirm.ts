import { refused } from '../../base/errors.ts';
import type { Choice } from '../../election/choices.ts';
import type { Question } from '../../election/entries.ts';
import type { VoterRecord } from '../../services/ports.ts';
import {
  type KnownElection,
  type PreparedBallot,
  openRound,
  prepareBallot,
} from '../../services/voter-session.ts';
import type { Console } from '../console.ts';
import { expectRoom, openedBallotName, receiptName } from '../receipt-file.ts';
import type { Ask } from './ask.ts';
import { openBallot } from './open-ballot.ts';
import { ballotText } from './show.ts';

/** A ballot that its voter wants to be cast, and what it says; what it was encrypted with is forgotten. */
export interface Confirmed {
  readonly ballot: Omit<PreparedBallot, 'opening'>;
  readonly choices: readonly Choice[];
}

/** Who is asked, and what was said beforehand. */
export interface Confirming {
  readonly ask: Ask | undefined;
  readonly dial: string;
  /** Where the receipt is to go; named after the ballot where it is not said. */
  readonly receipt: string | undefined;
  /** Whether nobody is to be asked. */
  readonly yes: boolean;
}

/**
 * Prepares ballots until the voter confirms one. A sealed one may be opened instead, to have its encryption checked: it is spoiled by
 * that, and the next one is made from new choices and new random numbers. Throws `not-confirmed`, and as `prepareBallot` does.
 */
export async function confirmedBallot(
  election: KnownElection,
  voter: { readonly seed: Uint8Array; readonly record: VoterRecord },
  given: readonly Choice[] | undefined,
  { ask, dial, receipt, yes }: Confirming,
  out: Console,
): Promise<Confirmed> {
  const { questions } = openRound(election).entry;
  for (let choices = given; ; choices = undefined) {
    choices ??= await askChoices(questions, ask);
    const { opening, ...ballot } = prepareBallot(election, voter, choices);
    await expectRoom(receipt ?? receiptName(ballot.tracker));
    out.say(`\n${ballotText(questions, choices, ballot.number)}\n`);
    if (opening === undefined) {
      if (yes || (await ask?.confirm('Cast this ballot?', true))) return { ballot, choices };
      throw refused('not-confirmed', 'Nothing was cast.');
    }
    // What was encrypted is fixed by this before the program learns whether it will be checked.
    out.say(`It is encrypted now:\n\n  Ballot tracker  ${ballot.tracker}\n\n`);
    switch (yes ? 'cast' : await ask?.nextStep()) {
      case 'cast':
        return { ballot, choices };
      case 'check': {
        const name = openedBallotName(ballot.tracker);
        const path = (await ask?.newFile(name)) ?? name;
        await openBallot({ ...ballot, opening }, { election, dial, path }, out);
        out.say('\nNow choose again, for a new ballot.\n\n');
        break;
      }
      case 'nothing':
      case undefined:
        throw refused('not-confirmed', 'Nothing was cast.');
    }
  }
}

/** Asks for a choice on every question. */
export async function askChoices(questions: readonly Question[], ask: Ask | undefined): Promise<Choice[]> {
  if (ask === undefined) throw new Error('choices are missing and nobody was asked');
  const choices: Choice[] = [];
  for (const [index, question] of questions.entries())
    choices.push(await ask.choice(question, index, questions.length));
  return choices;
}
