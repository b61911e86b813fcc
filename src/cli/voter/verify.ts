import { refused } from '../../base/errors.ts';
import { origin } from '../../log/checkpoint.ts';
import { type Receipt, parseReceipt } from '../../log/receipt.ts';
import { roundOf } from '../../services/receipt-check.ts';
import { ballotInReceipt, openReceipt } from '../../services/voter-session.ts';
import type { Io } from '../io.ts';
import { type ConnectFlags, type Met, meet, orInterrupted } from './connect.ts';
import type { Console } from '../console.ts';
import { readReceiptFile } from '../receipt-file.ts';
import { programLine } from '../program-line.ts';
import { ballotJson, voteText } from '../vote-text.ts';
import { Watch } from './watch.ts';
import { type WitnessFlags, expectObservers } from './witness.ts';

export interface VerifyFlags extends ConnectFlags, WitnessFlags {
  readonly receipt: string;
  readonly show?: boolean;
}

/**
 * Proves to the voter that what a receipt is for, a ballot or an own key, is in the log as the peer shows it now, be it the organiser or an
 * observer: the receipt itself says which election it must be.
 */
export async function verify(flags: VerifyFlags, io: Io, out: Console): Promise<void> {
  await expectObservers(flags);
  const text = await readReceiptFile(flags.receipt);
  const met = await meet(flags, io, out, 'reading');
  try {
    const { electionId, servedBy } = met.election;
    requireSameElection(text, electionId);
    if (flags.show === true && met.election.genesis.policy.secrecy === 'sealed') throw sealed();
    const receipt = openReceipt(text, met.election);
    const watch = await Watch.begin(met, flags, io, out, text);
    const verdict = await out.during('Verifying', () => watch.verify(text));
    const shown = flags.show === true ? await showBallot(receipt, met) : undefined;
    out.emit({
      event: 'verified',
      electionId,
      servedBy,
      ...verdict,
      ...(shown === undefined ? {} : { number: shown.number, ballot: shown.json }),
    });
    const what = verdict.enrolledKey === undefined ? 'ballot' : 'own key';
    out.say(
      `VALID: your ${what} is in the log of election ${electionId}.\n\n` +
        (verdict.enrolledKey === undefined
          ? `  Ballot tracker  ${verdict.tracker ?? ''}\n`
          : `  Public key      ${verdict.enrolledKey}\n`) +
        `  Log entry       ${verdict.index}\n` +
        `  Log             ${verdict.receiptSize} entries when the receipt was made, ${verdict.currentSize} now, nothing before changed\n`,
    );
    if (shown !== undefined) out.say(`\n${shown.text}`);
    await watch.confirm(receipt, `Your ${what} IS in the log that was shown.`);
  } catch (error) {
    throw orInterrupted(error, io);
  } finally {
    await met.client.close();
  }
}

/** A receipt of another election would fail its signature; this says why. */
function requireSameElection(text: string, electionId: string): void {
  const parsed = parseReceipt(text);
  if (!parsed.ok || parsed.value.checkpoint.origin === origin(electionId)) return;
  throw refused(
    'wrong-election',
    `The receipt is of another election: its log is ${parsed.value.checkpoint.origin}.`,
    {
      hint: `The peer runs election ${electionId}. Dial the one that the receipt is from.`,
    },
  );
}

interface ShownBallot {
  readonly text: string;
  readonly number: number;
  readonly json: object[];
}

async function showBallot(receipt: Receipt, { client, election }: Met): Promise<ShownBallot> {
  const { ballot } = ballotInReceipt(receipt);
  if (ballot.form === 'sealed') throw sealed();
  const { round, questions } = await roundOf(ballot, client, election);
  return {
    text: `Your ballot, number ${ballot.number} of yours in round ${round}:\n${voteText(questions, ballot.choices)}`,
    number: ballot.number,
    json: ballotJson(questions, ballot.choices),
  };
}

function sealed(): Error {
  return refused(
    'sealed',
    'The ballot of this receipt is sealed: what it encrypts can be shown by nobody, and to nobody.',
    { hint: `That it is in the log can be proved: run "${programLine('voter')} verify" without --show.` },
  );
}
