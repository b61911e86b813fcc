import sodium from 'sodium-native';
import { sha256 } from '#src/crypto/hash.js';
import { DEFAULT_KDF } from '#src/crypto/credential.js';
import { ballotMessage } from '#src/crypto/transcript.js';
import { encodeDagCbor } from '#src/base/dag-cbor.js';
import { utf8ToBytes } from '#src/base/bytes.js';
import { type OpenBallot, encodeSignedBallot, trackerOf } from '#src/election/ballot.js';
import type { EntryContent, Question, SignedBallot } from '#src/election/entries.js';
import { ROLL_CHUNK } from '#src/election/limits.js';
import { origin, signCheckpoint } from '#src/log/checkpoint.js';
import { EMPTY_HEAD, type Head, chainEntry, headAfter } from '#src/log/entry-codec.js';
import { leafHash } from '#src/log/merkle.js';
import { TileAppender } from '#src/log/tiles.js';
import { openLevelStore } from '#src/store/level-store.js';
import type { StoreBatch, VoterRecord } from '#src/services/ports.js';

/** A log to make: the same plan makes the same bytes. */
export interface LogPlan {
  readonly voters: number;
  readonly ballots: number;
  /** Ballots per batch, which ends in a checkpoint. */
  readonly batch?: number;
  readonly seed?: string;
}

const QUESTION: Question = {
  question: 'Which restaurant has the best food to go?',
  answers: ['Anna', 'Bella', 'Ciao', 'Dora', 'Enzo'],
  min: 1,
  max: 2,
  blank: true,
  method: 'count',
};
const START = 1_700_000_000_000;

interface Signer {
  readonly publicKey: Buffer;
  readonly secretKey: Buffer;
}

/**
 * Makes a valid election of one closed round with its result, as the batches that a store would be given. Voters vote
 * in turns, and once more when all have. Signs with libsodium, so that a million ballots take a minute or two.
 */
export function* logBatches(plan: LogPlan): Generator<StoreBatch> {
  const { voters, ballots, batch = 256, seed = 'psephos bench' } = plan;
  const log = new Writer(signer(`${seed}/authority`));
  const signers = Array.from({ length: voters }, (_, index) => signer(`${seed}/voter/${index}`));

  log.append({
    kind: 'genesis',
    uuid: '0191e7a4-7b1c-4f3a-9f5e-3b2a1c0d9e8f',
    title: 'Best restaurant to go',
    description: 'A made-up election.',
    authority: new Uint8Array(log.authority.publicKey),
    policy: { secrecy: 'open', revote: 'last', names: 'public' },
    kdf: DEFAULT_KDF,
  });
  const records = signers.map(({ publicKey }, index): VoterRecord => {
    const name = `voter${String(index).padStart(8, '0')}`;
    return { name, key: new Uint8Array(publicKey), weight: 1, round: 0, number: 0, seq: null };
  });
  const parts = Math.ceil(voters / ROLL_CHUNK);
  for (let part = 0; part < parts; part++) {
    const some = records.slice(part * ROLL_CHUNK, (part + 1) * ROLL_CHUNK);
    log.append({
      kind: 'roll',
      part,
      parts,
      voters: some.map(({ name, key, weight }) => ({ name, key, weight })),
    });
    yield log.take(some, []);
  }
  log.append({ kind: 'round', round: 1, title: 'The only round', questions: [QUESTION], closes: null });
  const { cid: round } = log.head;
  if (round === null) throw new Error('no round was appended');
  yield log.take([], []);

  const standing = new Uint8Array(voters);
  for (let from = 0; from < ballots; from += batch) {
    const cast: { tracker: string; seq: number }[] = [];
    const changed: VoterRecord[] = [];
    for (let index = from; index < Math.min(from + batch, ballots); index++) {
      const voter = index % voters;
      const number = Math.floor(index / voters) + 1;
      const answer = (Math.imul(index + 1, 2_654_435_761) >>> 24) % (QUESTION.answers.length + 1);
      standing[voter] = answer + 1;
      const choices = answer === QUESTION.answers.length ? [null] : [[answer]];
      const { publicKey, secretKey } = signers[voter] as Signer;
      const key = new Uint8Array(publicKey);
      const vote: OpenBallot = { form: 'open', round, voter: key, number, choices };
      const body = encodeDagCbor({ v: 1, ...vote });
      const signature = Buffer.alloc(64);
      sodium.crypto_sign_detached(signature, Buffer.from(ballotMessage(body)), secretKey);
      const ballot: SignedBallot = { body, signature: new Uint8Array(signature) };
      const seq = log.append({ kind: 'ballot', ballot });
      cast.push({ tracker: trackerOf(vote, encodeSignedBallot(ballot)), seq });
      changed.push({ ...(records[voter] as VoterRecord), round: 1, number, seq });
    }
    yield log.take(changed, cast);
  }
  log.append({ kind: 'close', round: 1, reason: 'organiser' });
  log.append(result(standing, ballots));
  yield log.take([], []);
}

