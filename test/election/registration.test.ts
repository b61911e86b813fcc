import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { pseudonym } from '#src/crypto/credential.js';
import { verify } from '#src/crypto/signature.js';
import type { Voter } from '#src/election/entries.js';
import {
  type Registration,
  decodeRollFile,
  encodeRollFile,
  makeRegistration,
  registrarFingerprint,
  registrationProblem,
  rollFingerprint,
} from '#src/election/registration.js';
import { VOTERS, pseudonymous } from '../support/build-log.ts';
import { valueOf } from '../support/results.ts';
import { testKey } from '../support/test-keys.ts';

const TERMS = {
  uuid: '01234567-89ab-4cde-8f01-23456789abcd',
  kdf: { name: 'argon2id', ops: 2, mem: 19 << 20 },
  names: 'public',
} as const;
const REGISTRAR = testKey(41);
const ROLL: readonly Voter[] = VOTERS.map(({ name, key, weight }) => ({ name, key, weight }));
const sound = (): Registration => makeRegistration(TERMS, ROLL, REGISTRAR.seed);

const u16 = (number: number) => Buffer.from([number >> 8, number & 255]);
const u32 = (number: number) => Buffer.concat([u16(Math.floor(number / 65_536)), u16(number % 65_536)]);

/** What is signed, put together as docs/PROTOCOL says, with nothing of the program. */
function messageByHand({ uuid, kdf, names, voters }: Registration): Buffer {
  const digest = createHash('sha256').update('psephos/roll/v1\0');
  for (const { name, key, weight } of voters) {
    const text = Buffer.from(name, 'utf8');
    digest.update(Buffer.concat([u16(text.length), text, key, u32(weight)]));
  }
  return Buffer.concat([
    Buffer.from(`psephos/registration/v1\0${uuid}`),
    u32(kdf.ops),
    u32(kdf.mem),
    Buffer.from([names === 'public' ? 0 : 1]),
    u32(voters.length),
    digest.digest(),
  ]);
}

describe('a registration', () => {
  it('is signed over exactly what the protocol says', () => {
    const made = sound();
    assert.deepEqual(made.registrar, REGISTRAR.publicKey);
    assert.ok(verify(made.signature, messageByHand(made), REGISTRAR.publicKey));
    assert.equal(registrationProblem(made), undefined);
  });

  it('is signed over the same however long the roll and its names are', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 });
    const rolls = fc.array(fc.record({ name, weight: fc.nat(1_000_000) }), {
      minLength: 1,
      maxLength: 1500,
      size: 'max',
    });
    fc.assert(
      fc.property(rolls, (roll) => {
        const voters = roll.map((one, index) => ({ ...one, key: new Uint8Array(32).fill(index % 256) }));
        const made = makeRegistration(TERMS, voters, REGISTRAR.seed);
        assert.ok(verify(made.signature, messageByHand(made), REGISTRAR.publicKey));
      }),
      { numRuns: 5 },
    );
  });

  it('may name voters by pseudonym, and then by nothing else', () => {
    const terms = { ...TERMS, names: 'pseudonym' } as const;
    const made = makeRegistration(terms, pseudonymous(VOTERS), REGISTRAR.seed);
    assert.equal(registrationProblem(made), undefined);
    assert.ok(verify(made.signature, messageByHand(made), REGISTRAR.publicKey));
    assert.match(
      registrationProblem(makeRegistration(terms, ROLL, REGISTRAR.seed)) ?? '',
      /not the pseudonym/,
    );
  });

  it('does not hold for a roll that no log may have, though it is signed', () => {
    const signed = (voters: readonly Voter[]) =>
      registrationProblem(makeRegistration(TERMS, voters, REGISTRAR.seed)) ?? '';
    const [amara, bo] = ROLL as [Voter, Voter];
    assert.match(signed([bo, amara]), /"amara" is out of order/);
    assert.match(signed([amara, amara]), /"amara" is out of order or twice/);
    assert.match(signed([amara, { ...bo, key: amara.key }]), /"bo" has the same key/);
    assert.match(signed([{ ...amara, key: new Uint8Array(32) }]), /not an acceptable Ed25519 key/);
    const heavy = Array.from({ length: 1001 }, (_, i) => ({
      name: `v${String(i).padStart(4, '0')}`,
      key: testKey(1).publicKey,
      weight: 1_000_000,
    }));
    assert.match(signed(heavy), /same key|weights add up/);
    const cheap = { ...TERMS, kdf: { ...TERMS.kdf, mem: 4 << 20 } };
    assert.match(registrationProblem(makeRegistration(cheap, ROLL, REGISTRAR.seed)) ?? '', /Argon2id/);
  });

  it('has fingerprints of the key and of all that is signed', () => {
    const made = sound();
    const other = makeRegistration(TERMS, ROLL.slice(1), REGISTRAR.seed);
    assert.match(rollFingerprint(made), /^([0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-HJKMNP-TV-Z]{4}$/);
    assert.notEqual(rollFingerprint(made), rollFingerprint(other));
    assert.notEqual(
      rollFingerprint(made),
      rollFingerprint({ ...made, uuid: '11234567-89ab-4cde-8f01-23456789abcd' }),
    );
    assert.equal(rollFingerprint(made), rollFingerprint(makeRegistration(TERMS, ROLL, testKey(42).seed)));
    assert.notEqual(registrarFingerprint(made.registrar), registrarFingerprint(testKey(42).publicKey));
  });
});

