import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Answer, SaidPeer } from '#src/net/discovery/messages.js';
import { search } from '#src/net/discovery/search.js';
import { peerIdOf } from '#src/net/index.js';
import { LOOKUP_AT_ONCE, LOOKUP_PEERS, LOOKUP_PROVIDERS } from '#src/net/limits.js';
import { testKey } from '../../support/test-keys.ts';
import { ELECTION } from './support.ts';

const PEERS = Array.from({ length: 200 }, (_, number) => peerIdOf(testKey(number).publicKey));
const TARGET = PEERS[0] as string;
const { signal } = new AbortController();

function at(number: number, port = number): SaidPeer {
  return { peerId: PEERS[number] as string, addresses: [`/ip6/2001:db8::1/tcp/${port}`] };
}

const NOTHING: Answer = { closer: [], providers: [] };

async function all(found: AsyncIterable<SaidPeer>): Promise<SaidPeer[]> {
  const list: SaidPeer[] = [];
  for await (const one of found) list.push(one);
  return list;
}

describe('a search', () => {
  it('finds what one of those who were named knows, whatever all others say', async () => {
    const wrong = fc.integer({ min: 1, max: 199 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(wrong, { minLength: 1, maxLength: 15 }),
        fc.integer({ min: 0, max: 15 }),
        fc.array(fc.array(wrong, { maxLength: 64 }), { minLength: 1, maxLength: 5 }),
        async (liars, place, lies) => {
          const honest = at(199);
          const named = liars.filter((liar) => liar !== 199).map((liar) => at(liar));
          named.splice(place, 0, honest);
          const asked: string[] = [];
          let atOnce = 0;
          let most = 0;
          const found = await all(
            search(
              { peer: TARGET },
              named,
              async (peer) => {
                asked.push(peer.peerId);
                most = Math.max(most, ++atOnce);
                await Promise.resolve();
                atOnce -= 1;
                if (peer.peerId === honest.peerId) return { closer: [at(0, 4000)], providers: [] };
                const lie = lies[asked.length % lies.length] ?? [];
                return { closer: [at(0, asked.length), ...lie.map((other) => at(other))], providers: [] };
              },
              signal,
            ),
          );
          assert.ok(found.some(({ addresses }) => addresses.includes('/ip6/2001:db8::1/tcp/4000')));
          assert.ok(found.every(({ peerId }) => peerId === TARGET));
          assert.ok(asked.length <= LOOKUP_PEERS && most <= LOOKUP_AT_ONCE, `${asked.length}, ${most}`);
          assert.equal(new Set(asked).size, asked.length, 'nobody is asked twice');
          assert.ok(!asked.includes(TARGET));
          assert.ok(found.length <= asked.length);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('goes from peer to peer until somebody knows', async () => {
    const found = await all(
      search(
        { peer: TARGET },
        [at(1)],
        (peer) => {
          const number = PEERS.indexOf(peer.peerId);
          return Promise.resolve({ ...NOTHING, closer: [number < 10 ? at(number + 1) : at(0, 4000)] });
        },
        signal,
      ),
    );
    assert.deepEqual(found, [at(0, 4000)]);
  });

  it('hears of so many observers and no more, each once', async () => {
    const found = await all(
      search(
        { electionId: ELECTION },
        [at(1), at(2)],
        () => Promise.resolve({ ...NOTHING, providers: PEERS.slice(3, 70).map((_, index) => at(index + 3)) }),
        signal,
      ),
    );
    assert.equal(found.length, LOOKUP_PROVIDERS);
    assert.equal(new Set(found.map(({ peerId }) => peerId)).size, LOOKUP_PROVIDERS);
  });

  it('ends when it is told to, also while nobody answers', async () => {
    const ending = new AbortController();
    const ended = all(search({ peer: TARGET }, [at(1)], () => new Promise(() => undefined), ending.signal));
    ending.abort();
    assert.deepEqual(await ended, []);
  });
});
