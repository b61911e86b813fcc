import { equalBytes } from '../base/bytes.ts';
import { refused } from '../base/errors.ts';
import type { Random } from '../belenios/v1/proofs.ts';
import { type SoundTrustees, readTrustees } from '../belenios/v1/sealed-round.ts';
import { cidOf } from '../crypto/cid.ts';
import {
  credentialSeed,
  fingerprint,
  isAcceptableKdf,
  normaliseSecret,
  normaliseUsername,
  pseudonym,
} from '../crypto/credential.ts';
import { publicKeyOf } from '../crypto/signature.ts';
import {
  type Ballot,
  type UnsignedBallot,
  encodeSignedBallot,
  readBallot,
  signBallot,
  trackerOf,
} from '../election/ballot.ts';
import { type Choice, choiceProblems } from '../election/choices.ts';
import type { EnrolmentEntry, Entry, GenesisEntry, RoundEntry } from '../election/entries.ts';
import { ballotsCast } from '../election/rules.ts';
import { type Checkpoint, type LogKey, openCheckpoint, origin } from '../log/checkpoint.ts';
import { decodeEntry } from '../log/entry-codec.ts';
import { leafHash, verifyInclusion } from '../log/merkle.ts';
import type { BallotPromise } from '../log/promise.ts';
import { type Receipt, checkReceipt, parseReceipt } from '../log/receipt.ts';
import { openOwnPromise, timeProblem } from './heard-promise.ts';
import { platformRandom } from './platform-random.ts';
import { type Opening, sealVote } from './sealing.ts';
import {
  type Clock,
  type DraftRound,
  type LiveTurnout,
  type PeerClient,
  PeerRefusal,
  type ProvenEntry,
  type VoterAnswer,
  type VoterRecord,
  isForeseen,
} from './ports.ts';

/** An election as a voter's program came to know it: everything here was checked against the authority's signature. */
export interface KnownElection {
  readonly electionId: string;
  readonly fingerprint: string;
  readonly genesis: GenesisEntry;
  /** The genesis' exact bytes, of which the election's id is the hash. */
  readonly genesisBytes: Uint8Array;
  /** Who shows it: an observer takes no ballots, and may know less than the authority does. */
  readonly servedBy: 'authority' | 'observer';
  /** The newest round, if any was opened yet. */
  readonly round: { readonly entry: RoundEntry; readonly cid: ReturnType<typeof cidOf> } | null;
  /** In a sealed election, who can decrypt; null until they are set. */
  readonly trustees: SoundTrustees | null;
  readonly checkpoint: Checkpoint;
  /** As the peer says, and nothing proves: whether it takes ballots now, what comes next, and the turnout. */
  readonly open: boolean;
  readonly draft: DraftRound | null;
  readonly turnout: LiveTurnout;
}

/**
 * Asks a peer for its election and checks the answer: the key that the genesis names signed the checkpoint, and genesis and round are
 * in the log that it covers. The peer must hold that key itself, unless `reading`: then it may be an observer, and whoever calls must
 * know by other means that this is the election that is meant. Throws `not-the-authority`, `wrong-election` (where `expected` is
 * another id) or `bad-answer`.
 */
export async function meetElection(
  client: PeerClient,
  expected?: string,
  { reading = false }: { readonly reading?: boolean } = {},
): Promise<KnownElection> {
  const info = await client.info();
  const genesis = readEntry(info.genesis, 'genesis');
  const electionId = cidOf(info.genesis.entry).toString();
  const servedBy = equalBytes(genesis.authority, client.peerKey) ? 'authority' : 'observer';
  if (expected !== undefined && expected !== electionId) {
    throw refused('wrong-election', `The peer runs election ${electionId}, not ${expected}.`, {
      hint: 'Check the address and the invite; they belong to different elections.',
    });
  }
  if (servedBy === 'observer' && !reading) {
    throw refused('not-the-authority', 'This is an observer: it shows the election and takes no ballots.', {
      hint: "Dial the organiser's invite.",
    });
  }
  if (!isAcceptableKdf(genesis.kdf)) throw badAnswer('its Argon2id cost is outside the allowed bounds');
  const checkpoint = openCheckpoint(info.checkpoint, logKeyOf({ electionId, genesis }));
  if (!checkpoint.ok) throw badAnswer(`its checkpoint is not valid: ${checkpoint.error}`);
  requireInclusion(info.genesis, checkpoint.value, 'the genesis');
  if (info.genesis.index !== 0) throw badAnswer('its genesis is not the first entry');
  const trustees = info.trustees === null ? null : soundTrustees(info.trustees, checkpoint.value);
  let round: KnownElection['round'] = null;
  if (info.round !== null) {
    requireInclusion(info.round, checkpoint.value, 'the round');
    round = { entry: readEntry(info.round, 'round'), cid: cidOf(info.round.entry) };
  }
  return {
    electionId,
    fingerprint: fingerprint(electionId),
    genesis,
    genesisBytes: info.genesis.entry,
    servedBy,
    round,
    trustees,
    checkpoint: checkpoint.value,
    open: info.open,
    draft: info.draft,
    turnout: info.turnout,
  };
}

