import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type Description,
  describe as describeSession,
  descriptionSchema,
  sessionOf,
} from '#src/net/punch/description.js';

const GOOD: Description = {
  name: 'OQEj',
  password: 'AUOOEIJTFLnKvxRlXmWtV/',
  certificate: new Uint8Array(32).fill(7),
  candidates: [{ ip: '203.0.114.5', port: 4000 }],
};

const byFamily = (a: { ip: string }, b: { ip: string }) =>
  Number(b.ip.includes(':')) - Number(a.ip.includes(':'));
const text = (min: number, max: number) => fc.stringMatching(new RegExp(`^[A-Za-z0-9+/]{${min},${max}}$`));
/** As objects of a program, and not as fast-check has them unless it is told. */
const plain = { noNullPrototype: true } as const;
const descriptions: fc.Arbitrary<Description> = fc.record(
  {
    name: text(4, 32),
    password: text(22, 64),
    certificate: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    candidates: fc.array(
      fc.record(
        {
          ip: fc.oneof(
            fc
              .tuple(fc.integer({ min: 11, max: 99 }), fc.nat(255), fc.nat(255))
              .map((rest) => `44.${rest.join('.')}`),
            fc.integer({ min: 1, max: 0xffff }).map((part) => `2a00:${part.toString(16)}::1`),
          ),
          port: fc.integer({ min: 1, max: 65_535 }),
        },
        plain,
      ),
      { maxLength: 4 },
    ),
  },
  plain,
);

describe('where a peer may be found', () => {
  it('is the same after it was a session description', () => {
    fc.assert(
      fc.property(descriptions, fc.constantFrom('offer', 'answer'), (given, type) => {
        const candidates = [...given.candidates].sort(byFamily);
        assert.deepEqual(describeSession(sessionOf({ ...given, candidates }, type)), {
          ...given,
          candidates,
        });
      }),
    );
  });

  it('is told of public addresses alone, IPv6 first, four of them', () => {
    const ips = [
      '192.168.1.20',
      'fd00::2',
      '127.0.0.1',
      '100.64.1.1',
      '44.1.1.1',
      '2a00::1',
      '2a00::2',
      '2a00::3',
      '2a00::4',
    ];
    const lines = ips.map(
      (ip, i) =>
        `a=candidate:${i} 1 UDP 1 ${ip} 4000 typ ${i % 2 === 0 ? 'host' : 'srflx raddr 0.0.0.0 rport 0'}`,
    );
    const sdp = sessionOf({ ...GOOD, candidates: [] }, 'offer').replace(
      'a=end-of-candidates',
      lines.join('\r\n'),
    );
    assert.deepEqual(
      describeSession(sdp).candidates.map(({ ip }) => ip),
      ['2a00::1', '2a00::2', '2a00::3', '2a00::4'],
    );
  });

  it('is taken from a peer as it should be', () => {
    assert.deepEqual(descriptionSchema.parse(GOOD), GOOD);
  });

  for (const ip of [
    '127.0.0.1',
    '::1',
    '10.0.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '224.0.0.251',
    '255.255.255.255',
    '0.0.0.0',
    'fe80::1',
    'fe80::1%eth0',
    'fd00::1',
    'ff02::fb',
    '::ffff:10.0.0.1',
    'localhost',
    'a.example',
    '1.2.3.4 typ host',
    '',
  ]) {
    it(`is refused where it is to send packets to ${JSON.stringify(ip)}`, () => {
      assert.equal(descriptionSchema.safeParse({ ...GOOD, candidates: [{ ip, port: 4000 }] }).success, false);
    });
  }

  const bad: Readonly<Record<string, unknown>> = {
    'a name with a line break': { ...GOOD, name: 'OQEj\r\na=x' },
    'a short password': { ...GOOD, password: 'short' },
    'a password with other characters': { ...GOOD, password: `${GOOD.password}\n` },
    'a certificate of another length': { ...GOOD, certificate: new Uint8Array(31) },
    'many candidates': {
      ...GOOD,
      candidates: Array.from({ length: 5 }, () => ({ ip: '44.1.1.1', port: 1 })),
    },
    'a port that is none': { ...GOOD, candidates: [{ ip: '44.1.1.1', port: 65_536 }] },
    'more than is asked for': { ...GOOD, sdp: 'v=0' },
  };
  for (const [what, description] of Object.entries(bad)) {
    it(`is refused with ${what}`, () => {
      assert.equal(descriptionSchema.safeParse(description).success, false);
    });
  }
});
