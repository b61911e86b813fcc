import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCheckpoint, signCheckpoint } from '#src/log/checkpoint.js';
import { PeerRefusal } from '#src/services/ports.js';
import { FakeService, entryOf, sampleInfo, testClient, testNode, until } from './support.js';
import { testKey } from '../support/test-keys.js';

function signedCheckpoint(size: number): string {
  const { seed, publicKey } = testKey(1);
  return signCheckpoint({ origin: 'psephos/x', size, root: new Uint8Array(32).fill(size) }, seed, publicKey);
}

function voter(name: string, byte: number): FakeService['voters'][number] {
  return { name, key: new Uint8Array(32).fill(byte), weight: 2, round: 1, number: 3, seq: 17 };
}

describe('the protocols between a node and its clients', () => {
  it('info brings the election as the service describes it', async (t) => {
    const service = new FakeService();
    const client = await testClient(t, (await testNode(t, service)).address);
    assert.deepEqual(await client.info(), sampleInfo());
    service.infoAnswer = {
      ...sampleInfo(),
      round: null,
      open: false,
      draft: {
        title: 'Run-off',
        questions: [
          { question: 'Which?', answers: ['A', 'B'], min: 1, max: 1, blank: true, method: 'count' },
        ],
        opens: null,
        closes: 1_800_000_000_000,
      },
    };
    assert.deepEqual(await client.info(), service.infoAnswer);
  });

  it('info brings the record of a voter by name or by key, and undefined for a stranger', async (t) => {
    const service = new FakeService();
    service.voters = [voter('ada', 1), voter('bob', 2)];
    const client = await testClient(t, (await testNode(t, service)).address);
    assert.deepEqual(await client.standing({ name: 'bob' }), voter('bob', 2));
    assert.deepEqual(await client.standing({ key: new Uint8Array(32).fill(1) }), voter('ada', 1));
    assert.equal(await client.standing({ name: 'eve' }), undefined);
  });

  it('a field that the store adds to a voter record does not travel', async (t) => {
    const service = new FakeService();
    service.voters = [{ ...voter('ada', 1), email: 'ada@example.org' } as FakeService['voters'][number]];
    const client = await testClient(t, (await testNode(t, service)).address);
    assert.deepEqual(await client.standing({ name: 'ada' }), voter('ada', 1));
  });

  it('cast brings the receipt, for the smallest and for the longest ballot', async (t) => {
    const client = await testClient(t, (await testNode(t, new FakeService())).address);
    assert.equal(await client.cast(new Uint8Array(1)), 'receipt of 1 bytes');
    assert.equal(await client.cast(new Uint8Array(256 * 1024)), 'receipt of 262144 bytes');
  });

  it('cast brings the promise before the receipt is there, and then the receipt', async (t) => {
    const service = new FakeService();
    let give: (receipt: string) => void = () => undefined;
    service.onCast = (ballot, onPromise) => {
      onPromise(`promise of ${ballot.length} bytes`);
      return new Promise((resolve) => {
        give = resolve;
      });
    };
    const client = await testClient(t, (await testNode(t, service)).address);
    const promises: string[] = [];
    const receipt = await client.cast(new Uint8Array(3), (promise) => {
      promises.push(promise);
      // Nothing else would answer: the promise can't have waited for the receipt.
      give('the receipt');
    });
    assert.deepEqual({ promises, receipt }, { promises: ['promise of 3 bytes'], receipt: 'the receipt' });
  });

  it('a hundred promises and receipts at a time each belong to their ballot', async (t) => {
    const service = new FakeService();
    service.onCast = async (ballot, onPromise) => {
      if (ballot.length % 3 > 0) onPromise(`promise of ${ballot.length}`);
      await new Promise((resolve) => setImmediate(resolve));
      return `receipt of ${ballot.length}`;
    };
    const client = await testClient(t, (await testNode(t, service)).address);
    const heard = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const texts: string[] = [];
        texts.push(await client.cast(new Uint8Array(i), (promise) => texts.push(promise)));
        return texts;
      }),
    );
    assert.deepEqual(
      heard,
      Array.from({ length: 100 }, (_, i) => [...(i % 3 > 0 ? [`promise of ${i}`] : []), `receipt of ${i}`]),
    );
  });

  it('a refusal after a promise is a refusal, and the stream serves on', async (t) => {
    const service = new FakeService();
    const { address, defects } = await testNode(t, service);
    const client = await testClient(t, address, { retries: 0 });
    service.onCast = (_, onPromise) => {
      onPromise('a promise');
      return Promise.reject(new PeerRefusal('closed', 'Round 1 is closed.'));
    };
    const promises: string[] = [];
    await assert.rejects(
      client.cast(new Uint8Array(3), (promise) => promises.push(promise)),
      { name: 'PeerRefusal', code: 'closed' },
    );
    assert.deepEqual(promises, ['a promise']);
    service.onCast = () => Promise.resolve('at last');
    assert.equal(await client.cast(new Uint8Array(3)), 'at last');
    assert.deepEqual(defects, []);
  });

  it('a hundred casts at a time on one client are each answered', async (t) => {
    const client = await testClient(t, (await testNode(t, new FakeService())).address);
    const receipts = await Promise.all(Array.from({ length: 100 }, (_, i) => client.cast(new Uint8Array(i))));
    assert.deepEqual(
      receipts,
      Array.from({ length: 100 }, (_, i) => `receipt of ${i} bytes`),
    );
  });

  it('a refusal travels with its code, message and retry time, and the stream serves on', async (t) => {
    const service = new FakeService();
    const { address, defects } = await testNode(t, service);
    const client = await testClient(t, address, { retries: 0 });
    const refusals = [
      new PeerRefusal('already-voted', 'This voter has already voted.'),
      new PeerRefusal('closed', 'Round 1 is closed.'),
      new PeerRefusal('busy', 'Come back.', 1500),
    ];
    for (const refusal of refusals) {
      service.onCast = () => Promise.reject(refusal);
      await assert.rejects(client.cast(new Uint8Array(3)), {
        name: 'PeerRefusal',
        code: refusal.code,
        message: refusal.message,
        retryAfter: refusal.retryAfter,
      });
    }
    service.onCast = () => Promise.resolve('at last');
    assert.equal(await client.cast(new Uint8Array(3)), 'at last');
    assert.deepEqual(defects, []);
  });

  it('control characters of a refusal do not reach the voter’s terminal', async (t) => {
    const service = new FakeService();
    service.onCast = () => Promise.reject(new PeerRefusal('closed', 'a\u001b[31m\u202eb'));
    const client = await testClient(t, (await testNode(t, service)).address);
    await assert.rejects(client.cast(new Uint8Array(3)), { message: 'a [31m b' });
  });

  it('a failing service answers "internal", says nothing of the inside, and the node goes on', async (t) => {
    const service = new FakeService();
    const { address, defects } = await testNode(t, service);
    const client = await testClient(t, address);
    const failure = new TypeError('secret path /home/x');
    service.onCast = () => Promise.reject(failure);
    await assert.rejects(
      client.cast(new Uint8Array(3)),
      (error) =>
        error instanceof PeerRefusal && error.code === 'internal' && !error.message.includes('secret'),
    );
    assert.deepEqual(defects, [failure]);
    // Not even an answer that can't be encoded.
    service.onCast = () => Promise.resolve(undefined as unknown as string);
    await assert.rejects(client.cast(new Uint8Array(3)), { code: 'internal' });
    assert.equal(defects.length, 2);
    assert.deepEqual(await client.info(), sampleInfo());
  });

  it('proof brings inclusion by index and by tracker, consistency and the newest checkpoint', async (t) => {
    const service = new FakeService();
    service.entryList = [entryOf(0), entryOf(1, 512 * 1024)];
    const client = await testClient(t, (await testNode(t, service)).address);
    const expected = {
      index: 1,
      entry: entryOf(1, 512 * 1024),
      proof: [new Uint8Array(32).fill(1)],
      checkpoint: 'newest',
    };
    assert.deepEqual(await client.inclusion({ index: 1 }), expected);
    assert.deepEqual(await client.inclusion({ tracker: '1'.padEnd(43, 'A') }), expected);
    await assert.rejects(client.inclusion({ index: 2 }), { name: 'PeerRefusal', code: 'not-found' });
    assert.deepEqual(await client.consistency(5), {
      root: new Uint8Array(32),
      proof: [new Uint8Array(32).fill(5)],
      checkpoint: 'of size 99',
    });
    assert.deepEqual((await client.consistency(5, 7)).checkpoint, 'of size 7');
    assert.equal(await client.latestCheckpoint(), undefined);
    service.checkpointList = ['a', 'b'];
    assert.equal(await client.latestCheckpoint(), 'b');
  });

  it('log brings any range of entries, in order, over as many frames as it takes', async (t) => {
    const service = new FakeService();
    service.entryList = Array.from({ length: 1000 }, (_, i) => entryOf(i, 4 + ((i * 37) % 2000)));
    service.entryList[500] = entryOf(500, 512 * 1024);
    const client = await testClient(t, (await testNode(t, service)).address);
    for (const [from, to] of [
      [0, undefined],
      [3, 4],
      [0, 0],
      [499, 502],
      [990, 2000],
      [1000, undefined],
      [5000, 6000],
    ] as const) {
      const entries: Uint8Array[] = [];
      for await (const chunk of client.entries(from, to)) entries.push(...chunk);
      assert.deepEqual(entries, service.entryList.slice(from, to));
    }
  });

  it('log brings the checkpoints from a size on', async (t) => {
    const service = new FakeService();
    service.checkpointList = Array.from({ length: 5000 }, (_, i) => `checkpoint ${i} ${'x'.repeat(200)}`);
    const client = await testClient(t, (await testNode(t, service)).address);
    const texts: string[] = [];
    for await (const text of client.checkpoints(10)) texts.push(text);
    assert.deepEqual(texts, service.checkpointList.slice(10));
  });

  it('a reader that stops early leaves no stream behind', async (t) => {
    const service = new FakeService();
    service.entryList = Array.from({ length: 5000 }, (_, i) => entryOf(i, 1000));
    const { node, address } = await testNode(t, service);
    const client = await testClient(t, address);
    for (let i = 0; i < 5; i += 1) {
      for await (const chunk of client.entries(0)) {
        assert.ok(chunk.length > 0);
        break;
      }
    }
    await until('all log streams are gone', () => node.streamCount() === 0);
  });

  it('a slow reader holds the service back', async (t) => {
    const service = new FakeService();
    service.entryList = Array.from({ length: 40 }, (_, i) => entryOf(i, 500 * 1024));
    let read = 0;
    service.entries = async function* (from: number) {
      for (const entry of this.entryList.slice(from)) {
        await Promise.resolve();
        read += 1;
        yield [entry];
      }
    };
    const client = await testClient(t, (await testNode(t, service)).address);
    const entries = client.entries(0)[Symbol.asyncIterator]();
    await entries.next();
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.ok(read < 20, `${read} of 40 entries were read for a reader that took one`);
    let count = 1;
    while (!(await entries.next()).done) count += 1;
    assert.equal(count, 40);
  });

  it('a follower gets what there is, hears when it has caught up, and gets what is added', async (t) => {
    const service = new FakeService();
    const { node, address } = await testNode(t, service, { heartbeatMs: 50 });
    service.grow(entryOf(0), entryOf(1));
    const client = await testClient(t, address);
    const entries: Uint8Array[] = [];
    let caughtUp = 0;
    for await (const update of client.follow(1)) {
      if ('entries' in update) {
        entries.push(...update.entries);
        continue;
      }
      caughtUp += 1;
      assert.equal(update.checkpoint, `checkpoint of size ${service.entryList.length}`);
      // The second time it is a sign of life alone.
      if (caughtUp === 2) service.grow(entryOf(2), entryOf(3));
      if (entries.length === 3) break;
    }
    assert.deepEqual(entries, [entryOf(1), entryOf(2), entryOf(3)]);
    await until(
      'the node forgot the follower',
      () => service.listeners.size === 0 && node.streamCount() === 0,
    );
  });

  it('a follower is never shown an older checkpoint than before, nor entries that none covers yet', async (t) => {
    const service = new FakeService();
    const checkpoints = Array.from({ length: 21 }, (_, size) => signedCheckpoint(size));
    service.entryList = Array.from({ length: 10 }, (_, index) => entryOf(index));
    service.checkpointList = checkpoints.slice(0, 11);
    const latest = service.latestCheckpoint.bind(service);
    // The log grows after the newest checkpoint was read, and before the entries are.
    service.latestCheckpoint = async () => {
      const before = await latest();
      if (service.entryList.length < 20) {
        service.entryList.push(entryOf(service.entryList.length, 140_000));
        service.checkpointList = checkpoints.slice(0, service.entryList.length + 1);
        for (const listener of service.listeners) listener(service.entryList.length);
      }
      return before;
    };
    const client = await testClient(t, (await testNode(t, service)).address);
    let [sent, covered] = [0, 0];
    for await (const update of client.follow(0)) {
      if ('entries' in update) {
        sent += update.entries.length;
        continue;
      }
      const checkpoint = parseCheckpoint(update.checkpoint ?? '');
      assert.ok(checkpoint.ok);
      assert.ok(checkpoint.value.size >= covered, `${checkpoint.value.size} after ${covered}`);
      covered = checkpoint.value.size;
      if ('caughtUp' in update) assert.equal(covered, sent);
      if (covered === 20) break;
    }
  });

  it('twenty followers get each entry', async (t) => {
    const service = new FakeService();
    const { address } = await testNode(t, service);
    const clients = await Promise.all(Array.from({ length: 20 }, () => testClient(t, address)));
    const followed = clients.map(async (client) => {
      const entries: Uint8Array[] = [];
      for await (const update of client.follow(0)) {
        if ('entries' in update) entries.push(...update.entries);
        if (entries.length === 50) break;
      }
      return entries;
    });
    for (let i = 0; i < 50; i += 1) {
      service.grow(entryOf(i));
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    for (const entries of await Promise.all(followed)) assert.deepEqual(entries, service.entryList);
  });
});
