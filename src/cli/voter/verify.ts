import { refused } from '../../base/errors.ts';
import { cidOf } from '../../crypto/cid.ts';
import type { Ballot } from '../../election/ballot.ts';
import type { RoundEntry } from '../../election/entries.ts';
import { origin } from '../../log/checkpoint.ts';
import { decodeEntry } from '../../log/entry-codec.ts';
import { parseReceipt } from '../../log/receipt.ts';
import { ballotInReceipt, openReceipt, verifyReceipt } from '../../services/voter-session.ts';
import { showProgress } from '../progress.ts';
import type { Io } from '../io.ts';
import { type ConnectFlags, type Met, meet, orInterrupted } from './connect.ts';
import type { Console } from '../console.ts';
import { readReceiptFile } from '../receipt-file.ts';
import { programLine } from '../program-line.ts';
import { ballotJson, voteText } from '../vote-text.ts';

export interface VerifyFlags extends ConnectFlags {
  readonly receipt: string;
  readonly show?: boolean;
}

/** Proves to the voter that what a receipt is for, a ballot or an own key, is in the log as the peer shows it now. */
export async function verify(flags: VerifyFlags, io: Io, out: Console): Promise<void> {
  const text = await readReceiptFile(flags.receipt);
  const met = await meet(flags, io, out);
  try {
    const { electionId } = met.election;
    requireSameElection(text, electionId);
    if (flags.show === true && met.election.genesis.policy.secrecy === 'sealed') throw sealed();
    const verdict = await out.during('Verifying', () => verifyReceipt(met.client, text, met.election));
    const shown = flags.show === true ? await showBallot(text, met, io) : undefined;
    out.emit({
      event: 'verified',
      electionId,
      ...verdict,
      ...(shown === undefined ? {} : { number: shown.number, ballot: shown.json }),
    });
    out.say(
      `VALID: your ${verdict.enrolledKey === undefined ? 'ballot' : 'own key'} is in the log of election ${electionId}.\n\n` +
        (verdict.enrolledKey === undefined
          ? `  Ballot tracker  ${verdict.tracker ?? ''}\n`
          : `  Public key      ${verdict.enrolledKey}\n`) +
        `  Log entry       ${verdict.index}\n` +
        `  Log             ${verdict.receiptSize} entries when the receipt was made, ${verdict.currentSize} now, nothing before changed\n`,
    );
    if (shown !== undefined) out.say(`\n${shown.text}`);
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

async function showBallot(text: string, met: Met, io: Io): Promise<ShownBallot> {
  const receipt = openReceipt(text, met.election);
  const { ballot } = ballotInReceipt(receipt);
  if (ballot.form === 'sealed') throw sealed();
  const round = await roundOf(ballot, receipt.index, met, io);
  const { questions } = round;
  return {
    text: `Your ballot, number ${ballot.number} of yours in round ${round.round}:\n${voteText(questions, ballot.choices)}`,
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

/** The round that a ballot was cast in: the newest, or an earlier one, which is before the ballot in the log. */
async function roundOf(
  ballot: Ballot,
  before: number,
  { client, election }: Met,
  io: Io,
): Promise<RoundEntry> {
  if (election.round?.cid.equals(ballot.round)) return election.round.entry;
  const progress = showProgress(io, 'Looking for the round', before);
  try {
    let done = 0;
    for await (const chunk of client.entries(0, before)) {
      for (const bytes of chunk) {
        // The CID is a hash of the entry, so whatever has it is the round that the voter signed for.
        const entry = cidOf(bytes).equals(ballot.round) ? decodeEntry(bytes) : undefined;
        if (entry?.ok === true && entry.value.kind === 'round') return entry.value;
      }
      progress.update((done += chunk.length));
    }
  } finally {
    progress.stop();
  }
  throw refused('bad-answer', 'The peer does not show the round that the ballot was cast in.');
}
