import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PollingStation } from '#src/services/polling-station.js';
import { TempElection } from '../support/temp-election.ts';

async function commitsSince(election: TempElection, size: number): Promise<number> {
  const checkpoints: string[] = [];
  for await (const text of election.log.store.checkpoints(size + 1)) checkpoints.push(text);
  return checkpoints.length;
}

describe('batches of ballots', () => {
  it('make no lone ballot wait, however many came one after another before it', async (t) => {
    const election = await TempElection.create(t, { voters: 5 });
    await election.organiser.open();
    const before = election.log.head.size;
    // A station that waited for time to pass would wait for ever.
    const pause = () => new Promise<void>(() => undefined);
    const station = new PollingStation(election.log, () => undefined, { pause });
    for (let voter = 0; voter < 5; voter++) await station.cast(election.ballot(voter, [[0]]));
    assert.equal(await commitsSince(election, before), 5);
  });

  it('are of many ballots when as many voters cast one after another', async (t) => {
    const voters = 40;
    const each = 6;
    const election = await TempElection.create(t, { voters });
    await election.organiser.open();
    const before = election.log.head.size;
    const station = election.station();
    const lane = async (voter: number): Promise<void> => {
      for (let number = 1; number <= each; number++)
        await station.cast(election.ballot(voter, [[number % 3]], number));
    };
    await Promise.all(Array.from({ length: voters }, (_, voter) => lane(voter)));
    const commits = await commitsSince(election, before);
    assert.ok(commits <= (voters * each) / 8, `${commits} commits for ${voters * each} ballots`);
  });

  it('keep no ballot waiting for a crowd that has gone', async (t) => {
    const election = await TempElection.create(t, { voters: 61 });
    await election.organiser.open();
    const asked: number[] = [];
    const pause = (ms: number) => {
      asked.push(ms);
      return new Promise<void>((resolve) => setTimeout(resolve, ms));
    };
    const station = new PollingStation(election.log, () => undefined, { pause });
    await Promise.all(Array.from({ length: 60 }, (_, voter) => station.cast(election.ballot(voter, [[0]]))));
    await station.cast(election.ballot(60, [[0]]));
    assert.ok(asked.every((ms) => ms <= 15));
    assert.equal(election.log.turnout.ballots, 61);
  });
});
