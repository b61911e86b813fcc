import { setTimeout as sleep } from 'node:timers/promises';
import { PsephosError, refused, unusable } from '../../base/errors.ts';
import { peerIdText } from '../../crypto/peer-id.ts';
import type { DialTarget, DialPath, DialledPeer, DialledTarget, PeerTarget } from '../../net/index.ts';
import type { PeerRefusal } from '../../services/ports.ts';
import { isForeseen } from '../../services/ports.ts';
import { within } from '../../services/gathering/deadline.ts';
import { type KnownElection, meetElection, openRound } from '../../services/voter-session.ts';
import type { Io } from '../io.ts';
import { interrupted } from './ask.ts';
import type { Console } from '../console.ts';
import { type PunchFlags, punchFrom } from '../punching.ts';
import { comparable } from '../fingerprint.ts';
import { printable } from '../printable.ts';
import type { Anchor } from './show.ts';
import { REQUEST_PATIENCE, Waiting, longestWaitMs, retriesWithin } from './waiting.ts';

export interface ConnectFlags extends PunchFlags {
  readonly dial: string;
  /** The election's id. */
  readonly election?: string;
  readonly fingerprint?: string;
  /** Whom to ask where the organiser is, besides those that the invite names. */
  readonly bootstrap?: readonly string[];
  /** Seconds to keep trying for. */
  readonly wait?: number;
  /** Observers that the voter named. */
  readonly observer?: readonly string[];
}

export interface Met {
  readonly client: DialledPeer;
  readonly election: KnownElection;
  readonly anchor: Anchor;
  /** Where the peer was reached. */
  readonly at: PeerTarget;
  /** Observers that the invite names. */
  readonly invited: readonly string[];
  /** What the client does while nobody answers it. */
  readonly waiting: Waiting;
}

/**
 * What is to be done with a peer. Reading is possible at observers, too; and where the organiser is away a ballot can be made from what an
 * observer shows, and cast later.
 */
export type Purpose = 'acting' | 'reading' | 'voting';

/** Seconds to keep trying when nobody answers at the address at all: a machine that is being started again is back. */
const DIAL_PATIENCE = 20;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 4_000;
/** For one of several places to be reached, in ms: where nothing answers, the next may. */
const DIAL_ONE_OF_SEVERAL_MS = 5_000;
/** For it to show its election, in ms. */
const MEET_ONE_OF_SEVERAL_MS = 10_000;

/** What the flags say of the peer, before it is dialled. Throws usage errors. */
export async function readTarget(
  flags: ConnectFlags,
): Promise<{ readonly target: DialTarget; readonly anchor: Anchor }> {
  // libp2p takes a while to load, and `--help` must not wait for it.
  const { parseDialTarget } = await import('../../net/index.ts');
  const target = parseDialTarget(flags.dial);
  const { election } = flags;
  if (election !== undefined && target.electionId !== undefined && election !== target.electionId) {
    throw unusable(
      'wrong-election',
      `--election names ${election}, and the invite names ${target.electionId}.`,
      {
        hint: 'Leave --election out if you trust the invite.',
      },
    );
  }
  const electionId = election ?? target.electionId;
  const anchor =
    electionId !== undefined
      ? 'election'
      : target.peerId !== undefined
        ? 'address'
        : flags.fingerprint !== undefined
          ? 'fingerprint'
          : 'none';
  return { target: { ...target, electionId }, anchor };
}

/**
 * Dials the peer, and checks that it is the authority of the election that it shows, and that this is the one the flags
 * name. For `reading` it may be an observer, named by the flags or, where the organiser can't be reached, by the invite; the anchor then
 * is what says which election it is, and that may be nothing. For `voting` it is an observer only where the organiser can't be reached, and
 * only of an election of whoever the flags name. Keeps trying for a while, and says so by `waiting`. The caller closes the client.
 */
export async function meet(
  flags: ConnectFlags,
  io: Io,
  out: Console,
  purpose: Purpose = 'acting',
  waiting: Waiting = new Waiting(out, flags.wait),
): Promise<Met> {
  const { target, anchor } = await readTarget(flags);
  await readBootstrapOf(flags);
  const places = await placesFor(purpose, target, flags);
  const { client, at, election } = await out.during(
    `Connecting to ${printable(target.addresses[0] ?? '')}`,
    () => reach(target, places, { ...flags, purpose }, io, { out, waiting }),
  );
  tellWay(client, purpose === 'reading' || at !== target, out);
  if (flags.fingerprint !== undefined && comparable(flags.fingerprint) !== comparable(election.fingerprint)) {
    await client.close();
    throw refused(
      'wrong-election',
      `The peer's election has the fingerprint ${election.fingerprint}, not ${flags.fingerprint}.`,
      {
        hint: 'Check both with the organiser, and do not type your secret here before.',
      },
    );
  }
  return {
    client,
    election,
    at,
    waiting,
    invited: target.observers,
    anchor: anchor === 'address' && election.servedBy === 'observer' ? anchorAtObserver(flags) : anchor,
  };
}

