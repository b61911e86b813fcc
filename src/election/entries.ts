import type { CID } from 'multiformats/cid';

/**
 * The log's entries as values. `log/entry-codec.ts` turns them into bytes and back; `rules.ts` says which may follow
 * which. Times are whole milliseconds since the Unix epoch, never decreasing along the log.
 */
export const ENTRY_VERSION = 1;

interface EntryBase {
  readonly v: typeof ENTRY_VERSION;
  /** Position in the log, from 0; also the leaf index in the Merkle tree. */
  readonly seq: number;
  /** CID of the entry before; null for the genesis. */
  readonly prev: CID | null;
  readonly time: number;
}

export interface Policy {
  /** Whether the log shows only encryptions of choices (`sealed`), or the choices (`open`). */
  readonly secrecy: 'sealed' | 'open';
  /** `last`: a later ballot replaces the earlier one; `never`: the first one stands. */
  readonly revote: 'last' | 'never';
  /** Whether the roll names voters by username or by a pseudonym derived from the key. */
  readonly names: 'public' | 'pseudonym';
  /** In a sealed election: what is done where a result would show how single voters voted; `warn` if not stated. */
  readonly smallGroups?: 'warn' | 'refuse' | undefined;
}

/** Argon2id cost for credentials of username and secret (RFC 9106; libsodium's `crypto_pwhash`). */
export interface Kdf {
  readonly name: 'argon2id';
  /** Passes over the memory. */
  readonly ops: number;
  /** Memory in bytes. */
  readonly mem: number;
}

export interface GenesisEntry extends EntryBase {
  readonly kind: 'genesis';
  readonly uuid: string;
  readonly title: string;
  readonly description: string;
  /** Ed25519 public key (RFC 8032, 32 bytes) that signs checkpoints; the admin node's libp2p identity. */
  readonly authority: Uint8Array;
  readonly policy: Policy;
  readonly kdf: Kdf;
  /** Who made the voters' secrets, where that is not the organiser: an Ed25519 key, and what it signed of the roll (`registration.ts`). */
  readonly registrar?: { readonly key: Uint8Array; readonly signature: Uint8Array } | undefined;
}