function soundTrustees(proven: ProvenEntry, checkpoint: Checkpoint): SoundTrustees {
  requireInclusion(proven, checkpoint, 'the trustees');
  const read = readTrustees(readEntry(proven, 'trustees').trustees);
  if (!read.ok) throw badAnswer(`its trustees are not sound: ${read.error}`);
  return read.value;
}

function readEntry<K extends Entry['kind']>(proven: ProvenEntry, kind: K): Extract<Entry, { kind: K }> {
  const decoded = decodeEntry(proven.entry);
  if (!decoded.ok) throw badAnswer(`its ${kind} can't be read: ${decoded.error}`);
  if (!isKind(decoded.value, kind))
    throw badAnswer(`a ${decoded.value.kind} entry where its ${kind} was due`);
  if (decoded.value.seq !== proven.index) throw badAnswer(`its ${kind} has another index than it says`);
  return decoded.value;
}

function isKind<K extends Entry['kind']>(entry: Entry, kind: K): entry is Extract<Entry, { kind: K }> {
  return entry.kind === kind;
}

/** Throws `bad-answer` where the peer has not proven that an entry is in the log of a checkpoint. */
export function requireInclusion(proven: ProvenEntry, checkpoint: Checkpoint, what: string): void {
  const included = verifyInclusion({
    leafHash: leafHash(proven.entry),
    index: proven.index,
    size: checkpoint.size,
    proof: proven.proof,
    root: checkpoint.root,
  });
  if (!included) throw badAnswer(`it could not prove that ${what} is in its log`);
}

/** The error for an answer that does not hold. */
export function badAnswer(why: string): Error {
  return refused('bad-answer', `The peer's answer doesn't hold: ${why}.`, {
    hint: 'Tell the organiser, and other voters: either the network or the organiser is not what it should be.',
  });
}

/**
 * The seed behind a username and secret in an election (slow on purpose: Argon2id). Throws `bad-username` or
 * `bad-secret` where they can't be right, which says what was mistyped and reveals nothing.
 */
export function seedOf(genesis: GenesisEntry, typedUsername: string, typedSecret: string): Uint8Array {
  const username = normaliseUsername(typedUsername);
  if (!username.ok) throw refused('bad-username', `The username can't be right: ${username.error}.`);
  const secret = normaliseSecret(typedSecret);
  if (!secret.ok) {
    throw refused('bad-secret', `The secret can't be right: ${secret.error}.`, {
      hint: 'Type it again as it stands on the sheet you were given.',
    });
  }
  return credentialSeed({
    uuid: genesis.uuid,
    username: username.value,
    secret: secret.value,
    kdf: genesis.kdf,
  });
}

/**
 * Finds a key on the roll, or one that its voter enrolled. Throws `unknown-voter`; `already-enrolled` where the voter enrolled another key, so
 * that the secret votes no longer; or, where the roll shows usernames and has this one under another key, `wrong-secret`.
 */
