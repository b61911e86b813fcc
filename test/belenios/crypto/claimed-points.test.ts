import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ballotContext, verifyBallot } from '#src/belenios/v1/ballot.js';
import { decodeBallot, decodeClaimedBallot } from '#src/belenios/v1/encoding/ballot.js';
import { decodeElection } from '#src/belenios/v1/encoding/election.js';
import { pointText } from '#src/belenios/v1/encoding/elements.js';
import { electionHash } from '#src/belenios/v1/encoding/hashes.js';
import { type ClaimedPoint, group } from '#src/crypto/group/group.js';
import { LARGE_NON_CANONICAL, Point, SMALL_ORDER_ENCODINGS, TORSION } from '../../support/made-signatures.js';
import { errorOf, valueOf } from '../../support/results.js';
import { entriesOf, fixture } from '../fixtures.js';

const POINT = /"(?:alpha|beta|credential)":"([0-9a-f]{64})"/g;

async function electionAndBallot(name: string) {
  const entries = await entriesOf(fixture(`${name}/tallied.bel`));
  const textOf = (type: string) => entries.find(({ event }) => event.type === type)?.data[0]?.text ?? '';
  return { election: textOf('Setup'), ballot: textOf('Ballot') };
}

const reversed = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex')).toReversed();
const written = (bytes: Uint8Array) => pointText(bytes as ClaimedPoint);

describe('points of a ballot that are checked while it is verified', () => {
  for (const name of ['h-single', 'h-blank']) {
    it(`are each refused where they are no group elements: ${name}`, async () => {
      const { election, ballot } = await electionAndBallot(name);
      const context = ballotContext(valueOf(decodeElection(election)), electionHash(election));
      const verify = (text: string) => verifyBallot(context, valueOf(decodeClaimedBallot(text)));
      assert.ok(verify(ballot).ok);
      const places = [...ballot.matchAll(POINT)];
      assert.ok(places.length > 4);
      for (const [whole, hex = ''] of places) {
        const own = Point.fromBytes(reversed(hex));
        const bad = [
          ...TORSION.filter((point) => !point.is0()).map((point) => own.add(point).toBytes()),
          ...SMALL_ORDER_ENCODINGS.filter((encoding) => group.decode(encoding) === undefined),
          ...LARGE_NON_CANONICAL.slice(0, 3),
        ];
        for (const bytes of bad) {
          const changed = ballot.replace(whole, whole.replace(hex, written(bytes)));
          assert.notEqual(changed, ballot);
          // For this reason, and not because the changed text has another hash.
          assert.match(errorOf(verify(changed)), /elements? of the group/);
        }
      }
    });
  }

  it('are read in both ways from the same texts, unless they are none', async () => {
    const { ballot } = await electionAndBallot('h-single');
    assert.deepEqual(valueOf(decodeClaimedBallot(ballot)), valueOf(decodeBallot(ballot)));
    const [[whole, hex = ''] = ['']] = [...ballot.matchAll(POINT)];
    const mixed = Point.fromBytes(reversed(hex)).add(TORSION[1] ?? Point.ZERO);
    const changed = ballot.replace(whole, whole.replace(hex, written(mixed.toBytes())));
    assert.ok(!decodeBallot(changed).ok);
    assert.ok(decodeClaimedBallot(changed).ok);
    for (const other of ['', '0', hex.toUpperCase(), `${hex}00`])
      assert.ok(!decodeClaimedBallot(ballot.replace(whole, whole.replace(hex, other))).ok);
  });
});
