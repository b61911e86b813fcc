import * as z from 'zod';
import { equalBytes, fromBase64, toBase64 } from '../base/bytes.ts';
import { parseJson } from '../base/json.ts';
import { type Result, err, ok } from '../base/result.ts';
import { cidOf } from '../crypto/cid.ts';
import type { GenesisEntry } from '../election/entries.ts';
import { firstIssue } from '../election/schemas.ts';
import { type Checkpoint, type LogKey, openCheckpoint, origin } from './checkpoint.ts';
import { decodeEntry } from './entry-codec.ts';
import { HASH_BYTES, verifyConsistency } from './merkle.ts';
import { fitsBytes } from './note.ts';
import { type BallotPromise, openPromise } from './promise.ts';
import { type Receipt, checkReceipt, parseReceipt } from './receipt.ts';

/**
 * What shows that an authority broke its word, for anybody to check: everything in it is signed by the authority, or follows
 * from what is. As a file it is JSON, its bytes in base64 (docs/PROTOCOL, section 12.3).
 */
export type Evidence = ForkEvidence | OmissionEvidence | PromiseEvidence;

/** Two checkpoints that can't be of one history: proven by itself. */
export interface ForkEvidence {
  readonly kind: 'fork';
  /** The genesis entry, which names the authority and whose CID is the election's id. */
  readonly genesis: Uint8Array;
  /** The checkpoint of no more entries than the other. */
  readonly first: string;
  readonly second: string;
  /** The root of as many entries as `first` has, in the log of `second`: another than that of `first`. */
  readonly root: Uint8Array;
  /** Consistency proof from `root` to `second` (RFC 6962, section 2.1.2). */
  readonly proof: readonly Uint8Array[];
}

/** A receipt, and a checkpoint of the log that was served where its entry is not: proven by that log. */
export interface OmissionEvidence {
  readonly kind: 'omission';
  readonly genesis: Uint8Array;
  readonly receipt: string;
  readonly served: string;
}

/** A promise whose ballot is not in the log: proven by a log that goes on past the promised time. */
export interface PromiseEvidence {
  readonly kind: 'promise';
  readonly genesis: Uint8Array;
  readonly promise: string;
}

/** What evidence turns out to show by itself. */
export interface JudgedEvidence {
  readonly electionId: string;
  readonly genesis: GenesisEntry;
  readonly finding: EvidenceFinding;
}

export type EvidenceFinding =
  /** Proven: no log can continue both checkpoints. */
  | { readonly kind: 'fork'; readonly first: Checkpoint; readonly second: Checkpoint }
  /** To be held against a log: whether it continues the receipt's checkpoint. */
  | { readonly kind: 'omission'; readonly receipt: Receipt; readonly served: Checkpoint }
  /** To be held against a log: whether the ballot is in it. */
  | { readonly kind: 'promise'; readonly promise: BallotPromise };

/** A receipt holds its entry, which may be the longest, in base64; JSON escapes each of its few line ends. */
export const MAX_EVIDENCE_BYTES = 2 * 1024 * 1024;
const MAX_TEXT = 1024 * 1024;
/** The list of a proof, in an object. */
const MAX_DEPTH = 2;
const MAX_PROOF = 128;
/** A proof and the fields around it. Strangers send evidence, and a text of nothing but small values costs most to read. */
const MAX_VALUES = MAX_PROOF + 16;

const base64 = (maxBytes: number) =>
  z
    .string()
    .max(Math.ceil(maxBytes / 3) * 4)
    .transform((text, context) => {
      const bytes = fromBase64(text);
      if (bytes !== undefined) return bytes;
      context.addIssue({ code: 'custom', message: 'expected base64' });
      return z.NEVER;
    });
const hash = base64(HASH_BYTES).refine((bytes) => bytes.length === HASH_BYTES, 'expected a hash');
const frame = {
  psephos: z.literal('evidence'),
  version: z.literal(1),
  genesis: base64(64 * 1024),
};
const evidenceSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...frame,
    kind: z.literal('fork'),
    first: z.string().max(MAX_TEXT),
    second: z.string().max(MAX_TEXT),
    root: hash,
    proof: z.array(hash).max(MAX_PROOF),
  }),
  z.strictObject({
    ...frame,
    kind: z.literal('omission'),
    receipt: z.string().max(MAX_TEXT),
    served: z.string().max(MAX_TEXT),
  }),
  z.strictObject({ ...frame, kind: z.literal('promise'), promise: z.string().max(MAX_TEXT) }),
]);

/** The text of an evidence file: the same one for the same evidence. */
export function formatEvidence(evidence: Evidence): string {
  const frame = { psephos: 'evidence', version: 1, kind: evidence.kind, genesis: toBase64(evidence.genesis) };
  return `${JSON.stringify({ ...frame, ...ownFields(evidence) }, null, 2)}\n`;
}

/** Spelled out, since what is to be evidence may come with more fields, which no reader would take. */
function ownFields(evidence: Evidence): object {
  switch (evidence.kind) {
    case 'fork': {
      const { first, second, root, proof } = evidence;
      return { first, second, root: toBase64(root), proof: proof.map(toBase64) };
    }
    case 'omission':
      return { receipt: evidence.receipt, served: evidence.served };
    case 'promise':
      return { promise: evidence.promise };
  }
}

