import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { dialPeer, parseDialTarget } from '#src/net/index.js';
import { castBallot, findVoter, meetElection, prepareBallot } from '#src/services/voter-session.js';
import { cleanUp } from '../support/cleanup.ts';
import { addressOf, caughtUp, startObserver } from '../support/observer-program.ts';
import { PollingPlace } from '../support/polling-place.ts';
import { type Finished, jsonLines, run } from '../support/processes.ts';
import { tempFolder } from '../support/temp-election.ts';

/** What an audit found, as far as it doesn't depend on where the log came from. */
function verdictOf({ code, stdout, stderr }: Finished): unknown {
  assert.equal(code, 0, stdout + stderr);
  const lines = jsonLines(stdout);
  // A peer tells of checkpoints from before, which a folder and a file have not heard of.
  return lines.filter(
    ({ event, id }) => event === 'round' || event === 'result' || (event === 'check' && id !== 'history'),
  );
}

/** Casts ballots as voters' programs do. */
async function castAsVoters(place: PollingPlace, count: number): Promise<void> {
  const client = await dialPeer(parseDialTarget(place.address));
  const election = await meetElection(client);
  for (const [number, { seed }] of place.voters.slice(0, count).entries()) {
    const record = await findVoter(client, election, { seed });
    await castBallot(client, election, prepareBallot(election, { seed, record }, [[number % 3]]));
  }
  await client.close();
}

describe('with the organiser gone', () => {
  for (const secrecy of ['open', 'sealed'] as const) {
    it(`anybody verifies a whole election with ${secrecy} ballots from an observer alone`, async (t) => {
      const place = await PollingPlace.start(t, { secrets: false, voters: 8, policy: { secrecy } });
      const folder = await tempFolder(t);
      const [near, far] = [join(folder, 'near'), join(folder, 'far')];
      const observer = startObserver(t, near, ['--dial', place.address]);
      await castAsVoters(place, 6);
      await place.organiser.close();
      if (secrecy === 'sealed') await place.decrypt();
      await caughtUp(observer, place.log.head.size);
      // The election is pinned by its id: nobody needs to know the organiser's address for that.
      const pinned = ['--election', place.log.electionId];
      const data = join(place.folder, 'election');
      const original = verdictOf(await run('verify-log', [data, ...pinned, '--json']));
      const { ballots } = place.log.turnout;
      assert.equal(ballots, 6);
      await place.stop();

      const address = await addressOf(observer);
      const car = join(folder, 'election.car');
      const exported = await run('admin', ['export', '--car', car, '--from', address]);
      assert.equal(exported.code, 0, exported.stderr);
      for (const log of [address, near, car])
        assert.deepEqual(verdictOf(await run('verify-log', [log, ...pinned, '--json'])), original, log);

      // Others can begin to observe it, from this one; and it is all there when that one is alone.
      const late = startObserver(t, far, ['--dial', address, ...pinned]);
      await caughtUp(late, place.log.head.size);
      assert.equal((await observer.kill('SIGINT')).code, 0);
      const client = await dialPeer(parseDialTarget(await addressOf(late)));
      cleanUp(t, () => client.close());
      assert.equal((await client.info()).turnout.ballots, ballots);
      assert.deepEqual(
        verdictOf(await run('verify-log', [await addressOf(late), ...pinned, '--json'])),
        original,
      );
      await assert.rejects(client.cast(new Uint8Array(10)), { code: 'not-served' });
    });
  }
});
