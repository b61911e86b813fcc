import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { toHex } from '#src/base/bytes.js';
import { PsephosError, refused, unreachable } from '#src/base/errors.js';
import { parseCheckpoint } from '#src/log/checkpoint.js';
import { cosign, withCosignatures } from '#src/log/cosignature.js';
import { formatEvidence, judgeEvidence } from '#src/log/evidence.js';
import { ForkFound, agree } from '#src/services/gathering/agreement.js';
import { GatheredLog } from '#src/services/gathering/gathered-log.js';
import { Hearsay } from '#src/services/gathering/hearsay.js';
import { type ExchangeAnswer, type PeerClient, PeerRefusal } from '#src/services/ports.js';
import { LogBuilder, VOTERS, sampleLog } from '../support/build-log.ts';
import { type MemoryPeerOptions, memoryPeer } from '../support/memory-peer.ts';
import { valueOf } from '../support/results.ts';
import { testKey } from '../support/test-keys.ts';

/** A log of `size` entries, with a checkpoint after each of `signed`, and at its end. What is in it is of no interest here. */
function longLog(
  size: number,
  { signed = [], entryBytes = 20, tail = 0 }: { signed?: number[]; entryBytes?: number; tail?: number } = {},
): LogBuilder {
  const log = new LogBuilder();
  log.genesis();
  while (log.size < size) {
    const entry = new Uint8Array(entryBytes).fill(tail);
    new DataView(entry.buffer).setUint32(0, log.size);
    log.raw(entry);
    if (signed.includes(log.size)) log.checkpoint();
  }
  if (!signed.includes(size)) log.checkpoint();
  return log;
}

const never = () => new Promise<never>(() => undefined);

async function* neverAny(): AsyncGenerator<never> {
  yield await never();
}

async function gather(clients: readonly PeerClient[], patienceMs = 20): Promise<GatheredLog> {
  return new GatheredLog(await agree(clients, { answerMs: 200 }), { patienceMs });
}

async function all(source: GatheredLog, from = 0, to?: number): Promise<string[]> {
  const entries: string[] = [];
  for await (const chunk of source.entries(from, to)) entries.push(...chunk.map(toHex));
  return entries;
}

async function stored(source: GatheredLog, from = 0): Promise<string[]> {
  const texts: string[] = [];
  for await (const text of source.checkpoints(from)) texts.push(text);
  return texts;
}

const names = (some: readonly { readonly name: string }[]) => some.map(({ name }) => name).sort();
const codeOf = (code: string) => (error: unknown) => error instanceof PsephosError && error.code === code;

