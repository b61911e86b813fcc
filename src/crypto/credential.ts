import { backend } from '#crypto-backend';
import { utf8ToBytes } from '../base/bytes.ts';
import { refused, unusable } from '../base/errors.ts';
import { err, ok, type Result } from '../base/result.ts';
import { base32, CROCKFORD, inFours, RFC4648 } from './base32.ts';
import { sha256 } from './hash.ts';
import { credentialSaltInput, fingerprintInput, pseudonymInput } from './transcript.ts';

/** Argon2id cost: `ops` passes over `mem` bytes of memory, one lane. */
export interface KdfCost {
  readonly name: 'argon2id';
  readonly ops: number;
  readonly mem: number;
}

/**
 * OWASP's least setting for Argon2id (Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane). A generated secret
 * carries 115 bits, out of reach of guessing at any cost per guess; stretching is only a second line, so a voter's
 * phone is not made to wait for it.
 */
export const DEFAULT_KDF: KdfCost = { name: 'argon2id', ops: 2, mem: 19 * 1024 * 1024 };

const MIB = 1024 * 1024;

/**
 * Whether a voter's machine should run this cost: 1 to 10 passes, 8 to 256 MiB in whole KiB. An election states its own
 * cost, and a hostile one must neither take a voter's memory nor weaken the stretching.
 */
export function isAcceptableKdf(kdf: KdfCost): boolean {
  const { ops, mem } = kdf;
  // Whole KiB, since Argon2 counts memory so: no two costs may mean the same.
  return (
    Number.isInteger(ops) && ops >= 1 && ops <= 10 && mem % 1024 === 0 && mem >= 8 * MIB && mem <= 256 * MIB
  );
}

const SECRET_SYMBOLS = 24;
const MAX_TYPED = 1000;
const IGNORED = /[\s\u00ad\u200b-\u200d\u2060\u2010-\u2015\u2212-]/u;

/**
 * A voter's secret: 23 random Crockford symbols (115 bits) and a check symbol, in six groups of four. `random(n)` must
 * return n bytes of the platform's CSPRNG.
 */
export function generateSecret(random: (length: number) => Uint8Array): string {
  const bytes = random(SECRET_SYMBOLS - 1);
  if (bytes.length !== SECRET_SYMBOLS - 1)
    throw new RangeError(`asked for 23 random bytes, got ${bytes.length}`);
  // 256 is a multiple of 32, so the low five bits of a uniform byte are uniform.
  const values = Array.from(bytes, (byte) => byte & 31);
  values.push(timesAlpha(checksum(values)));
  return inFours(values.map((value) => CROCKFORD.charAt(value)).join(''));
}

/**
 * Reads a secret as people type it: in any case, with any spaces and hyphens, O for 0, I or L for 1. The value is in
 * the form of `generateSecret`; the error says what is wrong, and never repeats the secret.
 */
export function normaliseSecret(typed: string): Result<string, string> {
  if (typed.length > MAX_TYPED) return err(`far too long for a secret, which has ${SECRET_SYMBOLS} symbols`);
  const values: number[] = [];
  for (const character of typed) {
    if (IGNORED.test(character)) continue;
    const value = symbolValue(character);
    if (value === undefined) {
      return err(
        `symbol ${values.length + 1} can't be ${JSON.stringify(character)}: a secret has only digits and letters, no U`,
      );
    }
    values.push(value);
  }
  if (values.length !== SECRET_SYMBOLS) {
    return err(`a secret has ${SECRET_SYMBOLS} symbols, six groups of four; this has ${values.length}`);
  }
  if (checksum(values) !== 0)
    return err('a symbol is mistyped, or two are swapped: the check symbol at the end disagrees');
  return ok(inFours(values.map((value) => CROCKFORD.charAt(value)).join('')));
}