/** Throws usage errors. */
async function readBootstrapOf({ bootstrap = [] }: ConnectFlags): Promise<void> {
  const { readBootstrap } = await import('../discovery.ts');
  readBootstrap(bootstrap);
}

/** An address that ends in an observer's peer id says whose copy is read, and not of which election. */
function anchorAtObserver({ fingerprint }: ConnectFlags): Anchor {
  return fingerprint === undefined ? 'none' : 'fingerprint';
}

/**
 * The organiser and, where the purpose allows it, the observers that the invite names; for voting those that the voter named as well, unless
 * nothing would say whether what they show is the election that is meant.
 */
async function placesFor(
  purpose: Purpose,
  target: DialTarget,
  { observer = [] }: ConnectFlags,
): Promise<DialledTarget[]> {
  const isPinned = target.electionId !== undefined || target.peerId !== undefined;
  if (purpose === 'acting' || (purpose === 'voting' && !isPinned)) return [target];
  const { parseDialTarget } = await import('../../net/index.ts');
  const { observers } = target;
  const others = [...observers, ...(purpose === 'voting' ? observer : [])].map(parseDialTarget);
  return [target, ...others.map((other) => ({ ...other, observers }))];
}

/** These places and, where others than the organiser will do, observers that can be found when all of them have failed. */
async function* withFound(
  places: readonly DialledTarget[],
  target: DialTarget,
  { purpose, bootstrap = [] }: ConnectFlags & { readonly purpose: Purpose },
  { signal }: Io,
): AsyncGenerator<DialledTarget> {
  yield* places;
  if (purpose === 'acting') return;
  const { foundObservers } = await import('./found-observers.ts');
  yield* foundObservers(target, bootstrap, signal);
}

/** Whether a peer may be an observer depends on what for, and on whether it is the one that was named. */
async function meetFor(
  purpose: Purpose,
  client: DialledPeer,
  at: PeerTarget,
  target: DialTarget,
): Promise<KnownElection> {
  const isElsewhere = at !== target;
  const reading = purpose === 'reading' || isElsewhere;
  const election = await meetElection(client, target.electionId, { reading });
  if (purpose === 'voting' && isElsewhere) expectOpenAt(election, target);
  return election;
}

/** Throws where no ballot can be made for the election of a target from what an observer shows. */
function expectOpenAt(election: KnownElection, { peerId }: DialTarget): void {
  const authority = peerIdText(election.genesis.authority);
  if (peerId !== undefined && authority !== peerId)
    throw refused('wrong-election', `it is an election of ${authority}, not of ${peerId}.`);
  openRound(election);
}

interface Reached {
  readonly client: DialledPeer;
  readonly at: PeerTarget;
  readonly election: KnownElection;
}

