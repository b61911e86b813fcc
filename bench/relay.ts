import { encodeSignedBallot, signBallot } from '#src/election/ballot.js';
import { parseDialTarget } from '#src/net/invite.js';
import { type DialledPeer, dialPeer } from '#src/net/peer-client.js';
import { platformRandom } from '#src/services/platform-random.js';
import { sealVote } from '#src/services/sealing.js';
import { type KnownElection, meetElection } from '#src/services/voter-session.js';
import { type Figure, inParallel, median, seconds } from './support/figures.ts';
import { type BenchKey, benchBallot, benchKeys, benchSeed } from './support/keys.ts';
import { RelayProcess, ServerProcess } from './support/server-process.ts';

const CONNECTIONS = 128;
const BALLOTS = 4000;
const REPEATS = 3;
const NEWCOMERS = 200;
const AT_ONCE = 16;
const DIAL_MS = 60_000;
/** Voters whose bytes are counted, of each kind of election. */
const COUNTED = 20;

/**
 * Ballots through one relay against the same ballots to the same node directly: over standing connections, and of voters who come
 * and go; and what a voter's visit costs the relay in bytes. Relay, node and voters share one machine's cores.
 */
export async function relayBench(): Promise<readonly Figure[]> {
  const relay = await RelayProcess.start();
  try {
    const { address } = relay.ready;
    return [...(await openFigures(relay, address)), ...(await sealedFigures(relay, address))];
  } finally {
    await relay.stop();
  }
}

async function openFigures(relay: RelayProcess, relayAddress: string): Promise<Figure[]> {
  const keys = benchKeys(BALLOTS + 2 * NEWCOMERS + COUNTED);
  const server = await ServerProcess.start(keys.length, 'open', relayAddress);
  const { address: direct, through } = server.ready;
  try {
    const standing: Record<string, number[]> = { direct: [], through: [] };
    let number = 1;
    let relayCpu = 0;
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      standing['direct']?.push(await castOver(direct, keys, number++));
      const before = await relay.usage();
      standing['through']?.push(await castOver(through, keys, number++));
      relayCpu += (await relay.usage()).cpu - before.cpu;
    }
    const newcomers = (address: string, from: number): Promise<number> =>
      seconds(() =>
        inParallel(NEWCOMERS, AT_ONCE, (index) =>
          visit(address, (known) => openBallot(known, keys[from + index] as BenchKey)),
        ),
      );
    const directly = NEWCOMERS / (await newcomers(direct, BALLOTS));
    const relayed = NEWCOMERS / (await newcomers(through, BALLOTS + NEWCOMERS));
    const last = keys.slice(-COUNTED);
    const bytes = await bytesOf(relay, through, (known, index) => openBallot(known, last[index] as BenchKey));
    const [over, past] = [median(standing['direct'] ?? []), median(standing['through'] ?? [])];
    return [
      { name: `ballots accepted directly, ${CONNECTIONS} connections`, value: over, unit: '/s' },
      { name: 'ballots accepted through one relay', value: past, unit: '/s' },
      { name: 'ratio', value: past / over, unit: '×', target: { atLeast: 0.3 } },
      { name: 'CPU of the relay per ballot', value: (relayCpu / (BALLOTS * REPEATS)) * 1e6, unit: 'µs' },
      { name: 'new voters (connect, fetch, cast, leave) directly', value: directly, unit: '/s' },
      { name: 'new voters through the relay', value: relayed, unit: '/s' },
      { name: 'ratio of new voters', value: relayed / directly, unit: '×', target: { atLeast: 0.3 } },
      { name: 'bytes through the relay per open ballot, all of the visit', value: bytes, unit: 'bytes' },
    ];
  } finally {
    await server.stop();
  }
}

async function sealedFigures(relay: RelayProcess, relayAddress: string): Promise<Figure[]> {
  const server = await ServerProcess.start(COUNTED, 'sealed', relayAddress);
  try {
    const bytes = await bytesOf(relay, server.ready.through, sealedBallot);
    return [
      { name: 'bytes through the relay per sealed ballot of five answers', value: bytes, unit: 'bytes' },
    ];
  } finally {
    await server.stop();
  }
}

/** Ballots a second over standing connections. */
async function castOver(address: string, keys: readonly BenchKey[], number: number): Promise<number> {
  const target = parseDialTarget(address);
  const voters: DialledPeer[] = [];
  try {
    await inParallel(CONNECTIONS, AT_ONCE, async () => {
      voters.push(await dialPeer(target, { timeoutMs: DIAL_MS }));
    });
    const { round } = await meetElection(voters[0] as DialledPeer);
    if (round === null) throw new Error('no round is open');
    const ballots = keys
      .slice(0, BALLOTS)
      .map((key, index) =>
        benchBallot({ form: 'open', round: round.cid, number, choices: [[index % 3]] }, key),
      );
    const took = await seconds(() =>
      inParallel(CONNECTIONS, CONNECTIONS, async (lane) => {
        for (let at = lane; at < BALLOTS; at += CONNECTIONS)
          await voters[lane]?.cast(ballots[at] as Uint8Array);
      }),
    );
    return BALLOTS / took;
  } finally {
    await Promise.all(voters.map((voter) => voter.close()));
  }
}

/** A voter connects, fetches the election, casts and leaves. */
async function visit(address: string, ballotFor: (known: KnownElection) => Uint8Array): Promise<void> {
  const client = await dialPeer(parseDialTarget(address), { timeoutMs: DIAL_MS });
  try {
    await client.cast(ballotFor(await meetElection(client)));
  } finally {
    await client.close();
  }
}

async function bytesOf(
  relay: RelayProcess,
  address: string,
  ballotFor: (known: KnownElection, index: number) => Uint8Array,
): Promise<number> {
  const before = await relay.usage();
  for (let index = 0; index < COUNTED; index++) await visit(address, (known) => ballotFor(known, index));
  return ((await relay.usage()).bytes - before.bytes) / COUNTED;
}

function openBallot({ round }: KnownElection, key: BenchKey): Uint8Array {
  if (round === null) throw new Error('no round is open');
  return benchBallot({ form: 'open', round: round.cid, number: 1, choices: [[0]] }, key);
}

function sealedBallot(known: KnownElection, index: number): Uint8Array {
  const { round } = known;
  if (round === null) throw new Error('no round is open');
  const seed = benchSeed(index);
  const { sealed } = sealVote(known, round, seed, [[index % 5]], platformRandom);
  return encodeSignedBallot(signBallot({ form: 'sealed', round: round.cid, number: 1, sealed }, seed));
}
