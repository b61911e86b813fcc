import * as z from 'zod';
import { compareBytes, fromHex, toHex, utf8ToBytes } from '../base/bytes.ts';
import { err, ok, type Result } from '../base/result.ts';
import { fingerprint, isAcceptableKdf } from '../crypto/credential.ts';
import { Sha256, sha256 } from '../crypto/hash.ts';
import { publicKeyOf, sign, verify } from '../crypto/signature.ts';
import { registrationMessage, rollDigestTag } from '../crypto/transcript.ts';
import type { Kdf, Policy, Voter } from './entries.ts';
import { MAX_TOTAL_WEIGHT, MAX_VOTERS, MAX_WEIGHT } from './limits.ts';
import { voterProblems } from './rules.ts';
import { firstIssue, nameSchema } from './schemas.ts';

/**
 * A roll that a registrar made and signed: whoever makes the voters' secrets hands this to the organiser, who never sees
 * one. docs/PROTOCOL, section 4.1.
 */
export interface Registration {
  readonly uuid: string;
  readonly kdf: Kdf;
  readonly names: Policy['names'];
  /** As the log has them: sorted by the names' UTF-8 bytes, pseudonyms where `names` says so. */
  readonly voters: readonly Voter[];
  /** The registrar's Ed25519 public key, 32 bytes. */
  readonly registrar: Uint8Array;
  /** By that key, 64 bytes, over `registrationMessage`. */
  readonly signature: Uint8Array;
}

/** What of a registration stands beside the roll, wherever that is kept. */
export type RegistrationTerms = Pick<Registration, 'uuid' | 'kdf' | 'names'>;

const utf8 = new TextEncoder();
/** What a voter takes besides the name. */
const FIXED_BYTES = 2 + 32 + 4;
/** Hashed at a time: a hash of three short pieces for each voter would take ten times as long. */
const BLOCK_BYTES = 64 * 1024;

/** The digest of a roll, taken voter by voter in the roll's order, in memory that does not grow. */
export class RollDigest {
  readonly #hash = new Sha256().update(rollDigestTag());
  readonly #block = new Uint8Array(BLOCK_BYTES);
  readonly #view = new DataView(this.#block.buffer);
  #used = 0;
  #voters = 0;