/** The first of several places that shows the election; they are tried again for a while. Throws why the first did not. */
async function reach(
  target: DialTarget,
  places: readonly DialledTarget[],
  flags: ConnectFlags & { readonly purpose: Purpose },
  io: Io,
  { out, waiting }: { readonly out: Console; readonly waiting: Waiting },
): Promise<Reached> {
  const seconds = flags.wait ?? DIAL_PATIENCE;
  const until = Date.now() + seconds * 1000;
  const isOneOfSeveral = places.length > 1;
  // Who has little time is back within seconds of the organiser.
  const longest = flags.wait === undefined ? LONGEST_PAUSE_MS : longestWaitMs(seconds);
  for (let backoff = FIRST_PAUSE_MS; ; backoff = Math.min(2 * backoff, longest)) {
    // Spread, or all voters whom one power cut made wait would come back in the same moment.
    const pause = backoff * (0.5 + Math.random());
    let failure: PsephosError | PeerRefusal | undefined;
    let isDialled = false;
    for await (const at of withFound(places, target, flags, io)) {
      let client: DialledPeer | undefined;
      const isAnyOfMany = isOneOfSeveral || !places.includes(at);
      try {
        client = await dial(at, isAnyOfMany, flags, io, waiting);
        isDialled ||= failure === undefined;
        const meeting = meetFor(flags.purpose, client, at, target);
        // Whoever is invited besides the organiser may be anybody: one that stalls, or shows something else, hides the others no more.
        const election = await (isAnyOfMany ? within(MEET_ONE_OF_SEVERAL_MS, meeting) : meeting);
        if (failure !== undefined) sayReadElsewhere(failure, client, out);
        return { client, at, election };
      } catch (error) {
        await client?.close();
        if (!isForeseen(error)) throw orInterrupted(error, io);
        failure ??= error;
        // Who runs another election will not take the ballot later either.
        const isRefused = failure instanceof PsephosError && failure.kind === 'refused';
        if (flags.purpose === 'voting' && isRefused && !isAway(failure, flags)) break;
      }
    }
    if (failure === undefined) throw new Error(`there is no place to reach ${target.addresses.join()} at`);
    // What came of a peer that was there was tried again as long as it is worth.
    if (!isAway(failure, flags) || isDialled || Date.now() + pause > until) throw failure;
    waiting.tell(failure, pause);
    await sleep(pause, undefined, { signal: io.signal }).catch((reason: unknown) => {
      throw orInterrupted(reason, io);
    });
  }
}

/**
 * Whether the organiser may be back later. Who is to be waited for may find somebody else's computer at an address meanwhile: it can't stand in
 * for the organiser, and it says nothing of where they are. Whoever is not waited for is told at once, since the address may be mistyped.
 */
function isAway(failure: Error, { wait }: ConnectFlags): boolean {
  if (!(failure instanceof PsephosError)) return false;
  return failure.kind === 'unreachable' || (failure.code === 'wrong-peer' && wait !== undefined && wait > 0);
}

async function dial(
  at: DialledTarget,
  isOneOfSeveral: boolean,
  { wait, bootstrap = [], ...flags }: ConnectFlags,
  io: Io,
  waiting: Waiting,
): Promise<DialledPeer> {
  const { dialPeer } = await import('../../net/index.ts');
  return dialPeer(at, {
    ...(await punchFrom(flags)),
    signal: io.signal,
    retries: retriesWithin(wait ?? REQUEST_PATIENCE),
    longestWaitMs: longestWaitMs(wait ?? REQUEST_PATIENCE),
    entryPoints: () => bootstrap,
    ...(isOneOfSeveral ? { timeoutMs: DIAL_ONE_OF_SEVERAL_MS } : {}),
    onRetry: (error, waitMs) => {
      waiting.tell(error, waitMs);
    },
    beforeRetry: () => waiting.beforeRetry(),
  });
}

function sayReadElsewhere(failure: Error, client: DialledPeer, out: Console): void {
  out.note(
    `${printable(failure.message)}\nReading from an observer instead: ${printable(client.name)}. What it shows is checked all the same.\n`,
  );
  out.emit({ event: 'reading-from-observer', peerId: client.peerId, reason: failure.message });
}

/** Says which way led to the peer; of what is only read, people want to know what it says. */
function tellWay({ way }: DialledPeer, reading: boolean, out: Console): void {
  out.emit({ event: 'connected', ...way });
  if (reading) return;
  const { path, address, notPunched } = way;
  out.say(`${WAYS[path]}: ${printable(address)}\n`);
  if (notPunched !== undefined) out.say(`No direct way was found: ${printable(notPunched)}.\n`);
}

const WAYS: Readonly<Record<DialPath, string>> = {
  'direct-ip6': 'Connected directly, by IPv6',
  'direct-ip4': 'Connected directly, by IPv4',
  'direct-name': 'Connected directly',
  punched: 'Connected directly, through the routers on both sides',
  relayed: 'Connected through a relay, which can read nothing of it',
};

/** For a program that nobody watches, and flags that don't say which election it is to trust. */
export function unpinned(): Error {
  return unusable(
    'not-pinned',
    'Nothing that you gave says which election this should be, and nobody will look.',
    {
      hint: 'Dial the invite, or an address ending in /p2p/<peer id>; or give --election ID, or --fingerprint XXXX-XXXX-XXXX-XXXX-XXXX.',
    },
  );
}

/** The error for what an abort of the signal ended, before any ballot was sent; any other error as it is. */
export function orInterrupted(error: unknown, { signal }: Io): unknown {
  const ended = error === signal.reason || (error instanceof Error && error.name === 'AbortError');
  return signal.aborted && ended ? interrupted(error) : error;
}
