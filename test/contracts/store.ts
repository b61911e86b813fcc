import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { compareBytes } from '#src/base/bytes.js';
import { readRoot } from '#src/log/merkle.js';
import { tileNodeReader } from '#src/log/tiles.js';
import type { DraftRound, Store, StoreBatch } from '#src/services/ports.js';
import {
  BatchMaker,
  collect,
  entriesOf,
  fill,
  madeBytes,
  madeCheckpoint,
  madeEntry,
  madeTracker,
  madeVoter,
} from '../store/made-batches.js';

/** A place in which a store keeps its log, at first empty; `open` may be called again after the store's `close`. */
export interface StorePlace {
  open(): Promise<Store>;
  remove(): Promise<void>;
}

const DRAFT: DraftRound = {
  title: 'Run-off',
  questions: [{ question: 'Où?', answers: ['Anna', 'Bella'], min: 1, max: 1, blank: true, method: 'count' }],
  opens: null,
  closes: 1_900_000_000_000,
};

/** What every store must do. What it does when its disk fails is for each one's own tests. */
export function storeContract(name: string, make: () => Promise<StorePlace>): void {
  describe(`${name} as a store`, () => {
    let place: StorePlace;
    let store: Store;
    beforeEach(async () => {
      place = await make();
      store = await place.open();
    });
    afterEach(async () => {
      await store.close();
      await place.remove();
    });
    const reopen = async (): Promise<void> => {
      await store.close();
      store = await place.open();
    };

    it('begins empty, with complete indexes', async () => {
      assert.deepEqual(await entriesOf(store), []);
      assert.deepEqual(await collect(store.checkpoints(0)), []);
      assert.deepEqual(await collect(store.voters()), []);
      assert.equal(await store.latestCheckpoint(), undefined);
      assert.equal(await store.entry(0), undefined);
      assert.equal(await store.draft(), undefined);
      assert.equal(await store.indexesComplete(), true);
    });

    it('gives back all of a batch, before and after it is opened again', async () => {
      const batch = new BatchMaker().next(3);
      await store.commit(batch);
      for (const again of [false, true]) {
        if (again) await reopen();
        assert.deepEqual(await entriesOf(store), batch.entries);
        assert.deepEqual(await store.entry(2), batch.entries[2]);
        assert.deepEqual(await collect(store.checkpoints(0)), [batch.checkpoint.text]);
        assert.equal(await store.latestCheckpoint(), batch.checkpoint.text);
        assert.deepEqual(await store.voter(madeVoter(1).key), batch.voters[1]);
        assert.equal(await store.ballotSeq(madeTracker(2)), 2);
        assert.deepEqual(await store.readTile(0, 0), batch.tiles[0]?.bytes);
        assert.equal(await store.indexesComplete(), true);
      }
    });

    it('gives any range of entries, in order', async () => {
      await fill(store, [1, 700, 256]);
      const index = fc.integer({ min: 0, max: 1100 });
      await fc.assert(
        fc.asyncProperty(index, fc.option(index, { nil: undefined }), async (from, to) => {
          const found = await entriesOf(store, from, to);
          const expected = Array.from({ length: Math.max(0, Math.min(to ?? 957, 957) - from) }, (_, i) =>
            madeEntry(from + i),
          );
          assert.deepEqual(found, expected);
        }),
        { numRuns: 30 },
      );
    });

    it('gives the checkpoints of a size and more, by size', async () => {
      await fill(store, [1, 2, 3, 4]);
      const textsFrom = (from: number): string[] =>
        [1, 3, 6, 10].filter((size) => size >= from).map(madeCheckpoint);
      for (let from = 0; from <= 11; from++)
        assert.deepEqual(await collect(store.checkpoints(from)), textsFrom(from));
      await reopen();
      for (let from = 0; from <= 11; from++)
        assert.deepEqual(await collect(store.checkpoints(from)), textsFrom(from));
    });

    it('keeps the tiles of the tree as it grows', async () => {
      const maker = await fill(store, [1, 254, 1, 1, 300, 20]);
      for (const again of [false, true]) {
        if (again) await reopen();
        assert.deepEqual(
          await readRoot(tileNodeReader(store.readTile, maker.size), maker.size),
          maker.root(),
        );
      }
      assert.equal(await store.readTile(0, 9), undefined);
      assert.equal(await store.readTile(5, 0), undefined);
    });

    it('refuses a batch that does not begin at the end of the log, is empty, or has the checkpoint of another size', async () => {
      const maker = await fill(store, [5]);
      const good = maker.next(2);
      const bad: StoreBatch[] = [
        { ...good, from: 4, checkpoint: { ...good.checkpoint, size: 6 } },
        { ...good, from: 6, checkpoint: { ...good.checkpoint, size: 8 } },
        { ...good, entries: [], checkpoint: { ...good.checkpoint, size: 5 } },
        { ...good, checkpoint: { ...good.checkpoint, size: 8 } },
      ];
      for (const batch of bad) await assert.rejects(store.commit(batch), RangeError);
      await store.commit(good);
      await assert.rejects(store.commit(good), RangeError);
      assert.equal((await entriesOf(store)).length, 7);
    });

    it('takes one of two commits at the same time', async () => {
      const batch = new BatchMaker().next(2);
      const other = { ...batch, entries: batch.entries.map((_, i) => madeEntry(100 + i)) };
      const [first, second] = await Promise.allSettled([store.commit(batch), store.commit(other)]);
      assert.equal(first.status, 'fulfilled');
      assert.equal(second.status, 'rejected');
      assert.deepEqual(await entriesOf(store), batch.entries);
    });

    it('shows a reader the log as it was when the reading began', async () => {
      const maker = await fill(store, [600]);
      const reading = store.entries(0)[Symbol.asyncIterator]();
      const chunks = [await reading.next()];
      await store.commit(maker.next(600));
      for (let next = await reading.next(); next.done !== true; next = await reading.next())
        chunks.push(next);
      const seen = chunks.flatMap((chunk) => (chunk.done === true ? [] : [...chunk.value]));
      assert.deepEqual(
        seen,
        Array.from({ length: 600 }, (_, i) => madeEntry(i)),
      );
    });

    it('keeps the last record that a batch has of a voter', async () => {
      const [first, second] = [madeVoter(7), madeVoter(7, { weight: 3, round: 2, number: 4, seq: 5 })];
      await store.commit({ ...new BatchMaker().next(1), voters: [first, second] });
      assert.deepEqual(await store.voter(first.key), second);
      assert.deepEqual(await store.voterByName(first.name), second);
    });

    it('finds voters by any name that the roll may have, and by no other', async () => {
      const names = [
        'a',
        'a/b',
        'Ω',
        'Łucja Ż.',
        '投票者',
        '🗳️ ballot',
        ' ',
        'x'.repeat(256),
        'voter/0',
        '\ufffd',
      ];
      const voters = names.map((each, number) => madeVoter(number, { name: each }));
      await store.commit({ ...new BatchMaker().next(1), voters });
      await reopen();
      for (const voter of voters) assert.deepEqual(await store.voterByName(voter.name), voter);
      for (const unknown of ['', 'b', 'A', '\ud800', 'x'.repeat(257), 'x'.repeat(100_000)]) {
        assert.equal(await store.voterByName(unknown), undefined);
      }
      assert.equal(await store.voter(madeBytes('nobody')), undefined);
      assert.equal(await store.voter(new Uint8Array()), undefined);
    });

    it('lists voters by increasing key', async () => {
      const voters = Array.from({ length: 1300 }, (_, number) => madeVoter(number));
      await store.commit({ ...new BatchMaker().next(1), voters });
      assert.deepEqual(
        await collect(store.voters()),
        voters.sort((a, b) => compareBytes(a.key, b.key)),
      );
    });

    it('keeps every number that a record may hold', async () => {
      const large = madeVoter(1, {
        weight: 1_000_000,
        round: 1_000_000,
        number: 0xffffffff,
        seq: 999_999_999_998,
      });
      const first = madeVoter(2, { round: 1, number: 1, seq: 0 });
      const batch = new BatchMaker().next(1);
      await store.commit({ ...batch, voters: [large, first], ballots: [{ tracker: 'x', seq: 2 ** 40 }] });
      assert.deepEqual(await store.voter(large.key), large);
      assert.deepEqual(await store.voter(first.key), first);
      assert.equal(await store.ballotSeq('x'), 2 ** 40);
    });

    it('answers questions that make no sense as it answers those about strangers', async () => {
      await fill(store, [3]);
      for (const seq of [-1, 3, 0.5, NaN, Infinity, 1e300]) assert.equal(await store.entry(seq), undefined);
      for (const tracker of ['', 'x', 'x'.repeat(100_000), '\ud800'])
        assert.equal(await store.ballotSeq(tracker), undefined);
    });

    it('keeps the draft of a round until it is replaced or dropped', async () => {
      await store.setDraft(DRAFT);
      await reopen();
      assert.deepEqual(await store.draft(), DRAFT);
      await store.setDraft({ ...DRAFT, title: 'Second thoughts' });
      assert.equal((await store.draft())?.title, 'Second thoughts');
      await store.setDraft(undefined);
      assert.equal(await store.draft(), undefined);
    });

    it('drops its indexes alone, and takes no batch before they are made again', async () => {
      const maker = new BatchMaker();
      const batch = maker.next(300);
      await store.commit(batch);
      await store.setDraft(DRAFT);
      await store.clearIndexes();
      for (const again of [false, true]) {
        if (again) await reopen();
        assert.equal(await store.indexesComplete(), false);
        assert.deepEqual(await collect(store.voters()), []);
        assert.equal(await store.voterByName('voter 1'), undefined);
        assert.equal(await store.ballotSeq(madeTracker(1)), undefined);
        assert.equal(await store.readTile(0, 0), undefined);
        assert.deepEqual(await entriesOf(store), batch.entries);
        assert.equal(await store.latestCheckpoint(), batch.checkpoint.text);
        assert.deepEqual(await store.draft(), DRAFT);
        await assert.rejects(store.commit(maker.next(1)), RangeError);
      }
    });

    it('takes indexes made again in parts, the last of which completes them', async () => {
      const maker = new BatchMaker();
      const [first, second] = [maker.next(200), maker.next(100)];
      await store.commit(first);
      await store.commit(second);
      await store.clearIndexes();
      await store.putIndexes({ ...first, indexedSize: 200 });
      assert.equal(await store.indexesComplete(), false);
      await store.putIndexes({ ...second, indexedSize: 300 });
      await reopen();
      assert.equal(await store.indexesComplete(), true);
      assert.deepEqual(await store.voterByName('voter 250'), second.voters[50]);
      assert.deepEqual(await store.voter(madeVoter(3).key), first.voters[3]);
      assert.equal(await store.ballotSeq(madeTracker(299)), 299);
      assert.deepEqual(await readRoot(tileNodeReader(store.readTile, 300), 300), maker.root());
      await store.commit(maker.next(1));
    });

    it('finishes the commit that is under way when it is closed', async () => {
      const batch = new BatchMaker().next(200);
      const commit = store.commit(batch);
      await store.close();
      await commit;
      store = await place.open();
      assert.deepEqual(await entriesOf(store), batch.entries);
    });

    it('may be closed twice, and answers nothing afterwards', async () => {
      await fill(store, [2]);
      await Promise.all([store.close(), store.close()]);
      await store.close();
      await assert.rejects(store.voter(madeVoter(0).key));
      await assert.rejects(entriesOf(store));
    });
  });
}
