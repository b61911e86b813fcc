import sodium from 'sodium-native';
import { ballotMessage } from '#src/crypto/transcript.js';
import { encodeDagCbor } from '#src/base/dag-cbor.js';
import { type UnsignedBallot, encodeSignedBallot } from '#src/election/ballot.js';

/** Voters' keys for benches, made and used natively: the voters' own speed is not what is measured. */
export interface BenchKey {
  readonly publicKey: Uint8Array;
  readonly secretKey: Buffer;
}

/** The seed of the key with this number. */
export function benchSeed(index: number): Uint8Array {
  const seed = new Uint8Array(32).fill(0x5a);
  new DataView(seed.buffer).setUint32(0, index);
  return seed;
}

export function benchKeys(count: number): BenchKey[] {
  return Array.from({ length: count }, (_, index) => {
    const seed = Buffer.from(benchSeed(index));
    const publicKey = Buffer.alloc(sodium.crypto_sign_PUBLICKEYBYTES);
    const secretKey = Buffer.alloc(sodium.crypto_sign_SECRETKEYBYTES);
    sodium.crypto_sign_seed_keypair(publicKey, secretKey, seed);
    return { publicKey: new Uint8Array(publicKey), secretKey };
  });
}

/** As `signBallot` and `encodeSignedBallot`, with native signing. */
export function benchBallot(ballot: UnsignedBallot, key: BenchKey): Uint8Array {
  const body = encodeDagCbor({ v: 1, ...ballot, voter: key.publicKey });
  const signature = Buffer.alloc(sodium.crypto_sign_BYTES);
  sodium.crypto_sign_detached(signature, Buffer.from(ballotMessage(body)), key.secretKey);
  return encodeSignedBallot({ body, signature: new Uint8Array(signature) });
}
