import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { peerIdFromString } from '@libp2p/peer-id';
import fc from 'fast-check';
import { toHex } from '#src/base/bytes.js';
import { decodeHop, decodeStop, encodeHop, encodeStop } from '#src/net/circuit/messages.js';
import { type Field, decodeFields, encodeFields } from '#src/net/circuit/protobuf.js';
import { peerIdOf } from '#src/net/index.js';
import { testKey } from '../../support/test-keys.js';

const peer = peerIdFromString(peerIdOf(testKey(1).publicKey));
const ok = <T>(value: T) => ({ ok: true, value });

describe('fields of a protocol buffer', () => {
  const field: fc.Arbitrary<Field> = fc.tuple(
    fc.integer({ min: 1, max: 1000 }),
    fc.oneof(fc.maxSafeNat(), fc.uint8Array({ maxLength: 300 })),
  );

  it('are read back as they were written', () => {
    fc.assert(
      fc.property(fc.array(field), (fields) => {
        assert.deepEqual(decodeFields(encodeFields(fields)), ok(fields));
      }),
    );
  });

  it('are written as the format has them', () => {
    // The examples of the format's own description.
    assert.equal(toHex(encodeFields([[1, 150]])), '089601');
    assert.equal(toHex(encodeFields([[2, new TextEncoder().encode('testing')]])), '120774657374696e67');
  });

  it('cut short anywhere are refused, or are the fields before', () => {
    fc.assert(
      fc.property(fc.array(field, { minLength: 1, maxLength: 4 }), fc.nat(), (fields, cut) => {
        const bytes = encodeFields(fields);
        const read = decodeFields(bytes.subarray(0, cut % bytes.length));
        if (read.ok) assert.deepEqual(read.value, fields.slice(0, read.value.length));
      }),
    );
  });

  it('of kinds that are not used are skipped', () => {
    const fixed = Uint8Array.of(0x19, 1, 2, 3, 4, 5, 6, 7, 8, 0x25, 1, 2, 3, 4);
    assert.deepEqual(decodeFields(Uint8Array.of(...fixed, 0x08, 5)), ok([[1, 5]]));
    assert.equal(decodeFields(fixed.subarray(0, 5)).ok, false);
    assert.equal(decodeFields(Uint8Array.of(0x0b)).ok, false, 'groups, which are no longer used by anybody');
  });

  it('that are larger than a number here can be count as the largest', () => {
    const largest = Uint8Array.of(0x08, ...new Array<number>(9).fill(0xff), 0x01);
    assert.deepEqual(decodeFields(largest), ok([[1, Number.MAX_SAFE_INTEGER]]));
    assert.equal(decodeFields(Uint8Array.of(0x08, ...new Array<number>(11).fill(0x80), 0)).ok, false);
  });
});

describe('messages to relays', () => {
  it('are read back as they were written', () => {
    const limit = { seconds: 1800, bytes: 4_194_304 };
    for (const message of [
      { type: 'reserve' },
      { type: 'connect', peer },
      { type: 'status', status: 'ok', limit },
      { type: 'status', status: 'no-reservation' },
      {
        type: 'status',
        status: 'ok',
        reservation: { expires: 1_800_000_000, addresses: [Uint8Array.of(1), Uint8Array.of(2, 3)] },
      },
    ] as const) {
      assert.deepEqual(decodeHop(encodeHop(message)), ok(message));
    }
    for (const message of [
      { type: 'connect', peer, limit },
      { type: 'connect', peer },
      { type: 'status', status: 'ok' },
    ] as const) {
      assert.deepEqual(decodeStop(encodeStop(message)), ok(message));
    }
  });

  it('of a type or without a peer that is needed are refused, and a status of a later version is none', () => {
    for (const fields of [
      [],
      [[1, 3]],
      [[1, 1]],
      [
        [1, 1],
        [2, Uint8Array.of(1, 2, 3)],
      ],
      [
        [1, 1],
        [2, encodeFields([[1, Uint8Array.of(0, 1, 2)]])],
      ],
      [[1, Uint8Array.of(0)]],
    ] satisfies Field[][]) {
      assert.equal(decodeHop(encodeFields(fields)).ok, false, JSON.stringify(fields));
    }
    assert.equal(decodeStop(encodeFields([[1, 0]])).ok, false);
    assert.deepEqual(
      decodeHop(
        encodeFields([
          [1, 2],
          [5, 999],
        ]),
      ),
      ok({ type: 'status', status: undefined }),
    );
    assert.deepEqual(decodeStop(encodeFields([[1, 1]])), ok({ type: 'status', status: undefined }));
  });

  it('of any bytes at all are read or refused, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const decode of [decodeHop, decodeStop]) assert.equal(typeof decode(bytes).ok, 'boolean');
      }),
    );
  });
});
