import { parseDialTarget } from '#src/net/invite.js';
import { dialPeer } from '#src/net/peer-client.js';
import { meetElection } from '#src/services/voter-session.js';
import { encodeDagCbor } from '#src/base/dag-cbor.js';
import { type RawClient, dialRaw } from './support/echo.ts';
import { type Figure, inParallel, median, seconds } from './support/figures.ts';
import { benchBallot, benchKeys } from './support/keys.ts';
import { dialCaster, requireReceipt } from './support/raw-caster.ts';
import { ServerProcess } from './support/server-process.ts';

const CONNECTIONS = 128;
const BALLOTS = 8000;
const REPEATS = 3;

/**
 * Ballots accepted end to end over standing connections, each acknowledged after fsync, against a bare echo of the same
 * bytes over as many connections of the same libp2p set-up, to the same process.
 */
export async function castBench(): Promise<readonly Figure[]> {
  const keys = benchKeys(BALLOTS);
  const server = await ServerProcess.start(BALLOTS);
  const target = parseDialTarget(server.ready.address);
  const lanesOf = (dial: () => Promise<RawClient>) => Promise.all(Array.from({ length: CONNECTIONS }, dial));
  const voters = await lanesOf(() => dialCaster(server.ready.address));
  const echoes = await lanesOf(() => dialRaw(server.ready.echo));
  const client = await dialPeer(target);
  try {
    const { round } = await meetElection(client);
    if (round === null) throw new Error('no round is open');
    const castRates: number[] = [];
    const echoRates: number[] = [];
    let serverCpu = 0;
    for (let number = 1; number <= REPEATS; number++) {
      const ballots = keys.map((key, index) =>
        benchBallot({ form: 'open', round: round.cid, number, choices: [[index % 3]] }, key),
      );
      const requests = ballots.map((ballot) => encodeDagCbor({ ballot }));
      const answers: Uint8Array[] = [];
      const lanes = (
        messages: readonly Uint8Array[],
        one: (lane: number, bytes: Uint8Array) => Promise<unknown>,
      ) =>
        seconds(() =>
          inParallel(CONNECTIONS, CONNECTIONS, async (lane) => {
            for (let at = lane; at < BALLOTS; at += CONNECTIONS) await one(lane, messages[at] as Uint8Array);
          }),
        );
      echoRates.push(BALLOTS / (await lanes(requests, async (lane, bytes) => echoes[lane]?.round(bytes))));
      const before = await server.usage();
      const cast = await lanes(requests, async (lane, bytes) => {
        answers.push((await voters[lane]?.round(bytes)) ?? new Uint8Array());
      });
      castRates.push(BALLOTS / cast);
      answers.forEach(requireReceipt);
      serverCpu += (await server.usage()).cpu - before.cpu;
    }
    const echo = median(echoRates);
    const cast = median(castRates);
    return [
      { name: `echo of a ballot's bytes, ${CONNECTIONS} connections`, value: echo, unit: '/s' },
      { name: 'ballots accepted, each acknowledged after fsync', value: cast, unit: '/s' },
      { name: 'ratio', value: cast / echo, unit: '×', target: { atLeast: 0.5 } },
      { name: 'CPU of the node per ballot', value: (serverCpu / (BALLOTS * REPEATS)) * 1e6, unit: 'µs' },
    ];
  } finally {
    await client.close();
    await Promise.all([...voters, ...echoes].map((one) => one.stop()));
    await server.stop();
  }
}
