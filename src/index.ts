/** The public library: what the programs are made of. Each name is documented where it is defined. */

export { type FailureKind, PsephosError } from './base/errors.ts';
export type { Result } from './base/result.ts';

// Elections and ballots.
export {
  type Ballot,
  decodeSignedBallot,
  encodeSignedBallot,
  readBallot,
  signBallot,
  trackerOf,
} from './election/ballot.ts';
export { type Choice, choiceProblems } from './election/choices.ts';
export type {
  BallotEntry,
  CloseEntry,
  Enrolment,
  EnrolmentEntry,
  Entry,
  GenesisEntry,
  Kdf,
  Policy,
  Question,
  QuestionResult,
  ResultEntry,
  RollEntry,
  RoundEntry,
  SignedBallot,
  Turnout,
  Voter,
} from './election/entries.ts';
export { LogState, type Phase, type RoundState } from './election/log-state.ts';
export {
  type Registration,
  decodeRollFile,
  encodeRollFile,
  makeRegistration,
  registrarFingerprint,
  registrationProblem,
  rollFingerprint,
} from './election/registration.ts';
export { decodeEnrolment, encodeEnrolment, enrolmentProblems, signEnrolment } from './election/enrolment.ts';
export type { Refusal, RefusalCode } from './election/refusal.ts';

// Credentials and signatures.
export { cidOf } from './crypto/cid.ts';
export {
  DEFAULT_KDF,
  type KdfCost,
  credentialSeed,
  fingerprint,
  generateSecret,
  normaliseSecret,
  normaliseUsername,
  pseudonym,
} from './crypto/credential.ts';
export { isAcceptableKey, publicKeyOf, sign, verify } from './crypto/signature.ts';

// The log and its proofs.
export {
  type Checkpoint,
  type LogKey,
  type TreeHead,
  openCheckpoint,
  origin,
  parseCheckpoint,
  verifierKey,
} from './log/checkpoint.ts';
export {
  type Cosignature,
  type CosignedCheckpoint,
  cosign,
  cosignaturesOf,
  cosignerName,
  cosignerVerifierKey,
  openCosigned,
} from './log/cosignature.ts';
export { decodeEntry, encodeEntry } from './log/entry-codec.ts';
export {
  type Continuity,
  type Evidence,
  type JudgedEvidence,
  continuity,
  formatEvidence,
  judgeEvidence,
  parseEvidence,
} from './log/evidence.ts';
export { leafHash, verifyConsistency, verifyInclusion } from './log/merkle.ts';
export { type BallotPromise, openPromise } from './log/promise.ts';
export { type Receipt, checkReceipt, formatReceipt, parseReceipt } from './log/receipt.ts';
export { type RoundResult, RoundTally } from './tally/tally.ts';

// Auditing.
export { type EntryChecker, inProcessChecker } from './audit/checker.ts';
export { type AuditReport, type CheckReport, type Finding, describeFinding } from './audit/report.ts';
export { type AuditOptions, audit } from './audit/run.ts';
export type { LogSource } from './audit/source.ts';
export { createChecker } from './audit/worker-pool.ts';

// Roles.
export { Caretaker } from './services/caretaker.ts';
export { type ElectionSetup, createElection } from './services/create-election.ts';
export { ElectionLog, type ElectionLogInit } from './services/election-log.ts';
export { ElectionNode } from './services/election-node.ts';
export {
  type Enrolled,
  type EnrolmentSeeds,
  enrolKey,
  expectEnrollable,
  isEnrolled,
} from './services/enrolling.ts';
export { EnrolmentDesk } from './services/enrolment-desk.ts';
export type { EventListener, StationEvent } from './services/events.ts';
export { LogCopy, type LogCopyInit } from './services/log-copy.ts';
export type { LogView } from './services/log-view.ts';
export { Observer, type ObserverInit } from './services/observer.ts';
export { type FetchInit, fetchLog } from './services/restoring/fetching.ts';
export {
  type HeldCheckpoint,
  HeldCheckpoints,
  type HistoryProblem,
} from './services/restoring/held-checkpoints.ts';
export { type FetchSource, peerSource, storedSource } from './services/restoring/log-sources.ts';
export { type Answered, Survey, type SurveyInit } from './services/restoring/survey.ts';
export { ServedLog } from './services/served-log.ts';
export { WitnessDesk, type WitnessEvent, type WitnessInit } from './services/witness-desk.ts';
export { type RecoveredReceipt, recoverReceipt } from './services/lost-receipt.ts';
export { type ElectionStatus, Organiser } from './services/organiser.ts';
export { PollingStation } from './services/polling-station.ts';
export { CeremonyDesk, type CeremonyStanding } from './services/ceremony-desk.ts';
export { type Readiness, TrusteeCalls } from './services/trustee-calls.ts';
export { TrusteeDesk } from './services/trustee-desk.ts';
export { type Duty, type TrusteeSelf, dutyOf, shareOf } from './services/trustee-duties.ts';
export {
  type BallotCheckReport,
  type Clock,
  type DraftRound,
  type ElectionInfo,
  type Exchange,
  type ExchangeAnswer,
  type InclusionQuery,
  type IndexedEnrolment,
  type KeptReceipt,
  type LogUpdate,
  type ObserverAddress,
  type LiveTurnout,
  type NodeService,
  type PeerClient,
  PeerRefusal,
  type ProvenEntry,
  type ReadService,
  type Remembered,
  type Store,
  type StoreBatch,
  type VoterAnswer,
  type VoterMemory,
  type VoterRecord,
  type WireCode,
} from './services/ports.ts';
export {
  type CastBallot,
  type CastOptions,
  type KnownElection,
  type PreparedBallot,
  castBallot,
  findVoter,
  meetElection,
  nextBallotNumber,
  openReceipt,
  openRound,
  prepareBallot,
  seedOf,
} from './services/voter-session.ts';
export { LogConflict, type ReceiptVerdict, verifyReceipt } from './services/receipt-check.ts';
export { VoterWitness, type VoterWitnessInit } from './services/voter-witness.ts';
export type { BadPeer, EarlierReceipt, Visit, VoterAlarm } from './services/witnessing/findings.ts';
export type { ObserverWord } from './services/witnessing/chain.ts';

// The network and the disk.
export * from './net/index.ts';
export * from './store/index.ts';