/** Every place in a JSON value that holds no other values, by its path. */
function leavesOf(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (Array.isArray(value)) return value.flatMap((one, index) => leavesOf(one, [...path, index]));
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([field, one]) => leavesOf(one, [...path, field]));
}

type Json = Record<string | number, unknown>;

/** The value at a path replaced by what `change` makes of it; undefined takes it away. */
function changed(
  json: unknown,
  path: readonly (string | number)[],
  change: (old: unknown) => unknown,
): unknown {
  const copy = structuredClone(json) as Json;
  const holder = path.slice(0, -1).reduce<Json>((at, step) => at[step] as Json, copy);
  const last = path.at(-1) ?? '';
  const next = change(holder[last]);
  if (next !== undefined) holder[last] = next;
  else if (Array.isArray(holder)) holder.splice(Number(last), 1);
  else Reflect.deleteProperty(holder, last);
  return copy;
}

/** Whether a program would take the file. */
function isTaken(json: unknown): boolean {
  const read = decodeRollFile(json);
  return read.ok && registrationProblem(read.value) === undefined;
}

describe("a roll's file", () => {
  const file = (): unknown => JSON.parse(encodeRollFile(sound()));

  it('is read as it was written', () => {
    assert.deepEqual(valueOf(decodeRollFile(file())), sound());
    assert.ok(isTaken(file()));
  });

  it('is refused with any one value in it altered or taken away, whichever it is', () => {
    const leaves = leavesOf(file());
    assert.equal(leaves.length, 2 + 1 + 3 + 1 + 3 * ROLL.length + 2);
    const digit = (text: string, at: number) =>
      text.slice(0, at) + (text[at] === '0' ? '1' : '0') + text.slice(at + 1);
    fc.assert(
      fc.property(fc.constantFrom(...leaves), fc.nat(), fc.anything(), (path, at, anything) => {
        assert.ok(!isTaken(changed(file(), path, () => undefined)), `without ${path.join('.')}`);
        const nudged = changed(file(), path, (old) =>
          typeof old === 'number' ? old + 1 + (at % 9) : digit(String(old), at % String(old).length),
        );
        assert.ok(!isTaken(nudged), `nudged ${path.join('.')}`);
        const other = changed(file(), path, (old) => (Object.is(anything, old) ? null : (anything ?? null)));
        assert.ok(!isTaken(other), `${path.join('.')} is anything`);
      }),
      { numRuns: 300 },
    );
  });

  it('is refused with voters added, removed or moved, and with what it should not have', () => {
    const withVoters = (change: (voters: unknown[]) => unknown[]) =>
      changed(file(), ['voters'], (voters) => change(voters as unknown[]));
    const stranger = { name: 'zoe', key: Buffer.from(testKey(77).publicKey).toString('hex'), weight: 1 };
    for (const [index] of ROLL.entries())
      assert.ok(!isTaken(withVoters((voters) => voters.toSpliced(index, 1))), `without ${index}`);
    assert.ok(!isTaken(withVoters((voters) => [...voters, stranger])));
    assert.ok(!isTaken(withVoters((voters) => voters.toReversed())));
    assert.ok(!isTaken(withVoters(() => [])));
    assert.ok(!isTaken({ ...(file() as object), more: 1 }));
    for (const nothing of [null, [], 'roll', 7, {}]) assert.ok(!isTaken(nothing));
  });

  it('is refused with the same roll signed by another key, under the name of the first', () => {
    const other = makeRegistration(TERMS, ROLL, testKey(42).seed);
    assert.ok(isTaken(JSON.parse(encodeRollFile(other))));
    assert.ok(!isTaken(JSON.parse(encodeRollFile({ ...other, registrar: REGISTRAR.publicKey }))));
    assert.ok(!isTaken(JSON.parse(encodeRollFile({ ...sound(), registrar: testKey(42).publicKey }))));
  });

  it('names nobody by another name than the pseudonym where it says so', () => {
    const made = makeRegistration({ ...TERMS, names: 'pseudonym' }, pseudonymous(VOTERS), REGISTRAR.seed);
    const names = valueOf(decodeRollFile(JSON.parse(encodeRollFile(made)))).voters.map(({ name }) => name);
    assert.deepEqual(names.toSorted(), VOTERS.map(({ key }) => pseudonym(key)).toSorted());
  });
});
