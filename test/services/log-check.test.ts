import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PsephosError } from '#src/base/errors.js';
import { ElectionLog } from '#src/services/election-log.js';
import type { Store } from '#src/services/ports.js';
import { openLevelStore } from '#src/store/level-store.js';
import { AUTHORITY, TempElection } from '../support/temp-election.ts';

/** A store that reads as if its disk had been tampered with. */
function altered(store: Store, change: (entries: Uint8Array[]) => Uint8Array[]): Store {
  return new Proxy(store, {
    get(target, property) {
      if (property === 'entries') {
        return async function* () {
          const all: Uint8Array[] = [];
          for await (const chunk of target.entries(0)) all.push(...chunk);
          yield change(all);
        };
      }
      const value: unknown = Reflect.get(target, property);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}

describe('a log that is taken up', () => {
  it('is refused, naming the entry, when any byte of any entry was changed on disk', async (t) => {
    const election = await TempElection.create(t);
    await election.organiser.open();
    const station = election.station();
    for (const voter of [0, 1, 2]) await station.cast(election.ballot(voter, [[voter]]));
    await election.organiser.close();
    const { size } = election.log.head;
    await election.close();

    const open = (change: (entries: Uint8Array[]) => Uint8Array[]) =>
      ElectionLog.open({
        openStore: async () =>
          altered(await openLevelStore(election.folder, { create: false, program: 'a test' }), change),
        loadSeed: () => Promise.resolve(AUTHORITY),
        clock: { now: () => 0 },
        onEvent: () => undefined,
        onProgress: () => undefined,
      });
    const refuses = (change: (entries: Uint8Array[]) => Uint8Array[], seq: number) =>
      assert.rejects(open(change), (error) => {
        assert.ok(error instanceof PsephosError);
        assert.equal(error.code, 'store-damaged');
        assert.match(error.message, new RegExp(`Entry ${seq} `));
        return true;
      });

    await fc.assert(
      fc.asyncProperty(fc.nat(size - 1), fc.nat(), fc.integer({ min: 0, max: 7 }), (seq, at, bit) =>
        refuses((entries) => {
          const entry = (entries[seq] as Uint8Array).slice();
          const index = at % entry.length;
          entry[index] = (entry[index] as number) ^ (1 << bit);
          return entries.toSpliced(seq, 1, entry);
        }, seq),
      ),
      { numRuns: 60 },
    );
    await refuses((entries) => entries.slice(0, -1), size - 1);
    await refuses((entries) => entries.toSpliced(2, 1), 2);
    await refuses(
      (entries) => entries.toSpliced(3, 2, entries[4] as Uint8Array, entries[3] as Uint8Array),
      3,
    );
    const untouched = await open((entries) => entries);
    await untouched.close();
  });
});
