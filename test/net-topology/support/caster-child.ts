import { dialPeer, parseDialTarget, parseStunServers } from '#src/net/index.js';
import { castBallot, findVoter, meetElection, prepareBallot } from '#src/services/voter-session.js';
import { testSeed } from '../../support/temp-election.ts';

/**
 * Casts one ballot after another as the voter's program does, each over a connection of its own, and prints how many milliseconds each
 * took from dialling to the checked receipt. Arguments: the invite, the number of the first voter, how many voters, and a STUN server
 * where direct ways are to be looked for.
 */
const [invite = '', first = '0', count = '1', stun] = process.argv.slice(2);
const options = stun === undefined ? {} : { punch: { stun: parseStunServers([stun]) } };

for (let voter = Number(first); voter < Number(first) + Number(count); voter++) {
  const started = performance.now();
  const client = await dialPeer(parseDialTarget(invite), options);
  try {
    const election = await meetElection(client);
    const seed = testSeed(voter);
    const record = await findVoter(client, election, { seed });
    await castBallot(client, election, prepareBallot(election, { seed, record }, [[0]]));
    process.stdout.write(`${performance.now() - started}\n`);
  } finally {
    await client.close();
  }
}
