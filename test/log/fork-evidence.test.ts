import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { origin, signCheckpoint } from '#src/log/checkpoint.js';
import { type ForkEvidence, continuity, judgeEvidence } from '#src/log/evidence.js';
import { errorOf, valueOf } from '../support/results.js';
import {
  MAX,
  authority,
  fork,
  forkOf,
  forked,
  genesis,
  headOf,
  honest,
  leaf,
  log,
  other,
  prefixOf,
  sizes,
  sizesFrom,
  stranger,
} from '../support/two-histories.js';

describe('continuity', () => {
  it(`is found between every two sizes up to ${MAX} of one history`, () => {
    for (const first of sizes) {
      for (const second of sizesFrom(first)) {
        const stands = continuity(
          headOf(honest, first),
          headOf(honest, second),
          prefixOf(honest, first, second),
        );
        assert.equal(stands, 'continues', `${first} ${second}`);
      }
    }
  });

  it('is found, or a conflict is, between every two sizes of two histories, however much they share', () => {
    for (const [shared, fork] of forked.entries()) {
      for (const first of sizes) {
        for (const second of sizesFrom(first)) {
          const expected = first <= shared ? 'continues' : 'conflicts';
          for (const [one, two] of [
            [honest, fork],
            [fork, honest],
          ] as const) {
            const stands = continuity(headOf(one, first), headOf(two, second), prefixOf(two, first, second));
            assert.equal(stands, expected, `${shared} ${first} ${second}`);
          }
        }
      }
    }
  });

  it('is unproven by what the wrong log answers, or about other sizes', () => {
    for (const first of sizesFrom(1)) {
      for (const second of sizesFrom(first)) {
        // Sizes up to which nothing tells the histories apart leave nothing to be wrong about.
        if (second <= 4) continue;
        const heads = [headOf(honest, first), headOf(other, second)] as const;
        assert.equal(continuity(...heads, prefixOf(honest, first, second)), 'unproven');
      }
    }
    const heads = [headOf(honest, 7), headOf(other, 20)] as const;
    for (const first of sizes) {
      for (const second of sizesFrom(Math.max(first, 1))) {
        const stands = continuity(...heads, prefixOf(other, first, second));
        assert.equal(stands, first === 7 && second === 20 ? 'conflicts' : 'unproven', `${first} ${second}`);
      }
    }
  });

  it('is unproven where the first checkpoint is the larger one', () => {
    for (const first of sizesFrom(1)) {
      for (const second of sizes.slice(0, first)) {
        const heads = [headOf(honest, first), headOf(other, second)] as const;
        assert.equal(continuity(...heads, prefixOf(other, second, first)), 'unproven');
        assert.equal(continuity(...heads, { root: other.root(second), proof: [] }), 'unproven');
      }
    }
  });

  it('is unproven by hashes of another length', () => {
    const { root, proof } = prefixOf(honest, 7, 20);
    const heads = [headOf(honest, 7), headOf(honest, 20)] as const;
    assert.equal(continuity(...heads, { root: root.subarray(1), proof }), 'unproven');
    assert.equal(continuity(...heads, { root, proof: proof.with(0, new Uint8Array(31)) }), 'unproven');
  });
});

