import { parseDialTarget } from '#src/net/invite.js';
import { dialPeer } from '#src/net/peer-client.js';
import { meetElection } from '#src/services/voter-session.js';
import { type Figure, inParallel, seconds } from './support/figures.ts';
import { type BenchKey, benchBallot, benchKeys } from './support/keys.ts';
import { ServerProcess } from './support/server-process.ts';

const BURST = 200;
const STEADY = 600;
const AT_ONCE = 16;

/** Voters as they come: each connects, fetches the election, casts and disconnects; all from one address. */
export async function newcomersBench(): Promise<readonly Figure[]> {
  const keys = benchKeys(BURST + STEADY);
  const server = await ServerProcess.start(keys.length);
  const target = parseDialTarget(server.ready.address);
  let refused = 0;
  const visit = async (key: BenchKey) => {
    try {
      // No second try: a refusal must show.
      const client = await dialPeer(target, { retries: 0, timeoutMs: 60_000 });
      try {
        const { round } = await meetElection(client);
        if (round === null) throw new Error('no round is open');
        await client.cast(benchBallot({ form: 'open', round: round.cid, number: 1, choices: [[0]] }, key));
      } finally {
        await client.close();
      }
    } catch (error) {
      refused++;
      process.stderr.write(`  refused: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  };
  try {
    const before = await server.usage();
    const steady = await seconds(() =>
      inParallel(STEADY, AT_ONCE, (index) => visit(keys[index] as BenchKey)),
    );
    const after = await server.usage();
    const burst = await seconds(() =>
      Promise.all(keys.slice(STEADY).map((key, index) => delayed((index / BURST) * 1000, () => visit(key)))),
    );
    return [
      {
        name: `new voters (connect, fetch, cast, leave), ${AT_ONCE} at a time`,
        value: STEADY / steady,
        unit: '/s',
      },
      {
        name: 'CPU of the node per new voter',
        value: ((after.cpu - before.cpu) / STEADY) * 1000,
        unit: 'ms',
      },
      { name: `${BURST} voters from one address arriving within 1 s: served in`, value: burst, unit: 's' },
      { name: 'voters refused', value: refused, unit: '', target: { atMost: 0 } },
    ];
  } finally {
    await server.stop();
  }
}

function delayed(ms: number, what: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    setTimeout(() => {
      what().then(resolve, reject);
    }, ms);
  });
}
