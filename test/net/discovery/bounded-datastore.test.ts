import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Key } from 'interface-datastore/key';
import { BoundedDatastore } from '#src/net/discovery/bounded-datastore.js';

const SHELVES = [
  { prefix: '/a/', values: 6, perParent: 3, valueBytes: 4 },
  { prefix: '/b/', values: 2, perParent: 2, valueBytes: 1 },
];

function keysOf(store: BoundedDatastore, prefix = ''): string[] {
  return [...store._allKeys({ prefix })].map(String);
}

const byte = Uint8Array.of(1);

describe('what is kept of what strangers say', () => {
  it('is never more than there is room for, whatever is put and deleted', () => {
    const key = fc
      .tuple(fc.constantFrom('a', 'b'), fc.constantFrom('x', 'y', 'z'), fc.integer({ min: 0, max: 9 }))
      .map(([shelf, parent, child]) => `/${shelf}/${parent}/${child}`);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), key), { maxLength: 200 }), (steps) => {
        const store = new BoundedDatastore(SHELVES, (key) => key === '/a/x/0');
        const model = new Set<string>();
        for (const [isPut, text] of steps) {
          if (isPut) store.put(new Key(text), byte);
          else store.delete(new Key(text));
          if (isPut) model.add(text);
          else model.delete(text);
          const kept = keysOf(store);
          assert.equal(new Set(kept).size, kept.length);
          assert.equal(store.size, kept.length);
          assert.ok(!isPut || store.has(new Key(text)), 'what was put last is there');
          assert.ok(kept.every((one) => model.has(one)));
          assert.equal(store.has(new Key('/a/x/0')), model.has('/a/x/0'), 'what must stay stays');
          for (const { prefix, values } of SHELVES)
            assert.ok(kept.filter((one) => one.startsWith(prefix)).length <= values);
          for (const parent of ['/a/x', '/a/y', '/a/z']) {
            const children = kept.filter((one) => one.startsWith(`${parent}/`));
            assert.ok(children.length <= 3);
            assert.deepEqual(
              new Set(keysOf(store, parent).filter((one) => one.startsWith(`${parent}/`))),
              new Set(children),
            );
          }
        }
      }),
    );
  });

  it('makes room by what was put longest ago', () => {
    const store = new BoundedDatastore(SHELVES);
    for (const child of [1, 2, 3, 1, 4]) store.put(new Key(`/a/x/${child}`), byte);
    assert.deepEqual(keysOf(store, '/a/x'), ['/a/x/3', '/a/x/1', '/a/x/4']);
  });

  it('is nothing that is too large, or of another kind', () => {
    const store = new BoundedDatastore(SHELVES);
    assert.throws(() => store.put(new Key('/a/x/1'), new Uint8Array(5)));
    assert.throws(() => store.put(new Key('/dht/record/1'), byte));
    assert.throws(() => store.get(new Key('/a/x/1')), { name: 'NotFoundError' });
    assert.equal(store.size, 0);
  });
});
