import { equalBytes, toHex } from '../base/bytes.ts';
import { PsephosError, refused } from '../base/errors.ts';
import { cidOf } from '../crypto/cid.ts';
import type { Ballot } from '../election/ballot.ts';
import type { RoundEntry } from '../election/entries.ts';
import { type Checkpoint, openCheckpoint } from '../log/checkpoint.ts';
import { decodeEntry } from '../log/entry-codec.ts';
import type { ForkEvidence, OmissionEvidence, ProvenPrefix } from '../log/evidence.ts';
import type { Receipt } from '../log/receipt.ts';
import { type PeerClient, PeerRefusal, type ProvenEntry } from './ports.ts';
import {
  type KnownElection,
  badAnswer,
  ballotInReceipt,
  entryInReceipt,
  logKeyOf,
  openReceipt,
  requireInclusion,
} from './voter-session.ts';
import { judged } from './witnessing/comparison.ts';

export interface ReceiptVerdict {
  /** Of a ballot's receipt. */
  readonly tracker?: string;
  /** Of an enrolment's receipt: the new public key in hex. */
  readonly enrolledKey?: string;
  readonly index: number;
  /** Size of the log that the receipt's checkpoint covers, and of the log now. */
  readonly receiptSize: number;
  readonly currentSize: number;
}

/** The log does not hold what the authority signed that it holds; `evidence` shows it to others. */
export class LogConflict extends PsephosError {
  readonly evidence: ForkEvidence | OmissionEvidence;

  constructor(why: string, evidence: ForkEvidence | OmissionEvidence) {
    super('refused', 'log-conflict', `The log was rewritten: ${why}.`, {
      hint: 'Your receipt is evidence of it. Keep the file, and show it to the observers and to other voters.',
    });
    this.evidence = evidence;
  }
}

/**
 * Proves that a receipt's ballot, or enrolment, is in the log as it is now: the receipt holds, the log now begins with the log that it
 * was given for, and the entry is in it. Throws `bad-receipt`; `LogConflict` where the log is another one, shorter, or without the entry;
 * `behind` where an observer does not have so much of the log yet; or `bad-answer`.
 */
export async function verifyReceipt(
  client: PeerClient,
  text: string,
  election: KnownElection,
): Promise<ReceiptVerdict> {
  return (await examineReceipt(client, text, election)).verdict;
}

/** As `verifyReceipt`, with the checkpoint of the log in which the entry is. */
export async function examineReceipt(
  client: PeerClient,
  text: string,
  election: KnownElection,
): Promise<{ readonly verdict: ReceiptVerdict; readonly shown: Checkpoint }> {
  const receipt = openReceipt(text, election);
  const subject = subjectOf(receipt);
  const old = receipt.checkpoint;
  const shown = await shownEntry(client, receipt.index);
  const current = openShown(shown?.checkpoint ?? (await client.latestCheckpoint()), election);
  if (current.size < old.size) throw shorter(receipt, current, election);
  const prefix = await shownPrefix(client, old.size, current.size);
  const stands = prefix === undefined ? undefined : judged(election.genesisBytes, old, current, prefix);
  if (stands?.kind === 'conflicts') {
    throw new LogConflict(
      'the log now does not begin with the log that the receipt was given for',
      stands.evidence,
    );
  }
  if (stands?.kind !== 'continues')
    throw unproven('it could not be shown how the log goes on from there', receipt, current, election);
  if (shown === undefined || !equalBytes(shown.entry, receipt.extra ?? new Uint8Array()))
    throw unproven('the entry is not shown any more', receipt, current, election);
  requireInclusion(shown, current, 'what the receipt is for');
  return {
    verdict: { ...subject, index: receipt.index, receiptSize: old.size, currentSize: current.size },
    shown: current,
  };
}

/** What a receipt is for, as `ReceiptVerdict` names it. Throws `bad-receipt`. */
export function subjectOf(receipt: Receipt): Pick<ReceiptVerdict, 'tracker' | 'enrolledKey'> {
  const entry = entryInReceipt(receipt);
  return entry.kind === 'enrolment'
    ? { enrolledKey: toHex(entry.key) }
    : { tracker: ballotInReceipt(receipt).tracker };
}

/** The round that a ballot was cast in. Throws `bad-answer` where the peer does not show it. */
export async function roundOf(
  ballot: Pick<Ballot, 'round'>,
  client: PeerClient,
  election: KnownElection,
): Promise<RoundEntry> {
  const newest = election.round;
  if (newest?.cid.equals(ballot.round) === true) return newest.entry;
  for (let number = (newest?.entry.round ?? 0) - 1; number >= 1; number--) {
    const { entry } = await client.inclusion({ round: number });
    // The CID is a hash of the entry, so whatever has it is the round that the voter signed for.
    const decoded = cidOf(entry).equals(ballot.round) ? decodeEntry(entry) : undefined;
    if (decoded?.ok === true && decoded.value.kind === 'round') return decoded.value;
  }
  throw badAnswer('it does not show the round that the ballot was cast in');
}

/** The entry at an index with its proof; undefined where the peer has none there. */
async function shownEntry(
  client: PeerClient,
  index: number,
): Promise<(ProvenEntry & { readonly checkpoint: string }) | undefined> {
  return client.inclusion({ index }).catch(notFound);
}

async function shownPrefix(
  client: PeerClient,
  first: number,
  second: number,
): Promise<ProvenPrefix | undefined> {
  return client.consistency(first, second).catch(notFound);
}

function notFound(error: unknown): undefined {
  if (error instanceof PeerRefusal && error.code === 'not-found') return undefined;
  throw error;
}

/** A checkpoint that a peer shows, which the authority must have signed. Throws `bad-answer`. */
export function openShown(text: string | undefined, election: KnownElection): Checkpoint {
  if (text === undefined) throw badAnswer('it has no checkpoint');
  const opened = openCheckpoint(text, logKeyOf(election));
  if (!opened.ok) throw badAnswer(`its checkpoint is not valid: ${opened.error}`);
  return opened.value;
}

/** The authority signed for more than it shows; an observer may only be behind. */
function shorter(receipt: Receipt, current: Checkpoint, election: KnownElection): Error {
  const { size } = receipt.checkpoint;
  if (election.servedBy === 'authority') {
    return new LogConflict(
      `the log has fewer than the ${size} entries that the receipt's checkpoint covers`,
      omission(receipt, current, election),
    );
  }
  return refused(
    'behind',
    `The observer has ${current.size} entries of the log, and the receipt is for the ${size}th or one before: it is behind.`,
    { hint: "Try again in a while, or dial another observer or the organiser's invite." },
  );
}

/** An observer that proves nothing says nothing of the authority; the authority itself has no excuse. */
function unproven(why: string, receipt: Receipt, current: Checkpoint, election: KnownElection): Error {
  return election.servedBy === 'authority'
    ? new LogConflict(why, omission(receipt, current, election))
    : badAnswer(why);
}

function omission(receipt: Receipt, served: Checkpoint, election: KnownElection): OmissionEvidence {
  return {
    kind: 'omission',
    genesis: election.genesisBytes,
    receipt: receipt.text,
    served: served.text,
  };
}