/** ASCII only: Unicode case mapping would let strange letters in (dotless i, long s). */
function symbolValue(character: string): number | undefined {
  if (!/^[0-9A-Za-z]$/.test(character)) return undefined;
  const symbol = character.toUpperCase().replace('O', '0').replace(/[IL]/, '1');
  const value = CROCKFORD.indexOf(symbol);
  return value < 0 ? undefined : value;
}

/**
 * The symbols s₀ … sₙ₋₁ as a polynomial over GF(32), at its primitive element α: Σ sᵢ·αⁿ⁻¹⁻ⁱ, zero for a whole secret.
 * Powers of α repeat only after 31, so among 24 symbols each wrong one, and each swap of two different ones, shows.
 */
function checksum(values: readonly number[]): number {
  return values.reduce((sum, value) => timesAlpha(sum) ^ value, 0);
}

/** In GF(2)[x] modulo the primitive x⁵ + x² + 1, α = x. */
function timesAlpha(element: number): number {
  return element & 16 ? (element << 1) ^ 0b100101 : element << 1;
}

/**
 * The Ed25519 seed (32 bytes) of a voter: Argon2id over the secret's 24 symbols, salted by the election's uuid and the
 * username, so that one secret gives unrelated keys elsewhere. Throws a PsephosError for a username or secret that the
 * `normalise…` functions refuse, and for a cost that `isAcceptableKdf` refuses. Blocks for tens of milliseconds.
 */
export function credentialSeed(input: {
  readonly uuid: string;
  readonly username: string;
  readonly secret: string;
  readonly kdf: KdfCost;
}): Uint8Array {
  const { uuid, kdf } = input;
  if (!isAcceptableKdf(kdf)) {
    throw refused(
      'unacceptable-kdf',
      `the election asks for an Argon2id cost of ${kdf.ops} passes over ${kdf.mem} bytes`,
      {
        hint: 'Acceptable are 1 to 10 passes over 8 to 256 MiB. Ask the organiser before you go on.',
      },
    );
  }
  const username = normaliseUsername(input.username);
  if (!username.ok) throw unusable('bad-username', `this username can't be used: ${username.error}`);
  const secret = normaliseSecret(input.secret);
  if (!secret.ok) {
    throw unusable('bad-secret', secret.error, { hint: 'Compare it with the sheet that you were given.' });
  }
  const salt = sha256(credentialSaltInput(uuid, username.value)).subarray(0, 16);
  return backend.argon2id(utf8ToBytes(secret.value.replaceAll('-', '')), salt, kdf);
}

/** The name that stands for a voter on a pseudonymous roll: `v-` and 80 bits of a hash of the public key. */
export function pseudonym(publicKey: Uint8Array): string {
  return `v-${base32(sha256(pseudonymInput(publicKey)), 16, RFC4648)}`;
}

/** What people compare aloud to know one election from another: 100 bits of a hash of its id, in 5 groups of 4. */
export function fingerprint(electionId: string): string {
  return inFours(base32(sha256(fingerprintInput(electionId)), 20, CROCKFORD));
}

const MAX_USERNAME_BYTES = 256;
// Controls, line separators and lone surrogates have no place in a name; direction overrides let one pose as another.
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

/** The one form of a username: NFC, no white space at the ends, 1 to 256 bytes of UTF-8. The error says what is wrong. */
export function normaliseUsername(text: string): Result<string, string> {
  if (text.length > 4 * MAX_USERNAME_BYTES)
    return err(`it is longer than ${MAX_USERNAME_BYTES} bytes of UTF-8`);
  const name = text.normalize('NFC').trim();
  if (name === '') return err('it is empty');
  const forbidden = FORBIDDEN.exec(name);
  if (forbidden !== null) {
    const codePoint = (forbidden[0].codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0');
    return err(`it contains the control character U+${codePoint}`);
  }
  const { length } = utf8ToBytes(name);
  if (length > MAX_USERNAME_BYTES)
    return err(`it is ${length} bytes of UTF-8, more than ${MAX_USERNAME_BYTES}`);
  return ok(name);
}
