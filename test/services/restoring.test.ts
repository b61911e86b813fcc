import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { inProcessChecker } from '#src/audit/checker.js';
import { unreachable } from '#src/base/errors.js';
import { peerIdText } from '#src/crypto/peer-id.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { parseCheckpoint } from '#src/log/checkpoint.js';
import { cosign, withCosignatures } from '#src/log/cosignature.js';
import { continuity } from '#src/log/evidence.js';
import { dialPeer, parseDialTarget } from '#src/net/index.js';
import { knownGenesis } from '#src/services/observing/known-genesis.js';
import type { ObserverAddress } from '#src/services/ports.js';
import { LogCopy } from '#src/services/log-copy.js';
import { fetchLog } from '#src/services/restoring/fetching.js';
import { HeldCheckpoints } from '#src/services/restoring/held-checkpoints.js';
import { type FetchSource, storedSource } from '#src/services/restoring/log-sources.js';
import { Survey } from '#src/services/restoring/survey.js';
import { openLevelStore } from '#src/store/level-store.js';
import { LogBuilder, memoryLog, sampleLog } from '../support/build-log.ts';
import { cleanUp } from '../support/cleanup.ts';
import { KeptCopy } from '../support/kept-copy.ts';
import { NaiveTree, naiveLeaf } from '../support/naive-merkle.ts';
import { tempFolder, testSeed } from '../support/temp-election.ts';

describe('a log on disk, as something to restore from', () => {
  it('gives its entries from anywhere on, each checkpoint after the entries that it covers, and the newest one last', async () => {
    const { entries, checkpoints } = sampleLog();
    const sizes = checkpoints.map((text) => Number(text.split('\n')[1]));
    await fc.assert(
      fc.asyncProperty(fc.nat(entries.length), fc.integer({ min: 1, max: 20 }), async (from, chunk) => {
        const given: Uint8Array[] = [];
        const covered: number[] = [];
        const source = storedSource(memoryLog(entries, checkpoints, chunk), entries.length);
        let last: unknown;
        for await (const update of source.updates(from)) {
          last = update;
          if ('entries' in update) given.push(...update.entries);
          else if (update.checkpoint !== undefined) {
            const size = Number(update.checkpoint.split('\n')[1]);
            assert.ok(size <= from + given.length, 'it covers no entry that was not given');
            covered.push(size);
          }
        }
        assert.deepEqual(given, entries.slice(from));
        assert.deepEqual(last, { caughtUp: true, checkpoint: checkpoints.at(-1) });
        // A chunk may end behind several; the newest of them says all.
        assert.ok(covered.every((size) => sizes.includes(size)));
      }),
    );
  });

  it('proves how it begins', async () => {
    const builder = new LogBuilder();
    builder.genesis();
    for (let entry = 0; entry < 600; entry++) builder.raw(new Uint8Array([entry & 255, entry >> 8]));
    const newest = parseCheckpoint(builder.checkpoint());
    assert.ok(newest.ok);
    const source = storedSource(builder.source(), builder.size);
    const tree = new NaiveTree(builder.entries.map(naiveLeaf));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: builder.size }), async (size) => {
        const { checkpoint, ...prefix } = await source.prefix(size);
        assert.equal(checkpoint, newest.value.text);
        const first = { size, root: tree.root(size) };
        assert.equal(continuity(first, newest.value, prefix), 'continues');
        assert.equal(continuity({ size, root: new Uint8Array(32) }, newest.value, prefix), 'conflicts');
      }),
      { numRuns: 30 },
    );
    await assert.rejects(source.prefix(builder.size + 1), { code: 'bad-source' });
    const short = storedSource(memoryLog(builder.entries.slice(0, -1), builder.checkpoints), builder.size);
    await assert.rejects(short.prefix(1), { code: 'bad-source' });
  });
});

describe('fetching a log', () => {
  it('goes on with another source where one repeats itself without end', async (t) => {
    const log = sampleLog();
    const folder = await tempFolder(t);
    const copy = await LogCopy.open({
      openStore: () => openLevelStore(folder, { create: true, program: 'a test' }),
      clock: { now: () => 0 },
      onProgress: () => undefined,
    });
    cleanUp(t, () => copy.close());
    const honest = storedSource(log.source(), log.size);
    const [first = ''] = log.checkpoints;
    const liar: FetchSource = {
      ...honest,
      name: 'a liar',
      size: log.size + 1,
      async *updates(from) {
        yield { entries: log.entries.slice(from, 3) };
        for (;;) {
          await Promise.resolve();
          yield { checkpoint: first };
        }
      },
    };
    const problems: string[] = [];
    await fetchLog({
      copy,
      genesis: knownGenesis(log.entries[0] ?? new Uint8Array()),
      checker: inProcessChecker(),
      sources: [liar, honest],
      onProgress: () => undefined,
      onProblem: (source) => problems.push(source),
      signal: new AbortController().signal,
    });
    assert.equal(copy.head.size, log.size);
    assert.deepEqual(problems, ['a liar']);
  });
});

describe('a survey of observers', () => {
  it('dials none but those who cosigned, at addresses of theirs, once each, and not too many', async (t) => {
    const log = sampleLog();
    const newest = log.checkpoints.at(-1) ?? '';
    const strangers = Array.from({ length: 100 }, (_, index) => {
      const seed = testSeed(5000 + index);
      return { seed, publicKey: publicKeyOf(seed), peerId: peerIdText(publicKeyOf(seed)) };
    });
    const line = (index: number) => {
      const key = strangers[index];
      assert.ok(key !== undefined);
      return { line: cosign({ text: newest }, key, 1) };
    };
    let told: { readonly cosigned: readonly string[]; readonly observers: readonly ObserverAddress[] };
    const kept = await KeptCopy.start(t, log.source(), {
      misbehave: (service) => ({
        exchange: async (given) => ({ ...(await service.exchange(given)), ...told }),
      }),
    });
    const client = await dialPeer(parseDialTarget(kept.address));
    cleanUp(t, () => client.close());
    const genesis = knownGenesis(log.entries[0] ?? new Uint8Array());
    const survey = async () => {
      const dialled: (readonly string[])[] = [];
      const made = new Survey({
        genesis,
        held: new HeldCheckpoints(genesis),
        own: null,
        dial: (addresses) => {
          dialled.push(addresses);
          return Promise.reject(unreachable('unreachable', 'nobody there'));
        },
        onProblem: () => undefined,
      });
      await made.ask(client, [kept.address]);
      await made.askObservers();
      assert.equal(made.answered.length, 1);
      return dialled;
    };
    const at = (index: number, id = index): ObserverAddress => ({
      key: strangers[index]?.publicKey ?? new Uint8Array(),
      addresses: [`/ip6/::1/tcp/${index + 1}/p2p/${strangers[id]?.peerId ?? ''}`],
    });
    // Of three, one didn't cosign, and one has the address of another.
    told = {
      cosigned: [withCosignatures(newest, [line(0), line(2)])],
      observers: [at(0), at(1), at(2, 3), { ...kept.self }],
    };
    assert.deepEqual(await survey(), [at(0).addresses]);
    const all = strangers.map((_, index) => index);
    told = {
      cosigned: [0, 30, 60].map((from) => withCosignatures(newest, all.slice(from, from + 30).map(line))),
      observers: all.slice(0, 64).map((index) => at(index)),
    };
    const many = await survey();
    assert.equal(many.length, 63);
    assert.equal(new Set(many.map(([address]) => address)).size, 63);
  });
});