export async function findVoter(
  client: PeerClient,
  { genesis }: KnownElection,
  who: { readonly seed: Uint8Array; readonly username?: string },
): Promise<VoterAnswer> {
  const key = publicKeyOf(who.seed);
  const record = await client.standing({ key });
  if (record !== undefined) return record;
  if (who.username === undefined) {
    throw refused('unknown-voter', 'The key is not on the roll of this election.', {
      hint: 'Check that this is the key file whose public key you gave the organiser, or enrolled.',
    });
  }
  const isPseudonymous = genesis.policy.names === 'pseudonym';
  const name = isPseudonymous ? pseudonym(key) : who.username.normalize('NFC').trim();
  const named = await client.standing({ name });
  if (named?.enrolled === true) {
    throw refused(
      'already-enrolled',
      `"${who.username}" has enrolled a key of their own, and the secret on the sheet votes no longer.`,
      {
        hint: 'Vote with that key: --key-file FILE. If you did not enrol one, tell the organiser at once: somebody had your secret.',
      },
    );
  }
  if (isPseudonymous) {
    throw refused(
      'unknown-voter',
      `No voter on the roll has the username "${who.username}" and this secret.`,
      {
        hint: 'Check both as they stand on your sheet, and that the sheet is for this election.',
      },
    );
  }
  if (named === undefined) {
    throw refused('unknown-voter', `There is no voter "${who.username}" on the roll.`, {
      hint: 'Check the username as it stands on your sheet, or ask the organiser.',
    });
  }
  throw refused('wrong-secret', `"${who.username}" is on the roll, but this secret is not theirs.`, {
    hint: 'Check the secret as it stands on your sheet, and that the sheet is for this election.',
  });
}

/** A ballot that is ready to be cast. */
export interface PreparedBallot {
  /** In a sealed election, what the choices were encrypted with: for the voter alone, and to be forgotten. */
  readonly opening?: Opening;
  readonly bytes: Uint8Array;
  readonly tracker: string;
  /** 1 for a first ballot; above that it replaces an earlier one. */
  readonly number: number;
}

/** The round that takes ballots now. Throws `not-open` or `closed`. */
export function openRound({ round, open }: KnownElection): NonNullable<KnownElection['round']> {
  if (round === null) throw refused('not-open', 'No round of this election is open yet.');
  if (!open) throw refused('closed', `Round ${round.entry.round} is closed.`);
  return round;
}

/** The number that a voter's next ballot gets. Throws `not-open`, `closed` or `already-voted`. */
export function nextBallotNumber(election: KnownElection, record: VoterRecord): number {
  const cast = ballotsCast(record, openRound(election).entry.round);
  if (cast > 0 && election.genesis.policy.revote === 'never') {
    throw refused('already-voted', 'You have already voted in this round, and the first ballot stands.', {
      hint: 'If that ballot was not yours, tell the organiser: somebody has your secret.',
    });
  }
  return cast + 1;
}

/**
 * Builds and signs a ballot for the open round; in a sealed election it is encrypted here. Throws `not-open`, `closed`, `already-voted`, `bad-choice`, or `bad-answer` where a sealed round has no trustees.
 */
export function prepareBallot(
  election: KnownElection,
  voter: { readonly seed: Uint8Array; readonly record: VoterRecord },
  choices: readonly Choice[],
  random: Random = platformRandom,
): PreparedBallot {
  const round = openRound(election);
  const problems = choiceProblems(choices, round.entry.questions);
  if (problems.length > 0) throw refused('bad-choice', `Not a valid vote: ${problems.join('; ')}.`);
  const number = nextBallotNumber(election, voter.record);
  const at = { round: round.cid, number };
  if (election.genesis.policy.secrecy === 'open') return signed({ ...at, form: 'open', choices }, voter.seed);
  const opening = sealVote(election, round, voter.seed, choices, random);
  return { ...signed({ ...at, form: 'sealed', sealed: opening.sealed }, voter.seed), opening };
}

function signed(ballot: UnsignedBallot, seed: Uint8Array): PreparedBallot {
  const bytes = encodeSignedBallot(signBallot(ballot, seed));
  return { bytes, tracker: trackerOf(ballot, bytes), number: ballot.number };
}

/** A receipt that was checked: it proves that this very ballot is in the log, at `receipt.index`. */
export interface CastBallot extends PreparedBallot {
  readonly receipt: Receipt;
  /** What was wrong with a promise that came before the receipt. The ballot is cast for all that. */
  readonly badPromise?: string;
}

export interface CastOptions {
  /** Needed to tell promises for a time that nobody will wait for; without it any time will do. */
  readonly clock?: Clock;
  /** Hears each promise that is the authority's word about this ballot as it comes: what is left where no receipt follows. */
  readonly onPromise?: (promise: BallotPromise) => void;
}

/**
 * Casts a ballot and checks the receipt before saying so. Sending the same bytes again is harmless. Throws the refusal
 * as `refused(code)`, `bad-receipt`, or `bad-promise` where no receipt came and a promise that does not hold: then the ballot may have been
 * cast, whatever the peer says.
 */
