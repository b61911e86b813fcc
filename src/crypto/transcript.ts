import { concatBytes, utf8ToBytes } from '../base/bytes.ts';

/**
 * Every byte layout of our own that is signed or derived from, each under its own tag. A tag ends in a zero byte, which
 * no tag contains elsewhere, so that no tagged message is a prefix of another kind's.
 *
 *   ballot signature     "psephos/ballot/v1\0"      || body (DAG-CBOR bytes of the ballot body, as cast)
 *   credential salt      "psephos/credential/v1\0"  || uuid (36 ASCII) || "\0" || username (UTF-8, NFC)
 *   fingerprint          "psephos/fingerprint/v1\0" || election id (ASCII)
 *   pseudonym            "psephos/pseudonym/v1\0"   || public key (32 bytes)
 *   enrolment            "psephos/enrolment/v1\0"   || CID of the genesis (36 bytes) || key on the roll (32) || new key (32)
 *   uuid of a round      "psephos/round-uuid/v1\0"  || CID of the round entry (36 bytes)
 *   trustee's invitation "psephos/invitation/v1\0"  || the code's 24 symbols (ASCII)
 *   trustee's randomness "psephos/step-random/v1\0" || the key's seed (32) || CID of the ceremony's start (36) || hash of the step's inputs (32) || counter (4)
 *   trustee's seeds      "psephos/member-seed/v1\0" || the key's seed (32 bytes) || CID of the ceremony's start (36 bytes) || counter (1 byte)
 *   digest of a roll     "psephos/roll/v1\0"        || per voter: length of name (2) || name (UTF-8) || key (32) || weight (4)
 *   registrar signature  "psephos/registration/v1\0" || uuid (36 ASCII) || ops (4) || mem (4) || names (1) || voters (4) ||
 *                        digest of the roll (32)
 *
 * Numbers in it are big-endian, of as many bytes as in brackets.
 *
 * Checkpoints are C2SP signed notes and carry their own separation (they begin with the origin line `psephos/…`, and
 * never contain a zero byte). libp2p signs with the same key under its own prefixes ("noise-libp2p-static-key:" and
 * "libp2p-peer-record"), which likewise can't begin a checkpoint.
 */
const BALLOT = utf8ToBytes('psephos/ballot/v1\0');
const CREDENTIAL = utf8ToBytes('psephos/credential/v1\0');
const FINGERPRINT = utf8ToBytes('psephos/fingerprint/v1\0');
const PSEUDONYM = utf8ToBytes('psephos/pseudonym/v1\0');
const ENROLMENT = utf8ToBytes('psephos/enrolment/v1\0');
const ROUND_UUID = utf8ToBytes('psephos/round-uuid/v1\0');
const INVITATION = utf8ToBytes('psephos/invitation/v1\0');
const STEP_RANDOM = utf8ToBytes('psephos/step-random/v1\0');
const MEMBER_SEED = utf8ToBytes('psephos/member-seed/v1\0');
const ROLL = utf8ToBytes('psephos/roll/v1\0');
const REGISTRATION = utf8ToBytes('psephos/registration/v1\0');

/** The bytes a voter signs for a ballot body. */
export function ballotMessage(body: Uint8Array): Uint8Array {
  return concatBytes(BALLOT, body);
}

/** The bytes hashed into the Argon2id salt of a voter's credential. */
export function credentialSaltInput(uuid: string, username: string): Uint8Array {
  return concatBytes(CREDENTIAL, utf8ToBytes(`${uuid}\0${username.normalize('NFC')}`));
}

/** The bytes hashed into the short fingerprint of an election that people compare aloud. */
export function fingerprintInput(electionId: string): Uint8Array {
  return concatBytes(FINGERPRINT, utf8ToBytes(electionId));
}

/** The bytes hashed into the name that stands for a voter on a pseudonymous roll. */
export function pseudonymInput(publicKey: Uint8Array): Uint8Array {
  return concatBytes(PSEUDONYM, publicKey);
}

/** The bytes that both keys sign when a voter's own key takes the place of the one on the roll. */
export function enrolmentMessage(genesisCid: Uint8Array, voter: Uint8Array, key: Uint8Array): Uint8Array {
  return concatBytes(ENROLMENT, genesisCid, voter, key);
}

/** The bytes hashed into the identifier that a sealed round has as an election of Belenios. */
export function roundUuidInput(roundCid: Uint8Array): Uint8Array {
  return concatBytes(ROUND_UUID, roundCid);
}

/** The bytes hashed into what the log says of an invitation to be a trustee; `code` as `normaliseSecret` gives it. */
export function invitationInput(code: string): Uint8Array {
  return concatBytes(INVITATION, utf8ToBytes(code.replaceAll('-', '')));
}

/** The bytes hashed into block `counter` of what a member's secrets in one ceremony are made of. */
export function memberSeedInput(seed: Uint8Array, ceremonyCid: Uint8Array, counter: number): Uint8Array {
  return concatBytes(MEMBER_SEED, seed, ceremonyCid, Uint8Array.of(counter));
}

/** What the digest of a roll begins with; the voters follow, one after another. */
export function rollDigestTag(): Uint8Array {
  return ROLL;
}

/** The bytes a registrar signs for a roll of so many voters with this digest. `kdf` is of Argon2id. */
export function registrationMessage(
  terms: {
    readonly uuid: string;
    readonly kdf: { readonly ops: number; readonly mem: number };
    readonly names: 'public' | 'pseudonym';
  },
  voters: number,
  rollDigest: Uint8Array,
): Uint8Array {
  const numbers = new DataView(new ArrayBuffer(13));
  numbers.setUint32(0, terms.kdf.ops);
  numbers.setUint32(4, terms.kdf.mem);
  numbers.setUint8(8, terms.names === 'public' ? 0 : 1);
  numbers.setUint32(9, voters);
  return concatBytes(REGISTRATION, utf8ToBytes(terms.uuid), new Uint8Array(numbers.buffer), rollDigest);
}

/** The bytes hashed into block `counter` of what is random in one step of a ceremony; `inputs` is the SHA-256 of what the step answers to. */
export function stepRandomInput(
  seed: Uint8Array,
  ceremonyCid: Uint8Array,
  inputs: Uint8Array,
  counter: number,
): Uint8Array {
  const number = new DataView(new ArrayBuffer(4));
  number.setUint32(0, counter);
  return concatBytes(STEP_RANDOM, seed, ceremonyCid, inputs, new Uint8Array(number.buffer));
}