  /** Takes the next voter, whose name is one that the log may have, and whose key has 32 bytes. */
  add({ name, key, weight }: Voter): void {
    // No character takes more than three bytes for each unit of a string's length.
    if (this.#used + FIXED_BYTES + 3 * name.length > BLOCK_BYTES) this.#flush();
    const from = this.#used;
    const { written } = utf8.encodeInto(name, this.#block.subarray(from + 2));
    this.#view.setUint16(from, written);
    this.#block.set(key, from + 2 + written);
    this.#view.setUint32(from + 2 + written + 32, weight);
    this.#used += FIXED_BYTES + written;
    this.#voters++;
  }

  #flush(): void {
    this.#hash.update(this.#block.subarray(0, this.#used));
    this.#used = 0;
  }

  /** Ends it: what a registrar signs for an election of these terms with the voters so far. */
  message(terms: RegistrationTerms): Uint8Array {
    this.#flush();
    return registrationMessage(terms, this.#voters, this.#hash.digest());
  }
}

/** Signs a roll. `voters` are as the log has them; the result passes `registrationProblem` if they do. Throws if the seed has not 32 bytes. */
export function makeRegistration(
  terms: RegistrationTerms,
  voters: readonly Voter[],
  seed: Uint8Array,
): Registration {
  const { uuid, kdf, names } = terms;
  const signature = sign(digestOf(voters).message(terms), seed);
  return { uuid, kdf, names, voters, registrar: publicKeyOf(seed), signature };
}

/** Why a roll can't be used as it is, the first thing found; undefined for one that its registrar signed and that a log may hold. */
export function registrationProblem(registration: Registration): string | undefined {
  const { kdf, voters, registrar, signature } = registration;
  if (!isAcceptableKdf(kdf)) return 'its Argon2id cost is outside the allowed bounds';
  if (!verify(signature, digestOf(voters).message(registration), registrar))
    return "its registrar's signature does not hold: it was altered after it was signed";
  return votersProblem(registration);
}

function votersProblem({ voters, names }: Registration): string | undefined {
  const keys = new Set<string>();
  let weight = 0;
  let last = new Uint8Array();
  for (const voter of voters) {
    const [problem] = voterProblems(voter, { names });
    if (problem !== undefined) return problem;
    const name = utf8ToBytes(voter.name);
    if (compareBytes(last, name) >= 0) return `voter "${voter.name}" is out of order or twice on it`;
    const key = toHex(voter.key);
    if (keys.has(key)) return `voter "${voter.name}" has the same key as another`;
    keys.add(key);
    last = name;
    weight += voter.weight;
  }
  if (weight > MAX_TOTAL_WEIGHT) return `its weights add up to ${weight}, more than ${MAX_TOTAL_WEIGHT}`;
  return undefined;
}

/** What people compare aloud to know that they have one and the same roll. */
export function rollFingerprint(registration: Registration): string {
  return fingerprint(`roll:${toHex(sha256(digestOf(registration.voters).message(registration)))}`);
}

/** What people compare aloud to know a registrar's public key (32 bytes). */
export function registrarFingerprint(registrar: Uint8Array): string {
  return fingerprint(`registrar:${toHex(registrar)}`);
}

function digestOf(voters: readonly Voter[]): RollDigest {
  const digest = new RollDigest();
  for (const voter of voters) digest.add(voter);
  return digest;
}

const hex = (bytes: number) =>
  z.string().refine((text) => fromHex(text)?.length === bytes, `expected ${2 * bytes} lower-case hex digits`);
const uint = (max: number) => z.int().min(0).max(max);

const rollFileSchema = z.strictObject({
  psephos: z.literal('roll'),
  version: z.literal(1),
  uuid: z.uuid(),
  kdf: z.strictObject({ name: z.literal('argon2id'), ops: uint(0xffffffff), mem: uint(0xffffffff) }),
  names: z.enum(['public', 'pseudonym']),
  voters: z
    .array(
      z.strictObject({
        name: nameSchema,
        key: hex(32),
        weight: uint(MAX_WEIGHT).refine((weight) => weight > 0),
      }),
    )
    .min(1)
    .max(MAX_VOTERS),
  registrar: hex(32),
  signature: hex(64),
});

/** The text of a roll's file: JSON, a line for each voter. */
export function encodeRollFile(registration: Registration): string {
  const { uuid, kdf, names, voters, registrar, signature } = registration;
  const file: z.infer<typeof rollFileSchema> = {
    psephos: 'roll',
    version: 1,
    uuid,
    kdf,
    names,
    voters: voters.map(({ name, key, weight }) => ({ name, key: toHex(key), weight })),
    registrar: toHex(registrar),
    signature: toHex(signature),
  };
  const lines = Object.entries(file).map(([field, value]) =>
    Array.isArray(value)
      ? `  ${JSON.stringify(field)}: [\n${value.map((one) => `    ${JSON.stringify(one)}`).join(',\n')}\n  ]`
      : `  ${JSON.stringify(field)}: ${JSON.stringify(value)}`,
  );
  return `{\n${lines.join(',\n')}\n}\n`;
}

/** Reads what `encodeRollFile` writes, parsed as JSON. Says of nothing whether it is signed: `registrationProblem` does. */
export function decodeRollFile(json: unknown): Result<Registration, string> {
  const read = rollFileSchema.safeParse(json);
  if (!read.success) return err(firstIssue(read.error));
  const { uuid, kdf, names, voters, registrar, signature } = read.data;
  return ok({
    uuid,
    kdf,
    names,
    voters: voters.map(({ name, key, weight }) => ({ name, key: bytesOf(key), weight })),
    registrar: bytesOf(registrar),
    signature: bytesOf(signature),
  });
}

/** Of hex digits that a schema let through. */
function bytesOf(digits: string): Uint8Array {
  return fromHex(digits) ?? new Uint8Array();
}
