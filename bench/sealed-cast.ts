import { availableParallelism } from 'node:os';
import { encodeDagCbor } from '#src/base/dag-cbor.js';
import { ballotMessage } from '#src/crypto/transcript.js';
import { encodeSignedBallot, signBallot } from '#src/election/ballot.js';
import { parseDialTarget } from '#src/net/invite.js';
import { dialPeer } from '#src/net/peer-client.js';
import { platformRandom } from '#src/services/platform-random.js';
import { proofPool } from '#src/services/proofs/pool.js';
import { sealVote, sealedRoundOf } from '#src/services/sealing.js';
import { meetElection } from '#src/services/voter-session.js';
import { type Figure, inParallel, median, seconds } from './support/figures.ts';
import { benchKeys, benchSeed } from './support/keys.ts';
import { dialCaster, requireReceipt } from './support/raw-caster.ts';
import { ServerProcess } from './support/server-process.ts';

const CONNECTIONS = 32;
const BALLOTS = 600;
const REPEATS = 3;

/**
 * Sealed ballots of five answers accepted end to end, each after its proofs were verified and it was on disk, against what the same
 * threads make of the same ballots when verifying is all that they do.
 */
export async function sealedCastBench(): Promise<readonly Figure[]> {
  const keys = benchKeys(BALLOTS);
  const server = await ServerProcess.start(keys.length, 'sealed');
  const voters = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => dialCaster(server.ready.address)),
  );
  const client = await dialPeer(parseDialTarget(server.ready.address));
  const pool = proofPool();
  try {
    const election = await meetElection(client);
    const { round } = election;
    if (round === null) throw new Error('no round is open');
    const { electionText } = sealedRoundOf(election, round);
    const castRates: number[] = [];
    const checkRates: number[] = [];
    let serverCpu = 0;
    for (let number = 1; number <= REPEATS; number++) {
      const ballots = keys.map(({ publicKey }, index) => {
        const seed = benchSeed(index);
        const { sealed } = sealVote(election, round, seed, [[index % 5]], platformRandom);
        const signed = signBallot({ form: 'sealed', round: round.cid, number, sealed }, seed);
        return { sealed, signed, key: publicKey };
      });
      const requests = ballots.map(({ signed }) => encodeDagCbor({ ballot: encodeSignedBallot(signed) }));
      const tasks = ballots.map(({ sealed, signed, key }) => ({
        ...{ electionText, sealed, key },
        ...{ signature: signed.signature, message: ballotMessage(signed.body) },
      }));
      const checking = await seconds(() =>
        inParallel(BALLOTS, 4 * availableParallelism(), async (index) => {
          const task = tasks[index];
          if (task === undefined || (await pool.verify(task)) !== null)
            throw new Error('a ballot was not valid');
        }),
      );
      const before = await server.usage();
      const casting = await seconds(() =>
        inParallel(CONNECTIONS, CONNECTIONS, async (lane) => {
          for (let at = lane; at < BALLOTS; at += CONNECTIONS)
            requireReceipt((await voters[lane]?.round(requests[at] ?? new Uint8Array())) ?? new Uint8Array());
        }),
      );
      serverCpu += (await server.usage()).cpu - before.cpu;
      checkRates.push(BALLOTS / checking);
      castRates.push(BALLOTS / casting);
    }
    const [check, cast] = [median(checkRates), median(castRates)];
    return [
      { name: `proofs verified, ${availableParallelism()} threads at once`, value: check, unit: 'ballots/s' },
      { name: 'sealed ballots accepted, each acknowledged after fsync', value: cast, unit: 'ballots/s' },
      { name: 'ratio', value: cast / check, unit: '×', target: { atLeast: 0.7 } },
      { name: 'CPU of the node per ballot', value: (serverCpu / (BALLOTS * REPEATS)) * 1e3, unit: 'ms' },
    ];
  } finally {
    await pool.close();
    await client.close();
    await Promise.all(voters.map((one) => one.stop()));
    await server.stop();
  }
}
