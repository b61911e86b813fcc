import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type DialledPeer, dialPeer, parseDialTarget } from '#src/net/index.js';
import { findVoter, meetElection, prepareBallot } from '#src/services/voter-session.js';
import { cleanUp } from '../support/cleanup.ts';
import { PollingPlace } from '../support/polling-place.ts';
import { FakeService, sampleInfo, testNode, until } from './support.js';

describe('a polling station', () => {
  it('serves 200 voters that come from one address at once, none turned away or asked to try again', async (t) => {
    const { node, address, defects } = await testNode(t, new FakeService());
    const voters = await Promise.all(
      Array.from({ length: 200 }, () =>
        dialPeer(parseDialTarget(address), { retries: 0, timeoutMs: 60_000 }),
      ),
    );
    await until('all are connected', () => node.connectionCount() === 200);
    const receipts = await Promise.all(
      voters.map(async (voter, i) => {
        assert.deepEqual(await voter.info(), sampleInfo());
        return voter.cast(new Uint8Array(i));
      }),
    );
    assert.deepEqual(
      receipts,
      Array.from({ length: 200 }, (_, i) => `receipt of ${i} bytes`),
    );
    await Promise.all(voters.map((voter) => voter.close()));
    await until('all are gone', () => node.connectionCount() === 0 && node.streamCount() === 0);
    assert.deepEqual(defects, []);
  });

  it('that comes back takes one ballot of each of 150 voters who waited, and they do not come back all at once', async (t) => {
    const crowd = 150;
    const place = await PollingPlace.start(t, { voters: crowd, secrets: false });
    const waits: number[] = [];
    const voters: { readonly client: DialledPeer; readonly ballot: Uint8Array }[] = [];
    for (const { seed } of place.voters) {
      const client = await dialPeer(parseDialTarget(place.invite), {
        ...{ retries: 1_000, timeoutMs: 60_000, longestWaitMs: 2_000 },
        onRetry: (_, waitMs) => waits.push(waitMs),
      });
      cleanUp(t, () => client.close());
      const election = await meetElection(client);
      const record = await findVoter(client, election, { seed });
      voters.push({ client, ballot: prepareBallot(election, { seed, record }, [[0]]).bytes });
    }
    await place.hangUp();
    const casts = voters.map(({ client, ballot }) => client.cast(ballot));
    await until(
      'all wait for their longest',
      () => waits.filter((ms) => ms >= 1_000).length >= crowd,
      60_000,
    );
    const spread = waits.filter((ms) => ms >= 1_000).sort((a, b) => a - b);
    assert.ok(
      (spread.at(-1) ?? 0) - (spread[0] ?? 0) > 1_000,
      'the tries of a crowd are spread over a second and more',
    );
    await place.listen();
    assert.equal(new Set(await Promise.all(casts)).size, crowd);
    assert.equal(place.log.turnout.ballots, crowd);
    assert.deepEqual(place.defects, []);
  });
});
