import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as library from '#src/index.js';
import { PollingPlace } from './support/polling-place.ts';
import { cleanUp } from './support/cleanup.ts';

describe('the library', () => {
  it('is what the package exports', async () => {
    const name = 'psephos';
    const exported = (await import(name)) as object;
    assert.equal(exported, library);
  });

  it('is enough to meet an election, vote, and verify the receipt', async (t) => {
    const place = await PollingPlace.start(t, { voters: 1 });
    const client = await library.dialPeer(library.parseDialTarget(place.invite));
    cleanUp(t, () => client.close());
    const election = await library.meetElection(client, place.log.electionId);
    const { username = '', secret = '' } = place.voters[0] ?? {};
    const seed = library.seedOf(election.genesis, username, secret);
    const record = await library.findVoter(client, election, { seed, username });
    const ballot = library.prepareBallot(election, { seed, record }, [[1]]);
    const { receipt } = await library.castBallot(client, election, ballot);
    const verdict = await library.verifyReceipt(client, receipt.text, election);
    assert.equal(verdict.tracker, ballot.tracker);
    const report = await library.audit(client, { checker: library.inProcessChecker() });
    assert.equal(report.verdict, 'valid');
  });
});