describe('peers that are asked for one log', () => {
  it('agree where the largest log continues all others', async () => {
    const log = longLog(40, { signed: [7, 20] });
    const clients = [20, 40, 7, 40].map((size, at) => memoryPeer(`p${at}`, log, { size }));
    const { peers, leftOut } = await agree(clients);
    assert.deepEqual(
      peers.map(({ newest }) => newest.size),
      [40, 40, 20, 7],
    );
    assert.deepEqual(leftOut, []);
  });

  it('prove a fork wherever it begins, and which of them is longer', async () => {
    for (const [one, other] of [
      [30, 30],
      [30, 45],
      [45, 30],
    ] as const) {
      const clients = [
        memoryPeer('one', longLog(one, { tail: 1 })),
        memoryPeer('other', longLog(other, { tail: 2 })),
        memoryPeer('third', longLog(one, { tail: 1 })),
      ];
      await assert.rejects(agree(clients), (error: unknown) => {
        assert.ok(error instanceof ForkFound);
        return judgeEvidence(error.evidence).ok;
      });
    }
  });

  it('are left out, and named, where they can not be believed', async () => {
    const log = longLog(40, { signed: [20] });
    const stranger = new LogBuilder(testKey(9));
    stranger.genesis();
    stranger.checkpoint();
    const bad: Record<string, MemoryPeerOptions['misbehave']> = {
      unproven: (honest) => ({
        consistency: async (first, second) => ({ ...(await honest.consistency(first, second)), proof: [] }),
      }),
      refusing: () => ({ consistency: () => Promise.reject(new PeerRefusal('internal', 'No.')) }),
      stalling: () => ({ consistency: never }),
      silent: () => ({ latestCheckpoint: never }),
      dumb: () => ({ entries: neverAny }),
      unreachable: () => ({
        latestCheckpoint: () => Promise.reject(unreachable('connection-lost', 'Lost.')),
      }),
      unsigned: () => ({ latestCheckpoint: () => Promise.resolve(stranger.checkpoints[0]) }),
      without: () => ({ latestCheckpoint: () => Promise.resolve(undefined) }),
      nonsense: () => ({ entries: () => toAsync([[Uint8Array.of(1)]]) }),
      empty: () => ({ entries: () => toAsync([]) }),
    };
    for (const [name, misbehave] of Object.entries(bad)) {
      const clients = [
        memoryPeer('honest', log, { size: 20 }),
        memoryPeer(name, log, misbehave === undefined ? {} : { misbehave }),
      ];
      const { peers, leftOut } = await agree(clients, { answerMs: 50 });
      assert.deepEqual(names(peers.map(({ client }) => client)), ['honest'], name);
      assert.deepEqual(names(leftOut), [name]);
      if (['unreachable', 'unsigned', 'without', 'nonsense', 'empty'].includes(name))
        await assert.rejects(agree(clients.slice(1)), codeOf('no-source'));
    }
  });

  it('are not outvoted on which election is meant', async () => {
    const log = longLog(10);
    const other = sampleLog('public', testKey(9));
    const clients = [memoryPeer('a', other), memoryPeer('b', other), memoryPeer('c', log)];
    await assert.rejects(agree(clients), codeOf('which-election'));
    const { peers, leftOut } = await agree(clients, { electionId: log.electionId });
    assert.deepEqual([names(peers.map(({ client }) => client)), names(leftOut)], [['c'], ['a', 'b']]);
    await assert.rejects(agree(clients.slice(0, 2), { electionId: log.electionId }), codeOf('no-source'));
  });

  it('are reported as defects of this program where nobody foresaw how they fail', async () => {
    const broken = memoryPeer('broken', longLog(10), {
      misbehave: () => ({ latestCheckpoint: () => Promise.reject(new TypeError('a defect')) }),
    });
    await assert.rejects(agree([broken]), TypeError);
  });
});