describe('evidence of a fork', () => {
  it('convicts wherever continuity finds a conflict, and nowhere else', () => {
    for (const [shared, fork] of forked.entries()) {
      const [one, two] = shared % 2 === 0 ? [honest, fork] : [fork, honest];
      for (const first of sizes) {
        for (const second of sizesFrom(first)) {
          // Where there is no conflict, one pair of sizes stands for the rest: signatures cost time.
          if (first <= shared && second !== first + 1) continue;
          const judged = judgeEvidence(forkOf(one, first, two, second));
          assert.equal(judged.ok, first > shared, `${shared} ${first} ${second}`);
        }
      }
    }
  });

  it('says which election it is about, and which checkpoints', () => {
    const { electionId, genesis: entry, finding } = valueOf(judgeEvidence(fork));
    assert.equal(electionId, log.electionId);
    assert.deepEqual(entry.authority, authority.publicKey);
    assert.deepEqual(finding, {
      kind: 'fork',
      first: { origin: log.origin, ...headOf(honest, 7), text: fork.first },
      second: { origin: log.origin, ...headOf(other, 20), text: fork.second },
    });
  });

  it('convicts for two roots of one size, and for a root that no empty tree has', () => {
    assert.ok(judgeEvidence(forkOf(honest, 7, other, 7)).ok);
    const odd = signCheckpoint(
      { origin: log.origin, size: 0, root: leaf('a', 0) },
      authority.seed,
      authority.publicKey,
    );
    const ofNothing = forkOf(honest, 0, honest, 5);
    assert.ok(judgeEvidence({ ...ofNothing, first: odd }).ok);
    assert.equal(judgeEvidence(ofNothing).ok, false);
  });

  it('convicts with checkpoints that others added lines to', () => {
    const { first, second } = fork;
    const ownLine = (text: string): string => text.slice(text.indexOf('\n\n') + 2);
    const line = '— w AAAAAAA=\n';
    assert.ok(judgeEvidence({ ...fork, first: first + line, second: second + line }).ok);
    // Signed twice, too.
    assert.ok(judgeEvidence({ ...fork, first: first + ownLine(first), second: second + ownLine(second) }).ok);
  });

  it('shows nothing after any change', () => {
    const flip = (bytes: Uint8Array, bit: number): Uint8Array =>
      bytes.with(bit >> 3, (bytes[bit >> 3] as number) ^ (1 << (bit & 7)));
    const refuses = (changed: Partial<ForkEvidence>): void => {
      assert.equal(judgeEvidence({ ...fork, ...changed }).ok, false);
    };
    for (let bit = 0; bit < 256; bit += 7) {
      refuses({ root: flip(fork.root, bit) });
      for (const [place, hash] of fork.proof.entries())
        refuses({ proof: fork.proof.with(place, flip(hash, bit)) });
    }
    for (const place of fork.proof.keys()) refuses({ proof: fork.proof.toSpliced(place, 1) });
    refuses({ proof: [...fork.proof, fork.root] });
    refuses({ proof: [] });
    for (let at = 0; at < fork.first.length; at++) {
      const without = (text: string): string => text.slice(0, at) + text.slice(at + 1);
      refuses({ first: without(fork.first) });
      refuses({ second: without(fork.second) });
    }
    for (let bit = 0; bit < genesis.length * 8; bit += 13) refuses({ genesis: flip(genesis, bit) });
    refuses({ first: fork.second, second: fork.first });
    refuses({ second: fork.first });
  });

  it('shows nothing of checkpoints by another key, or of another election', () => {
    const head = headOf(honest, 7);
    const byStranger = signCheckpoint({ origin: log.origin, ...head }, stranger.seed, stranger.publicKey);
    const forged = signCheckpoint({ origin: log.origin, ...head }, stranger.seed, authority.publicKey);
    const elsewhere = signCheckpoint(
      { origin: origin('other'), ...head },
      authority.seed,
      authority.publicKey,
    );
    assert.match(errorOf(judgeEvidence({ ...fork, first: byStranger })), /first checkpoint is not good/);
    assert.match(errorOf(judgeEvidence({ ...fork, first: forged })), /first checkpoint is not good/);
    assert.match(errorOf(judgeEvidence({ ...fork, first: elsewhere })), /first checkpoint is not good/);
    assert.match(errorOf(judgeEvidence({ ...fork, second: elsewhere })), /second checkpoint is not good/);
  });

  it('can not be made about one history, whatever its roots and proofs are put together to', () => {
    const small = sizes.slice(0, 10);
    const roots = small.map((size) => honest.root(size));
    const proofs = small.flatMap((second) =>
      small.filter((first) => first <= second).map((first) => prefixOf(honest, first, second).proof),
    );
    for (const first of small) {
      for (const second of small) {
        for (const root of roots) {
          for (const proof of proofs) {
            const stands = continuity(headOf(honest, first), headOf(honest, second), { root, proof });
            assert.notEqual(stands, 'conflicts', `${first} ${second}`);
          }
        }
      }
    }
  });

  it('can not be made about one history with hashes of another one, either', () => {
    const hashes = [honest, other].flatMap((tree) =>
      sizes.flatMap((to) => sizes.filter((from) => from < to).map((from) => tree.mth(from, to))),
    );
    const hash = fc.constantFrom(...hashes);
    const size = fc.integer({ min: 0, max: MAX });
    fc.assert(
      fc.property(size, size, hash, fc.array(hash, { maxLength: 6 }), (one, two, root, proof) => {
        const stands = continuity(headOf(honest, one), headOf(honest, two), { root, proof });
        assert.notEqual(stands, 'conflicts');
      }),
      { numRuns: 5000 },
    );
    // Honest proofs of which one part, or the root, is another's: what comes nearest.
    fc.assert(
      fc.property(size, size, fc.nat({ max: 6 }), hash, (one, two, place, forgery) => {
        const [first, second] = [Math.min(one, two), Math.max(one, two)];
        const { root, proof } = prefixOf(honest, first, second);
        const heads = [headOf(honest, first), headOf(honest, second)] as const;
        const altered = proof.map((each, at) => (at === place ? forgery : each));
        assert.notEqual(continuity(...heads, { root, proof: altered }), 'conflicts');
        assert.notEqual(continuity(...heads, { root: forgery, proof: altered }), 'conflicts');
        assert.notEqual(continuity(...heads, { root: forgery, proof }), 'conflicts');
      }),
      { numRuns: 5000 },
    );
  });
});
