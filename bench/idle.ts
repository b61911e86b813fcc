import { parseDialTarget } from '#src/net/invite.js';
import { dialPeer } from '#src/net/peer-client.js';
import type { PeerClient } from '#src/services/ports.js';
import { meetElection } from '#src/services/voter-session.js';
import { type Figure, inParallel, median, seconds } from './support/figures.ts';
import { benchBallot, benchKeys } from './support/keys.ts';
import { ServerProcess } from './support/server-process.ts';

const IDLE = 1000;
const CASTS = 50;

/** Voters who connected, looked, and stay connected: what each costs the node, and whether others can still cast. */
export async function idleBench(): Promise<readonly Figure[]> {
  const keys = benchKeys(2 * CASTS);
  const server = await ServerProcess.start(keys.length);
  const target = parseDialTarget(server.ready.address);
  const idle: PeerClient[] = [];
  try {
    const active = await dialPeer(target);
    idle.push(active);
    const { round } = await meetElection(active);
    if (round === null) throw new Error('no round is open');
    const castAll = async (from: number) => {
      const times: number[] = [];
      for (const key of keys.slice(from, from + CASTS)) {
        const ballot = benchBallot({ form: 'open', round: round.cid, number: 1, choices: [[0]] }, key);
        times.push(await seconds(() => active.cast(ballot)));
      }
      return median(times) * 1000;
    };
    const alone = await castAll(0);
    const before = await server.usage();
    await inParallel(IDLE, 16, async () => {
      const client = await dialPeer(target, { timeoutMs: 60_000 });
      idle.push(client);
      await client.info();
    });
    const after = await server.usage();
    const crowded = await castAll(CASTS);
    return [
      {
        name: `memory of the node per connection, ${IDLE} idle`,
        value: (after.rss - before.rss) / IDLE / 1024,
        unit: 'KiB',
      },
      { name: 'time to cast, nobody else connected (median)', value: alone, unit: 'ms' },
      { name: `time to cast, ${IDLE} others connected (median)`, value: crowded, unit: 'ms' },
    ];
  } finally {
    await Promise.all(idle.map((client) => client.close()));
    await server.stop();
  }
}