describe('a log that is gathered from several peers', () => {
  const log = longLog(1200, { signed: [300, 700] });
  const whole = log.entries.map(toHex);

  it('is the log, any range of it, with the checkpoints that a peer has stored', async () => {
    const source = await gather([
      memoryPeer('a', log),
      memoryPeer('b', log),
      memoryPeer('c', log, { size: 700 }),
    ]);
    assert.deepEqual(await all(source), whole);
    assert.deepEqual(await all(source, 0, 1), whole.slice(0, 1));
    assert.deepEqual(await all(source, 250, 600), whole.slice(250, 600));
    assert.deepEqual(await all(source, 1200), []);
    assert.deepEqual(await all(source, 1100, 5000), whole.slice(1100));
    assert.deepEqual(await stored(source), log.checkpoints);
    assert.deepEqual(await stored(source, 301), log.checkpoints.slice(1));
    assert.equal(await source.latestCheckpoint(), log.checkpoints.at(-1));
    assert.deepEqual(source.leftOut, []);
  });

  it('comes from whoever answers: one that stalls is overtaken, and named', async () => {
    for (const misbehave of [
      () => ({ entries: neverAny }),
      () => ({ consistency: never }),
      (honest: PeerClient) => ({
        entries: async function* (from: number, to?: number) {
          for await (const chunk of honest.entries(from, to)) {
            yield chunk.slice(0, 1);
            await never();
          }
        },
      }),
    ]) {
      const stalling = memoryPeer('stalling', log, { misbehave, size: 1200 });
      // It agreed at first, so that it stalls only now.
      const agreement = await agree([memoryPeer('stalling', log), memoryPeer('honest', log)]);
      const peers = agreement.peers.map((peer) =>
        peer.client.name === 'stalling' ? { ...peer, client: stalling } : peer,
      );
      const [first, ...rest] = peers;
      assert.ok(first);
      const source = new GatheredLog({ ...agreement, peers: [first, ...rest] }, { patienceMs: 20 });
      assert.deepEqual(await all(source), whole);
      assert.deepEqual(
        source.agreeing.map(({ name, isSlow }) => [name, isSlow]),
        [
          ['stalling', true],
          ['honest', false],
        ],
      );
      assert.deepEqual(source.leftOut, []);
    }
  });

  it('waits for a slow peer that is the only one', async () => {
    const slow = memoryPeer('slow', log, {
      misbehave: (honest) => ({
        async *entries(from, to) {
          await new Promise((resolve) => setTimeout(resolve, 30));
          yield* honest.entries(from, to);
        },
      }),
    });
    const source = await gather([slow], 5);
    assert.deepEqual(await all(source), whole);
  });

  it('takes checkpoints that are stored from another peer where one lies about them or stalls', async () => {
    const forged = longLog(1200, { signed: [300] }).checkpoints[0] ?? '';
    const bad: Record<string, (honest: PeerClient) => AsyncIterable<string>> = {
      forged: () => toAsync([forged.replace(/\n300\n/, '\n301\n')]),
      nonsense: () => toAsync(['nonsense']),
      disordered: () => toAsync([...log.checkpoints].reverse()),
      repeated: () => toAsync([log.checkpoints[0] ?? '', log.checkpoints[0] ?? '']),
      stalling: neverAny,
      refusing: () => {
        async function* refuse(): AsyncGenerator<string> {
          await Promise.resolve();
          throw refused('bad-answer', 'No.');
          yield '';
        }
        return refuse();
      },
    };
    for (const [name, checkpoints] of Object.entries(bad)) {
      const liar = memoryPeer(name, log, {
        misbehave: (honest) => ({ checkpoints: () => checkpoints(honest) }),
      });
      const source = await gather([liar, memoryPeer('honest', log)]);
      const texts = await stored(source);
      // What came in order before the fault is as good as any.
      assert.equal(texts.at(-1), log.checkpoints.at(-1), name);
      assert.deepEqual(
        texts,
        log.checkpoints.filter((text) => texts.includes(text)),
      );
      if (name === 'stalling') assert.ok(source.agreeing[0]?.isSlow);
      else assert.deepEqual(names(source.leftOut), name === 'disordered' ? ['disordered'] : [name]);
    }
  });

  it('keeps no more of a part than a few megabytes, and is whole all the same', async () => {
    const large = longLog(100, { entryBytes: 60_000 });
    let most = 0;
    const counting = (peer: string) =>
      memoryPeer(peer, large, {
        misbehave: (honest) => ({
          async *entries(from, to) {
            let given = 0;
            for await (const chunk of honest.entries(from, to)) {
              for (const entry of chunk) {
                given += entry.length;
                most = Math.max(most, given);
                yield [entry];
              }
            }
          },
        }),
      });
    const source = await gather([counting('a'), counting('b')]);
    let at = 0;
    for await (const chunk of source.entries(0))
      for (const entry of chunk) assert.equal(Buffer.compare(entry, large.entries[at++] as Uint8Array), 0);
    assert.equal(at, large.size);
    assert.ok(most <= 4 * 1024 * 1024 + 60_000, `${most} bytes in one part`);
    assert.deepEqual(source.leftOut, []);
  });

  it('falls back to the longest log that is given, where nobody gives what was signed for', async () => {
    const withholding = memoryPeer('withholding', log, {
      misbehave: (honest) => ({
        entries: (from, to) =>
          to !== undefined && to > 1000
            ? rejecting(new PeerRefusal('not-found', 'No.'))
            : honest.entries(from, to),
      }),
    });
    const source = await gather([withholding, memoryPeer('honest', log, { size: 700 })]);
    assert.equal(source.agreed.size, 1200);
    await assert.rejects(all(source), codeOf('withheld'));
    assert.ok(source.fallBack());
    assert.deepEqual([source.agreed.size, source.signed.size], [700, 1200]);
    assert.deepEqual(await all(source), whole.slice(0, 700));
    assert.deepEqual(names(source.leftOut), ['withholding']);
    const alone = await gather([withholding]);
    await assert.rejects(all(alone), codeOf('withheld'));
    assert.equal(alone.fallBack(), false);
  });

  it('is the log whatever all but one of the peers do', async () => {
    const small = longLog(400, { signed: [90, 256, 333] });
    const expected = small.entries.map(toHex);
    const acts = fc.array(
      fc.constantFrom('honest', 'wrong', 'short', 'more', 'refuse', 'lose', 'stall', 'unproven'),
      {
        minLength: 1,
        maxLength: 6,
      },
    );
    const peer = fc.record({ acts, size: fc.constantFrom(90, 256, 333, 400) });
    await fc.assert(
      fc.asyncProperty(fc.array(peer, { minLength: 1, maxLength: 4 }), async (others) => {
        const liars = others.map(({ acts, size }, at) =>
          memoryPeer(`p${at}`, small, { size, misbehave: acting(acts) }),
        );
        const agreement = await agree([
          memoryPeer('honest', small),
          ...others.map(({ size }, at) => memoryPeer(`p${at}`, small, { size })),
        ]);
        const [first, ...rest] = agreement.peers.map((met) => ({
          ...met,
          client: liars.find(({ name }) => name === met.client.name) ?? met.client,
        }));
        assert.ok(first);
        const source = new GatheredLog({ ...agreement, peers: [first, ...rest] }, { patienceMs: 2 });
        assert.deepEqual(await all(source), expected);
        assert.ok(source.agreeing.some(({ name }) => name === 'honest'));
      }),
      { numRuns: 60 },
    );
  });
});