/**
 * Reads the text of an evidence file, and judges nothing. The error says why it is none. Its layout is free, since it travels by
 * ways that change spaces; but a field that is unknown or there twice is refused, so that all readers judge the same.
 */
export function parseEvidence(text: string): Result<Evidence, string> {
  if (!fitsBytes(text, MAX_EVIDENCE_BYTES)) return err(`it is longer than ${MAX_EVIDENCE_BYTES} bytes`);
  const json = parseJson(text, MAX_DEPTH, MAX_VALUES);
  if (!json.ok) return err(`it is ${json.error}`);
  const parsed = evidenceSchema.safeParse(json.value);
  if (!parsed.success) return err(firstIssue(parsed.error));
  const { data } = parsed;
  const { genesis } = data;
  switch (data.kind) {
    case 'fork':
      return ok({
        kind: data.kind,
        genesis,
        first: data.first,
        second: data.second,
        root: data.root,
        proof: data.proof,
      });
    case 'omission':
      return ok({ kind: data.kind, genesis, receipt: data.receipt, served: data.served });
    case 'promise':
      return ok({ kind: data.kind, genesis, promise: data.promise });
  }
}

/**
 * Whether evidence holds, without any network and trusting nobody: its signatures are the authority's, and it shows what it
 * says. The error says why it shows nothing. Of omissions and promises it holds only as far as it goes: see `EvidenceFinding`.
 */
export function judgeEvidence(evidence: Evidence): Result<JudgedEvidence, string> {
  const genesis = decodeEntry(evidence.genesis);
  if (!genesis.ok) return err(`its genesis can't be read: ${genesis.error}`);
  if (genesis.value.kind !== 'genesis')
    return err(`it has a ${genesis.value.kind} entry where its genesis was due`);
  const electionId = cidOf(evidence.genesis).toString();
  const key: LogKey = { origin: origin(electionId), publicKey: genesis.value.authority };
  const finding = findingOf(evidence, key);
  return finding.ok ? ok({ electionId, genesis: genesis.value, finding: finding.value }) : finding;
}

function findingOf(evidence: Evidence, key: LogKey): Result<EvidenceFinding, string> {
  switch (evidence.kind) {
    case 'fork':
      return judgeFork(evidence, key);
    case 'omission': {
      const receipt = parseReceipt(evidence.receipt);
      if (!receipt.ok) return err(`its receipt can't be read: ${receipt.error}`);
      const { extra } = receipt.value;
      if (extra === undefined) return err('its receipt does not hold the entry that it is for');
      const checked = checkReceipt(receipt.value, { ...key, entry: extra });
      if (!checked.ok) return err(`its receipt doesn't hold: ${checked.error}`);
      const served = openCheckpoint(evidence.served, key);
      if (!served.ok) return err(`the checkpoint that was served is not good: ${served.error}`);
      return ok({ kind: 'omission', receipt: receipt.value, served: served.value });
    }
    case 'promise': {
      const promise = openPromise(evidence.promise, key);
      return promise.ok ? ok({ kind: 'promise', promise: promise.value }) : promise;
    }
  }
}

function judgeFork(
  { first, second, root, proof }: ForkEvidence,
  key: LogKey,
): Result<EvidenceFinding, string> {
  const one = openCheckpoint(first, key);
  if (!one.ok) return err(`its first checkpoint is not good: ${one.error}`);
  const other = openCheckpoint(second, key);
  if (!other.ok) return err(`its second checkpoint is not good: ${other.error}`);
  if (!isConflict(one.value, other.value, { root, proof })) {
    return err('it does not show that the two checkpoints can not be of one history');
  }
  return ok({ kind: 'fork', first: one.value, second: other.value });
}

/** The root of a log's first entries, and the proof that leads from it to a checkpoint of that log. */
export interface ProvenPrefix {
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** How a checkpoint stands to a longer one (or one of the same size). */
export type Continuity = 'continues' | 'conflicts' | 'unproven';

/**
 * Whether the log of `second` begins with the log of `first`, as far as `prefix` (the root of as many entries as `first` has in
 * the log of `second`, with its proof) shows it. `conflicts` is proven, since nobody can make such a proof for two roots;
 * `unproven` says something of whoever gave the proof alone.
 */
export function continuity(
  first: Pick<Checkpoint, 'size' | 'root'>,
  second: Pick<Checkpoint, 'size' | 'root'>,
  { root, proof }: ProvenPrefix,
): Continuity {
  const proven = verifyConsistency({
    first: first.size,
    second: second.size,
    firstRoot: root,
    secondRoot: second.root,
    proof,
  });
  if (!proven) return 'unproven';
  return equalBytes(root, first.root) ? 'continues' : 'conflicts';
}

function isConflict(first: Checkpoint, second: Checkpoint, prefix: ProvenPrefix): boolean {
  return continuity(first, second, prefix) === 'conflicts';
}
