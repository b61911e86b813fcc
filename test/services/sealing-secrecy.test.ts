import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeBallot } from '#src/belenios/v1/encoding/ballot.js';
import { pointText } from '#src/belenios/v1/encoding/elements.js';
import { group } from '#src/crypto/group/group.js';
import type { Choice } from '#src/election/choices.js';
import { SealedElection } from '../support/sealed-election.ts';
import { valueOf } from '../support/results.ts';
import { QUESTION } from '../support/temp-election.ts';

const BALLOTS = 200;
/** Of the blank vote and three answers, alpha and beta. */
const POINTS = 8;
const BITS = 256;
const VOTE: readonly Choice[] = [[1]];

/**
 * How far from a half the share of ones among `trials` fair coins may be: by Hoeffding's inequality P(|share − 1/2| ≥ d) ≤
 * 2·exp(−2·trials·d²), and over all the shares that are looked at the sum of that is to be below 10⁻⁹.
 */
function bound(trials: number, shares: number): number {
  return Math.sqrt(Math.log((2 * shares) / 1e-9) / (2 * trials));
}

/** The share of ones at each place of these byte strings of one length. */
function shares(strings: readonly Uint8Array[]): number[] {
  return Array.from({ length: BITS }, (_, bit) => {
    const ones = strings.filter((bytes) => (((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1);
    return ones.length / strings.length;
  });
}

describe('the same vote, sealed again and again', { timeout: 120_000 }, () => {
  it('gives ciphertexts that have nothing to do with each other', async (t) => {
    const election = await SealedElection.create(t, { questions: [QUESTION] });
    await election.open();
    const ballots = Array.from({ length: BALLOTS }, () => valueOf(decodeBallot(election.seal(0, VOTE))));
    const points = ballots.map(({ answers }) =>
      answers.flatMap(({ choices }) => choices.flatMap(({ alpha, beta }) => [alpha, beta])),
    );
    assert.ok(points.every(({ length }) => length === POINTS));

    const all = points.flat();
    assert.equal(new Set(all.map(pointText)).size, BALLOTS * POINTS, 'every point is there once');
    const constants = [group.identity, group.generator, election.trustees.publicKey].map(pointText);
    assert.ok(all.every((point) => !constants.includes(pointText(point))));

    const perPlace = Array.from({ length: POINTS }, (_, place) =>
      shares(points.map((own) => own[place] ?? assert.fail())),
    ).flat();
    const looked = perPlace.length + BITS;
    const off = (share: number) => Math.abs(share - 0.5);
    assert.ok(Math.max(...perPlace.map(off)) < bound(BALLOTS, looked));
    assert.ok(Math.max(...shares(all).map(off)) < bound(BALLOTS * POINTS, looked));

    // What two ballots have in common is as balanced: they are no shifted copies of each other.
    const differences = points.slice(1).map((own, index) => {
      const [alpha, before] = [own[0] ?? assert.fail(), points[index]?.[0] ?? assert.fail()];
      return group.subtract(alpha, before);
    });
    assert.equal(new Set(differences.map(pointText)).size, differences.length);
    assert.ok(Math.max(...shares(differences).map(off)) < bound(differences.length, BITS));
  });

  it('gives proofs and signatures that have no number in common', async (t) => {
    const election = await SealedElection.create(t, { questions: [QUESTION] });
    await election.open();
    const numbers = Array.from({ length: BALLOTS }, () =>
      [...election.seal(0, VOTE).matchAll(/"(?:challenge|response)":"([0-9]+)"/g)].map(
        ([, digits]) => digits,
      ),
    ).flat();
    assert.equal(new Set(numbers).size, numbers.length);
    assert.ok(numbers.length > BALLOTS * POINTS);
  });

  it('is caught by this where randomness repeats, or is small', () => {
    const same = Array.from({ length: BALLOTS }, () => Uint8Array.from(group.generator));
    assert.ok(
      Math.max(...shares(same).map((share) => Math.abs(share - 0.5))) > bound(BALLOTS, BITS * POINTS),
    );
  });
});