async function* toAsync<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) {
    await Promise.resolve();
    yield item;
  }
}

async function* rejecting(error: Error): AsyncGenerator<never> {
  await Promise.resolve();
  throw error;
  yield undefined as never;
}

/** A peer that does one thing after another, and then the last one for ever. */
function acting(acts: readonly string[]): NonNullable<MemoryPeerOptions['misbehave']> {
  let turn = 0;
  return (honest) => ({
    async *entries(from, to = from) {
      const act = acts[Math.min(turn++, acts.length - 1)];
      if (act === 'refuse') throw new PeerRefusal('internal', 'No.');
      if (act === 'lose') throw unreachable('connection-lost', 'Lost.');
      if (act === 'stall') await never();
      for await (const chunk of honest.entries(from, act === 'short' ? to - 1 : act === 'more' ? to + 1 : to))
        yield act === 'wrong' ? chunk.map((entry) => entry.with(5, 99)) : chunk;
    },
    consistency: async (first, second) => {
      const answer = await honest.consistency(first, second);
      return acts.at(-1) === 'unproven' ? { ...answer, root: answer.root.with(0, 7) } : answer;
    },
  });
}

describe('what peers tell besides', () => {
  const log = sampleLog();
  const sizes = log.checkpoints.map((text) => valueOf(parseCheckpoint(text)).size);
  const fork = (() => {
    const other = new LogBuilder();
    other.genesis();
    other.roll(VOTERS);
    other.checkpoint();
    other.openRound(1);
    other.checkpoint();
    return other;
  })();

  const telling = (answer: Partial<ExchangeAnswer>) =>
    memoryPeer('telling', log, {
      misbehave: (honest) => ({
        exchange: async (given) => ({ ...(await honest.exchange(given)), ...answer }),
      }),
    });

  async function hear(...clients: PeerClient[]): Promise<Hearsay> {
    const { genesis, peers } = await agree([memoryPeer('source', log)]);
    const hearsay = new Hearsay(genesis, { answerMs: 100 });
    const [{ newest, client }] = peers;
    for (const one of clients) await hearsay.ask(one, newest);
    await hearsay.compare(newest, [client]);
    return hearsay;
  }

  const observer = testKey(50);
  const line = (text: string, seconds = 1000) => cosign({ text }, observer, seconds);

  it('is who cosigned what, the largest of each', async () => {
    const [small = '', , large = ''] = log.checkpoints;
    const cosigned = [small, large].map((text, at) =>
      withCosignatures(text, [{ line: line(text, 1000 + at) }]),
    );
    const { cosigners, checkpoints, fork: none, doubts } = await hear(telling({ cosigned }));
    assert.deepEqual(
      cosigners.map(({ observer: key, size, time }) => [toHex(key), size, time]),
      [[toHex(observer.publicKey), sizes[2], 1001]],
    );
    assert.deepEqual(
      checkpoints.map(({ size }) => size).sort((a, b) => a - b),
      [sizes[0], sizes[2], sizes.at(-1)],
    );
    assert.ok(checkpoints.every(({ text }) => log.checkpoints.includes(text)));
    assert.deepEqual([none, doubts], [undefined, []]);
  });

  it('becomes evidence where it conflicts with the log', async () => {
    const { fork: found } = await hear(telling({ cosigned: fork.checkpoints }));
    assert.ok(found && judgeEvidence(found).ok);
  });

  it('becomes evidence where a longer log conflicts, by the proof in the answer or by one that is asked for', async () => {
    const mine = sampleLog();
    mine.openRound(3);
    mine.checkpoint();
    const longer = sampleLog();
    longer.wait(1).openRound(3);
    longer.close(3);
    longer.checkpoint();
    const { genesis, peers } = await agree([memoryPeer('source', mine)]);
    const [{ newest, client }] = peers;
    const peer = memoryPeer('other', longer);
    const prefix = await peer.consistency(newest.size);
    for (const given of [prefix, null]) {
      const hearsay = new Hearsay(genesis);
      const exchange: PeerClient['exchange'] = async (asked) => ({
        ...(await peer.exchange(asked)),
        prefix: given,
      });
      await hearsay.ask({ ...peer, exchange }, newest);
      assert.equal(hearsay.fork !== undefined, given !== null);
      await hearsay.compare(newest, [client]);
      assert.ok(hearsay.fork && judgeEvidence(hearsay.fork).ok);
    }
  });

  it('becomes evidence where two longer logs conflict, of which each continues this one', async () => {
    const { genesis, peers } = await agree([memoryPeer('source', log)]);
    const [{ newest, client }] = peers;
    const going = (wait: number, rounds: readonly number[]) => {
      const longer = sampleLog();
      longer.wait(wait);
      for (const round of rounds) longer.openRound(round);
      longer.checkpoint();
      return memoryPeer(`by ${wait}`, longer);
    };
    for (const [second, isFork] of [
      [going(1, [3]), true],
      [going(1, [3, 4]), true],
      [going(0, [3, 4]), false],
    ] as const) {
      const hearsay = new Hearsay(genesis);
      await hearsay.ask(going(0, [3]), newest);
      await hearsay.ask(second, newest);
      await hearsay.compare(newest, [client]);
      assert.equal(hearsay.fork !== undefined && judgeEvidence(hearsay.fork).ok, isFork);
      assert.deepEqual(hearsay.doubts, []);
    }
  });

  it('is doubted where a longer log is not proven to continue this one', async () => {
    const { genesis, peers } = await agree([memoryPeer('source', log, { size: 10 })]);
    const [{ newest, client }] = peers;
    const honest = memoryPeer('observer', log);
    const shy = { ...honest, consistency: () => Promise.reject(new PeerRefusal('internal', 'No.')) };
    for (const [peer, doubts] of [
      [honest, 0],
      [shy, 1],
    ] as const) {
      const hearsay = new Hearsay(genesis);
      await hearsay.ask(peer, newest);
      await hearsay.compare(newest, [client]);
      assert.equal(hearsay.doubts.length, doubts);
      assert.equal(hearsay.fork, undefined);
    }
  });

  it('is evidence only where it proves a fork of this election', async () => {
    const { genesis } = await agree([memoryPeer('source', log)]);
    const conflict = await hear(telling({ cosigned: fork.checkpoints }));
    assert.ok(conflict.fork);
    const good = formatEvidence(conflict.fork);
    assert.ok((await hear(telling({ evidence: [good] }))).fork);
    for (const text of [
      'nonsense',
      formatEvidence({ ...conflict.fork, root: new Uint8Array(32) }),
      formatEvidence({ kind: 'promise', genesis: genesis.bytes, promise: 'none' }),
    ]) {
      const hearsay = await hear(telling({ evidence: [text] }));
      assert.equal(hearsay.fork, undefined);
      assert.deepEqual(hearsay.doubts, [
        'telling passes on evidence that shows nothing about this election.',
      ]);
    }
  });

  it('says something of who tells it where the authority did not sign it', async () => {
    const made = sampleLog('public', testKey(9)).checkpoints[0] ?? '';
    const { checkpoints, doubts } = await hear(telling({ cosigned: [made] }));
    assert.equal(checkpoints.length, 1);
    assert.match(doubts[0] ?? '', /^telling passes on a checkpoint that the authority did not sign/);
  });

  it('is nothing where a peer does not speak of checkpoints, or does not answer', async () => {
    for (const exchange of [never, () => Promise.reject(refused('not-served', 'It does not speak that.'))]) {
      const hearsay = await hear(memoryPeer('old', log, { misbehave: () => ({ exchange }) }));
      assert.deepEqual([hearsay.checkpoints, hearsay.doubts, hearsay.fork], [[], [], undefined]);
    }
  });
});
