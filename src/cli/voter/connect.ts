import { setTimeout as sleep } from 'node:timers/promises';
import { PsephosError, refused, unusable } from '../../base/errors.ts';
import type { DialTarget, DialPath, DialledPeer, PeerTarget } from '../../net/index.ts';
import { PeerRefusal } from '../../services/ports.ts';
import { within } from '../../services/gathering/deadline.ts';
import { type KnownElection, meetElection } from '../../services/voter-session.ts';
import type { Io } from '../io.ts';
import { interrupted } from './ask.ts';
import type { Console } from '../console.ts';
import { comparable } from '../fingerprint.ts';
import { printable } from '../printable.ts';
import type { Anchor } from './show.ts';

export interface ConnectFlags {
  readonly dial: string;
  /** The election's id. */
  readonly election?: string;
  readonly fingerprint?: string;
  /** Seconds to keep trying for. */
  readonly wait?: number;
}

export interface Met {
  readonly client: DialledPeer;
  readonly election: KnownElection;
  readonly anchor: Anchor;
  /** Where the peer was reached. */
  readonly at: PeerTarget;
  /** Observers that the invite names. */
  readonly invited: readonly string[];
}

/** What is to be done with a peer: reading is possible at observers, too. */
export interface Purpose {
  readonly reading: boolean;
}

/** Seconds to keep trying when nobody answers at the address at all: a machine that is being started again is back. */
const DIAL_PATIENCE = 20;
/** Seconds to keep trying once the peer was met: a power cut or a change of networks at the organiser's. */
const REQUEST_PATIENCE = 60;
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
 * is what says which election it is, and that may be nothing. Keeps trying for a while, and says so. The caller closes the client.
 */
export async function meet(
  flags: ConnectFlags,
  io: Io,
  out: Console,
  { reading }: Purpose = { reading: false },
): Promise<Met> {
  const { target, anchor } = await readTarget(flags);
  const { client, at, election } = await out.during(
    `Connecting to ${printable(target.addresses[0] ?? '')}`,
    () => reach(target, reading ? readingPlaces(target) : [target], { ...flags, reading }, io, out),
  );
  tellWay(client, reading, out);
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
    invited: target.observers,
    anchor: anchor === 'address' && election.servedBy === 'observer' ? anchorAtObserver(flags) : anchor,
  };
}

/** An address that ends in an observer's peer id says whose copy is read, and not of which election. */
function anchorAtObserver({ fingerprint }: ConnectFlags): Anchor {
  return fingerprint === undefined ? 'none' : 'fingerprint';
}

/** The organiser, and the observers that the invite names. */
function readingPlaces(target: DialTarget): PeerTarget[] {
  const observers = target.observers.map((address) => {
    const end = address.lastIndexOf('/p2p/');
    return { peerId: address.slice(end + '/p2p/'.length), addresses: [address.slice(0, end)] };
  });
  return [target, ...observers];
}

interface Reached {
  readonly client: DialledPeer;
  readonly at: PeerTarget;
  readonly election: KnownElection;
}

/** The first of several places that shows the election; they are tried again for a while. Throws why the first did not. */
async function reach(
  target: DialTarget,
  places: readonly PeerTarget[],
  flags: ConnectFlags & Purpose,
  io: Io,
  out: Console,
): Promise<Reached> {
  const until = Date.now() + (flags.wait ?? DIAL_PATIENCE) * 1000;
  const isOneOfSeveral = places.length > 1;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    let failure: PsephosError | PeerRefusal | undefined;
    let isDialled = false;
    for (const at of places) {
      let client: DialledPeer | undefined;
      try {
        client = await dial(at, isOneOfSeveral, flags, io, out);
        isDialled ||= failure === undefined;
        const meeting = meetElection(client, target.electionId, flags);
        // Whoever is invited besides the organiser may be anybody: one that stalls, or shows something else, hides the others no more.
        const election = await (isOneOfSeveral ? within(MEET_ONE_OF_SEVERAL_MS, meeting) : meeting);
        if (failure !== undefined) sayReadElsewhere(failure, client, out);
        return { client, at, election };
      } catch (error) {
        await client?.close();
        if (!(error instanceof PsephosError || error instanceof PeerRefusal)) throw orInterrupted(error, io);
        failure ??= error;
      }
    }
    if (failure === undefined) throw new Error(`there is no place to reach ${target.addresses.join()} at`);
    const isUnreachable = failure instanceof PsephosError && failure.kind === 'unreachable';
    // What came of a peer that was there was tried again as long as it is worth.
    if (!isUnreachable || isDialled || Date.now() + pause > until) throw failure;
    sayWaiting(failure, pause, out);
    await sleep(pause, undefined, { signal: io.signal }).catch((reason: unknown) => {
      throw orInterrupted(reason, io);
    });
  }
}

async function dial(
  at: PeerTarget,
  isOneOfSeveral: boolean,
  { wait }: ConnectFlags,
  io: Io,
  out: Console,
): Promise<DialledPeer> {
  const { dialPeer } = await import('../../net/index.ts');
  return dialPeer(at, {
    signal: io.signal,
    retries: retriesWithin(wait ?? REQUEST_PATIENCE),
    ...(isOneOfSeveral ? { timeoutMs: DIAL_ONE_OF_SEVERAL_MS } : {}),
    onRetry: (error, waitMs) => {
      sayWaiting(error, waitMs, out);
    },
  });
}

function sayReadElsewhere(failure: Error, client: DialledPeer, out: Console): void {
  out.note(
    `${printable(failure.message)}\nReading from an observer instead: ${printable(client.name)}. What it shows is checked all the same.\n`,
  );
  out.emit({ event: 'reading-from-observer', peerId: client.peerId, reason: failure.message });
}

/** Says which way led to the peer; of what is only read, people want to know what it says. */
function tellWay({ way: { path, address } }: DialledPeer, reading: boolean, out: Console): void {
  out.emit({ event: 'connected', path, address });
  if (!reading) out.say(`${WAYS[path]}: ${printable(address)}\n`);
}

const WAYS: Readonly<Record<DialPath, string>> = {
  'direct-ip6': 'Connected directly, by IPv6',
  'direct-ip4': 'Connected directly, by IPv4',
  'direct-name': 'Connected directly',
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

/** Tells the voter why nothing seems to happen. */
function sayWaiting(error: unknown, waitMs: number, out: Console): void {
  const message = error instanceof Error ? printable(error.message) : 'No answer.';
  const busy = error instanceof PeerRefusal ? `The organiser's machine is busy: ${message}` : message;
  out.note(`${busy}\nTrying again in ${Math.max(1, Math.round(waitMs / 1000))} s.\n`);
  const code = error instanceof PsephosError || error instanceof PeerRefusal ? error.code : 'unreachable';
  out.emit({ event: 'waiting', code, message, waitMs: Math.round(waitMs) });
}

/** How many tries `net/`'s pauses (0.25 s, doubling up to 8 s) spread over so many seconds. */
export function retriesWithin(seconds: number): number {
  let tries = 0;
  for (let total = 0, pause = 0.25; total < seconds; total += pause, pause = Math.min(2 * pause, 8)) tries++;
  return tries;
}

/** The error for what an abort of the signal ended, before any ballot was sent; any other error as it is. */
export function orInterrupted(error: unknown, { signal }: Io): unknown {
  const ended = error === signal.reason || (error instanceof Error && error.name === 'AbortError');
  return signal.aborted && ended ? interrupted(error) : error;
}