export async function castBallot(
  client: PeerClient,
  election: KnownElection,
  ballot: PreparedBallot,
  { clock, onPromise = () => undefined }: CastOptions = {},
): Promise<CastBallot> {
  const key = { origin: origin(election.electionId), publicKey: election.genesis.authority };
  let unsound: string | undefined;
  let isHeard = false;
  let text;
  try {
    text = await client.cast(ballot.bytes, (given) => {
      const promise = openOwnPromise(given, key, ballot.bytes);
      if (!promise.ok) {
        unsound = promise.error;
        return;
      }
      const closes = election.round?.entry.closes ?? null;
      const problem = timeProblem(promise.value, { now: clock?.now(), closes });
      unsound = problem ?? unsound;
      // It is the authority's word all the same; but of two the one that can be waited for is worth more.
      if (problem === undefined || !isHeard) onPromise(promise.value);
      isHeard = true;
    });
  } catch (error) {
    if (!isForeseen(error)) throw error;
    if (unsound !== undefined) throw badPromise(unsound, error);
    if (error instanceof PeerRefusal) throw refused(error.code, error.message, { cause: error });
    throw error;
  }
  const receipt = openReceipt(text, election);
  if (!equalBytes(ballotInReceipt(receipt).bytes, ballot.bytes)) throw badReceipt('it is for another ballot');
  return { ...ballot, receipt, ...(unsound === undefined ? {} : { badPromise: unsound }) };
}

function badPromise(why: string, cause: Error): Error {
  return refused(
    'bad-promise',
    `No receipt came, and the promise of one doesn't hold: ${why}. The ballot may have been cast. ${cause.message}`,
    {
      hint: "Unless this computer's clock is wrong, tell the organiser and the observers: an honest program gives no such promise.",
      cause,
    },
  );
}

/** The log that an election's checkpoints are of, and the key that signs them. */
export function logKeyOf({ electionId, genesis }: Pick<KnownElection, 'electionId' | 'genesis'>): LogKey {
  return { origin: origin(electionId), publicKey: genesis.authority };
}

/** Reads a receipt and checks it against the authority's key, without any network. Throws `bad-receipt`. */
export function openReceipt(text: string, election: Pick<KnownElection, 'electionId' | 'genesis'>): Receipt {
  const receipt = parseReceipt(text);
  if (!receipt.ok) throw badReceipt(receipt.error);
  if (receipt.value.extra === undefined) throw badReceipt('it does not hold the log entry that it is for');
  const checked = checkReceipt(receipt.value, { ...logKeyOf(election), entry: receipt.value.extra });
  if (!checked.ok) throw badReceipt(checked.error);
  return receipt.value;
}

/** A ballot as a receipt's entry has it. */
export interface ReceiptBallot {
  readonly ballot: Ballot;
  /** The bytes that were cast. */
  readonly bytes: Uint8Array;
  readonly tracker: string;
}

/** The ballot inside the entry that a receipt is for. Throws `bad-receipt`. */
export function ballotInReceipt(receipt: Receipt): ReceiptBallot {
  const entry = entryInReceipt(receipt);
  if (entry.kind !== 'ballot') throw badReceipt(`it is for a ${entry.kind} entry, not for a ballot`);
  const ballot = readBallot(entry.ballot);
  if (!ballot.ok) throw badReceipt(ballot.error.message);
  const bytes = encodeSignedBallot(entry.ballot);
  return { ballot: ballot.value, bytes, tracker: trackerOf(ballot.value, bytes) };
}

/** The enrolment that a receipt is for. Throws `bad-receipt`. */
export function enrolmentInReceipt(receipt: Receipt): EnrolmentEntry {
  const entry = entryInReceipt(receipt);
  if (entry.kind !== 'enrolment') throw badReceipt(`it is for a ${entry.kind} entry, not for an enrolment`);
  return entry;
}

/** The entry that a receipt holds. Throws `bad-receipt`. */
export function entryInReceipt(receipt: Receipt): Entry {
  const decoded = decodeEntry(receipt.extra ?? new Uint8Array());
  if (!decoded.ok) throw badReceipt(`its entry can't be read: ${decoded.error}`);
  if (decoded.value.seq !== receipt.index) throw badReceipt('its entry has another index');
  return decoded.value;
}

function badReceipt(why: string): Error {
  return refused('bad-receipt', `The receipt doesn't hold: ${why}.`, {
    hint: 'Keep the file as evidence and tell the organiser and the observers.',
  });
}