export interface Voter {
  /** Username, or the pseudonym where the policy says so. */
  readonly name: string;
  /** Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array;
  readonly weight: number;
}

/** One chunk of the roll. Across all chunks the names strictly increase by their UTF-8 bytes. */
export interface RollEntry extends EntryBase {
  readonly kind: 'roll';
  /** From 0. */
  readonly part: number;
  readonly parts: number;
  readonly voters: readonly Voter[];
}

/**
 * A voter's own key, which from here on stands for the voter in place of the one on the roll. Both keys sign
 * `enrolmentMessage`. Name and weight stay.
 */
export interface EnrolmentEntry extends EntryBase {
  readonly kind: 'enrolment';
  /** Ed25519 public key on the roll, 32 bytes. */
  readonly voter: Uint8Array;
  /** The new Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array;
  readonly voterSignature: Uint8Array;
  readonly keySignature: Uint8Array;
}

/** What of an enrolment is in the log. */
export type EnrolledKey = Pick<EnrolmentEntry, 'voter' | 'key' | 'voterSignature' | 'keySignature'>;

/** An enrolment as it travels. It names its election, so that one for another election can be told from a forged one. */
export interface Enrolment extends EnrolledKey {
  /** CID of the genesis. */
  readonly election: CID;
}

/** By which protocol, in which version, ballots are sealed, added up and decrypted. */
export const SEALING = 'belenios/1';

/**
 * Who can together decrypt what the sealed ballots of an election add up to. `trustees` is the protocol's own text, which
 * `belenios/v1` reads.
 */
export interface TrusteesEntry extends EntryBase {
  readonly kind: 'trustees';
  readonly protocol: typeof SEALING;
  readonly trustees: string;
}

/** Somebody who is invited to be a trustee: alone, or as a member of the threshold group. */
export interface InvitedTrustee {
  readonly name: string;
  readonly role: 'single' | 'member';
  /** Hash of the invitation's code (`invitationHash`), which its holder shows with the first step. */
  readonly invitation: Uint8Array;
}

/** `key`: a single trustee's public key. A member's: `certificate`, `polynomial`, `share`; or a `complaint` about another member. */
export type TrusteeStep = 'key' | 'certificate' | 'polynomial' | 'share' | 'complaint';

/** The beginning of a ceremony: who is invited, singles before members, and how many members will be needed (0 where there are none). */
export interface CeremonyStart {
  readonly kind: 'start';
  readonly threshold: number;
  readonly trustees: readonly InvitedTrustee[];
}

/** A trustee's step: the sealing protocol's own text, signed with the key of the trustee's first step. */
export interface CeremonyStep {
  readonly kind: TrusteeStep;
  /** Number among those invited, from 1. */
  readonly trustee: number;
  readonly text: string;
  readonly signature: string;
}

/** One step of making the trustees' keys. `start` begins a ceremony, and ends one that was under way. */
export interface CeremonyEntry extends EntryBase {
  readonly kind: 'ceremony';
  readonly step: CeremonyStart | CeremonyStep;
}

/** Asks the trustees to show that they could decrypt now; what they answer names this entry. */
export interface CallEntry extends EntryBase {
  readonly kind: 'call';
}

/** A trustee's answer to the newest call: a proof that it holds its working share. */
export interface ReadinessEntry extends EntryBase {
  readonly kind: 'readiness';
  /** Number among the trustees, from 1. */
  readonly trustee: number;
  readonly call: CID;
  /** The sealing protocol's own text of a proof. */
  readonly proof: string;
}

export interface Question {
  readonly question: string;
  readonly answers: readonly string[];
  /** How many answers a vote must, and may, choose. */
  readonly min: number;
  readonly max: number;
  /** Whether a vote may choose to be blank, and be counted as such. */
  readonly blank: boolean;
  readonly method: 'count';
}

/** Opens a round: ballots count from here on. */
export interface RoundEntry extends EntryBase {
  readonly kind: 'round';
  /** From 1. */
  readonly round: number;
  readonly title: string;
  readonly questions: readonly Question[];
  /** Ballots at or after this time are refused; null where the organiser closes by hand. */
  readonly closes: number | null;
}

/** A ballot as cast: the exact bytes that were signed, and the signature. `election/ballot.ts` reads the body. */
export interface SignedBallot {
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
}

export interface BallotEntry extends EntryBase {
  readonly kind: 'ballot';
  readonly ballot: SignedBallot;
}

export interface CloseEntry extends EntryBase {
  readonly kind: 'close';
  readonly round: number;
  readonly reason: 'organiser' | 'schedule';
}

/** The ballots of a closed sealed round added up under encryption; the text is the protocol's own. */
export interface TallyEntry extends EntryBase {
  readonly kind: 'tally';
  readonly round: number;
  /** Voters and weight whose ballot is in the sum. */
  readonly numTallied: number;
  readonly totalWeight: number;
  readonly encryptedTally: string;
}

/** One trustee's share of decrypting a tally, with its proofs; the text is the protocol's own. */
export interface DecryptionEntry extends EntryBase {
  readonly kind: 'decryption';
  readonly round: number;
  /** Number among the trustees, from 1. */
  readonly trustee: number;
  readonly partialDecryption: string;
  /** Of all of it together, which the protocol's own proofs leave out. */
  readonly proof: string;
}

export interface QuestionResult {
  /** Weighted votes per answer, in the order of the question's answers. */
  readonly answers: readonly number[];
  /** Weight of blank votes. */
  readonly blank: number;
  /** Indexes of the answers with the most votes: several on a tie, none when nobody chose any. */
  readonly winners: readonly number[];
}

export interface Turnout {
  /** Voters and weight on the roll. */
  readonly voters: number;
  readonly weight: number;
  /** Voters and weight whose ballot was counted. */
  readonly voted: number;
  readonly votedWeight: number;
  /** Ballots accepted, those replaced later included. */
  readonly ballots: number;
}

export interface ResultEntry extends EntryBase {
  readonly kind: 'result';
  readonly round: number;
  readonly turnout: Turnout;
  readonly questions: readonly QuestionResult[];
}

export type Entry =
  | GenesisEntry
  | RollEntry
  | EnrolmentEntry
  | CeremonyEntry
  | TrusteesEntry
  | CallEntry
  | ReadinessEntry
  | RoundEntry
  | BallotEntry
  | CloseEntry
  | TallyEntry
  | DecryptionEntry
  | ResultEntry;
export type EntryKind = Entry['kind'];

type WithoutPosition<E> = E extends Entry ? Omit<E, 'v' | 'seq' | 'prev' | 'time'> : never;
/** An entry before the log gave it a position and a time. */
export type EntryContent = WithoutPosition<Entry>;
