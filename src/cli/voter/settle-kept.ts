import { equalBytes } from '../../base/bytes.ts';
import { PsephosError, refused } from '../../base/errors.ts';
import { pseudonym } from '../../crypto/credential.ts';
import { publicKeyOf } from '../../crypto/signature.ts';
import type { GenesisEntry } from '../../election/entries.ts';
import type { VoterRecord } from '../../services/ports.ts';
import { seedOf } from '../../services/voter-session.ts';
import type { KeptBallot } from '../../store/kept-ballots.ts';
import type { KeptStep } from './ask.ts';
import { FINAL } from './cast.ts';
import { type Session, deliver } from './deliver.ts';
import type { Voting } from './voting.ts';

/** Whose ballots are looked for, as far as that is known. */
export interface KeptFor {
  readonly electionId?: string | undefined;
  readonly peerId?: string | undefined;
  readonly genesis?: GenesisEntry;
}

/**
 * The ballots that earlier runs left for an election, or for any of an organiser, as far as they may be this voter's: of a voter whom no
 * flag names that is every one, and so it is of pseudonyms until the election is known. Throws as `seedOf`.
 */
export async function keptOf(
  { flags, credentials, box }: Voting,
  { electionId, peerId, genesis }: KeptFor,
): Promise<KeptBallot[]> {
  if (flags.audit !== undefined) return [];
  const { publicKeyOfPeer } = await import('../../net/index.ts');
  const found =
    electionId !== undefined
      ? await box.find({ electionId })
      : peerId !== undefined
        ? await box.find({ authority: publicKeyOfPeer(peerId) })
        : [];
  if ('seed' in credentials) return ofKey(found, credentials.seed);
  const { username, secret } = credentials;
  if (username === undefined) return found;
  const isPseudonymous = ({ ballot, voter }: KeptBallot) => voter === pseudonym(ballot.voter);
  const named = found.filter(({ voter }) => username.normalize('NFC').trim() === voter);
  const unnamed = found.filter(isPseudonymous);
  if (unnamed.length === 0 || genesis === undefined || secret === undefined) return [...named, ...unnamed];
  return [...named, ...ofKey(unnamed, seedOf(genesis, username, secret))];
}

function ofKey(found: readonly KeptBallot[], seed: Uint8Array): KeptBallot[] {
  const key = publicKeyOf(seed);
  return found.filter(({ ballot }) => equalBytes(ballot.voter, key));
}

/**
 * Does with kept ballots what their voter wants; resolves to whether that was all to be done. Without anybody to ask they are cast, since
 * their voters wanted that when they were made; choices that flags give are for another run then. Throws as `deliver`, and `nothing-kept`.
 */
export async function settleKept(
  kept: readonly KeptBallot[],
  session: Session,
  voting: Voting,
): Promise<boolean> {
  const { flags } = voting;
  if (flags.pending === 'cast' && kept.length === 0)
    throw refused('nothing-kept', 'No such ballot is kept on this computer. Nothing was cast.');
  // Who they are is found out first: see `settleOwn`.
  if (flags.pending === 'discard') return false;
  let isCast = false;
  let refusal: PsephosError | undefined;
  for (const one of kept) {
    const step = await stepFor(voting);
    if (step === 'leave') continue;
    try {
      await settle(one, step, session, voting, kept.length > 1);
    } catch (error) {
      // What is wrong with one voter's ballot keeps nobody else's from being cast.
      if (!(error instanceof PsephosError && FINAL.has(error.code))) throw error;
      if (refusal !== undefined) voting.out.note(`${refusal.message}\n`);
      refusal = error;
      continue;
    }
    if (step === 'cast') isCast = true;
  }
  if (refusal !== undefined) throw refusal;
  return isCast;
}

/**
 * The same for the ballot of a voter who is known by now. One that stays where it is keeps them from making another: both would have the same
 * number. Throws `ballot-kept`.
 */
export async function settleOwn(record: VoterRecord, session: Session, voting: Voting): Promise<boolean> {
  const { flags, box } = voting;
  const own = await box.of(session.met.election.electionId, record.key);
  if (own === undefined) return false;
  if (flags.pending !== 'discard') box.sayFound(own);
  const step = flags.pending ?? (await stepFor(voting));
  if (step === 'leave')
    throw refused(
      'ballot-kept',
      `Your ballot ${own.tracker} is kept, and has to be cast or thrown away first.`,
    );
  await settle(own, step, session, voting, false);
  return step === 'cast';
}

async function stepFor({ flags, ask }: Voting): Promise<KeptStep> {
  return ask === undefined || flags.yes === true || flags.pending === 'cast' ? 'cast' : ask.keptBallot();
}

async function settle(
  kept: KeptBallot,
  step: 'cast' | 'discard',
  session: Session,
  { flags, box, io, out }: Voting,
  isOneOfSeveral: boolean,
): Promise<void> {
  if (step === 'discard') {
    await box.discard(kept);
    return;
  }
  const { receipt, ...others } = flags;
  const hasName = receipt !== undefined && !isOneOfSeveral;
  await deliver(box.resume(kept), session, hasName ? { ...others, receipt } : others, io, out);
  if (flags.choose !== undefined && flags.pending === undefined)
    out.note(
      '\nThat was the ballot that was kept. The choices that you gave now were not used: to vote otherwise where that is possible, run the program again.\n',
    );
}
