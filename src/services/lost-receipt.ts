import { equalBytes } from '../base/bytes.ts';
import { refused } from '../base/errors.ts';
import { formatReceipt, type Receipt } from '../log/receipt.ts';
import type { PeerClient, VoterRecord } from './ports.ts';
import { type KnownElection, ballotInReceipt, openReceipt } from './voter-session.ts';

/** A receipt that was made again, and what it is for. */
export interface RecoveredReceipt {
  readonly receipt: Receipt;
  readonly tracker: string;
  /** The ballot's number among the voter's in its round. */
  readonly number: number;
}

/**
 * A receipt for the last ballot that a voter cast, for one who lost the answer or the file. It is checked as the first
 * one was, and proves as much; its checkpoint is the newest, so its text is another. Throws `no-ballot`, `bad-receipt`
 * or `bad-answer`.
 */
export async function recoverReceipt(
  client: PeerClient,
  election: KnownElection,
  { seq, key, name }: VoterRecord,
): Promise<RecoveredReceipt> {
  if (seq === null) {
    throw refused('no-ballot', `The log holds no ballot of ${name}.`, {
      hint: 'If you sent one and got no answer, it was not cast. Vote again.',
    });
  }
  const { index, entry, proof, checkpoint } = await client.inclusion({ index: seq });
  const receipt = openReceipt(
    formatReceipt({ index, proof, checkpoint: { text: checkpoint }, extra: entry }),
    election,
  );
  const { ballot, tracker } = ballotInReceipt(receipt);
  if (!equalBytes(ballot.voter, key)) {
    throw refused('bad-answer', `The peer shows entry ${index} as your last ballot, and it is not yours.`, {
      hint: 'Tell the organiser, and other voters.',
    });
  }
  return { receipt, tracker, number: ballot.number };
}
