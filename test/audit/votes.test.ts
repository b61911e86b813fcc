import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { VoteTable, packChoices, unpackChoices } from '#src/audit/votes.js';
import { MAX_ANSWERS } from '#src/election/limits.js';

const anyChoices = fc.array(
  fc.oneof(fc.constant(null), fc.array(fc.integer({ min: 0, max: MAX_ANSWERS }), { maxLength: 5 })),
  { minLength: 1, maxLength: 4 },
);

describe('packed choices', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(anyChoices, (choices) => {
        assert.deepEqual(unpackChoices(packChoices(choices)), choices);
      }),
    );
  });

  it('are equal for equal choices only', () => {
    fc.assert(
      fc.property(anyChoices, anyChoices, (one, other) => {
        assert.equal(packChoices(one) === packChoices(other), JSON.stringify(one) === JSON.stringify(other));
      }),
    );
  });
});

describe('the table of votes', () => {
  it('holds each vote as often as it was taken, and forgets it with its last holder', () => {
    const vote = fc.constantFrom('a', 'b', 'c', 'd');
    fc.assert(
      fc.property(fc.array(fc.record({ hold: fc.boolean(), vote }), { maxLength: 60 }), (steps) => {
        const table = new VoteTable();
        const held: { id: number; packed: string }[] = [];
        for (const { hold, vote: name } of steps) {
          const packed = packChoices([[name.charCodeAt(0)]]);
          const one = hold ? undefined : held.pop();
          if (one === undefined) held.push({ id: table.hold(packed, unpackChoices(packed)), packed });
          else assert.deepEqual(table.release(one.id), unpackChoices(one.packed));
          assert.equal(table.size, new Set(held.map((other) => other.packed)).size);
          for (const other of held)
            assert.equal(
              new Set(held.filter(({ id }) => id === other.id).map((same) => same.packed)).size,
              1,
            );
        }
      }),
    );
  });

  it('throws for a vote that nobody holds', () => {
    const table = new VoteTable();
    const id = table.hold(packChoices([[0]]), [[0]]);
    table.release(id);
    assert.throws(() => table.release(id), RangeError);
    assert.throws(() => table.release(7), RangeError);
  });
});