/** Writes such a log into a new data folder. */
export async function generateDataFolder(folder: string, plan: LogPlan): Promise<void> {
  const store = await openLevelStore(folder, { create: true, program: 'bench' });
  try {
    for (const batch of logBatches(plan)) await store.commit(batch);
  } finally {
    await store.close();
  }
}

/** The log alone, whole in memory. */
export function generateInMemory(plan: LogPlan): { entries: Uint8Array[]; checkpoints: string[] } {
  const entries: Uint8Array[] = [];
  const checkpoints: string[] = [];
  for (const batch of logBatches(plan)) {
    entries.push(...batch.entries);
    checkpoints.push(batch.checkpoint.text);
  }
  return { entries, checkpoints };
}

function result(standing: Uint8Array, ballots: number): EntryContent {
  const votes = Array.from({ length: QUESTION.answers.length + 1 }, () => 0);
  let voted = 0;
  for (const one of standing) {
    if (one === 0) continue;
    voted++;
    votes[one - 1] = (votes[one - 1] as number) + 1;
  }
  const blank = votes.pop() as number;
  const most = Math.max(...votes);
  return {
    kind: 'result',
    round: 1,
    turnout: { voters: standing.length, weight: standing.length, voted, votedWeight: voted, ballots },
    questions: [
      {
        answers: votes,
        blank,
        winners: votes.flatMap((count, index) => (count === most && most > 0 ? [index] : [])),
      },
    ],
  };
}

function signer(name: string): Signer {
  const publicKey = Buffer.alloc(sodium.crypto_sign_PUBLICKEYBYTES);
  const secretKey = Buffer.alloc(sodium.crypto_sign_SECRETKEYBYTES);
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, Buffer.from(sha256(utf8ToBytes(name))));
  return { publicKey, secretKey };
}

/** Chains entries and cuts them into batches with checkpoints. */
class Writer {
  readonly authority: Signer;
  readonly #tree = new TileAppender();
  #head: Head = EMPTY_HEAD;
  #pending: Uint8Array[] = [];
  #origin: string | undefined;

  constructor(authority: Signer) {
    this.authority = authority;
  }

  get head(): Head {
    return this.#head;
  }

  append(content: EntryContent): number {
    const chained = chainEntry(this.#head, content, START + this.#head.size);
    this.#head = headAfter(chained);
    this.#origin ??= origin(chained.cid.toString());
    this.#pending.push(chained.bytes);
    return chained.entry.seq;
  }

  take(voters: readonly VoterRecord[], ballots: StoreBatch['ballots']): StoreBatch {
    const entries = this.#pending;
    this.#pending = [];
    const { tiles, size, root, commit } = this.#tree.prepare(entries.map(leafHash));
    commit();
    const { secretKey, publicKey } = this.authority;
    const head = { origin: this.#origin as string, size, root };
    const text = signCheckpoint(head, new Uint8Array(secretKey.subarray(0, 32)), new Uint8Array(publicKey));
    return { from: size - entries.length, entries, tiles, checkpoint: { size, text }, voters, ballots };
  }
}
