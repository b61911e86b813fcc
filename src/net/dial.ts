import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import type { Libp2p } from 'libp2p';
import { deadlineAfter } from './deadline.ts';
import { dialThrough } from './circuit/dial.ts';
import { RelayFailure } from './circuit/failure.ts';
import type { Puncher } from './punch/client.ts';
import { PunchFailure } from './punch/attempt.ts';
import { type FailedCandidate, WrongPeer, dialFailure, reasonOf } from './dial-failure.ts';
import type { PeerTarget } from './invite.ts';
import { reachOf } from './addresses.ts';
import { NEXT_ADDRESS_MS, RELAYED_AFTER_LOCAL_MS, RELAYED_AFTER_MS } from './limits.ts';
import { type PeerAddress, type RelayAddress, parsePeerAddress } from './multiaddrs.ts';

export interface DialLimits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Looks for a direct way where a relayed one is found first; nobody does if not given. */
  readonly puncher?: Puncher;
}

/**
 * How a peer was reached; `direct-name` by a host name that leads to addresses of either family, `punched` directly after a relay has
 * introduced both ends to each other.
 */
export type DialPath = 'direct-ip6' | 'direct-ip4' | 'direct-name' | 'punched' | 'relayed';

/** A connection to a peer, and the way that won. */
export interface Dialled {
  readonly connection: Connection;
  readonly path: DialPath;
  /** The multiaddr that led there, without the peer's id. */
  readonly address: string;
  /** Why a direct way was looked for and not found; only where `path` is `relayed`. */
  readonly notPunched?: string;
}

/**
 * Connects to a peer by the first of its addresses that leads to it: IPv6 first, the next address whenever one fails or
 * has not answered in NEXT_ADDRESS_MS (after RFC 8305). Relays are tried beside them after RELAYED_AFTER_MS (RELAYED_AFTER_LOCAL_MS
 * where no other address is public), or once no other address is left; where one of them
 * leads there and `puncher` finds a direct way within PUNCH_MS, that is taken. Rejects with `wrong-peer` (refused) or, unreachable, with `handshake-failed` where a program listens that didn't
 * complete the handshake, else `unreachable`; each says of every address why it did not lead there.
 */
export async function dialTarget(
  host: Libp2p,
  { peerId, addresses }: PeerTarget,
  limits: DialLimits,
): Promise<Dialled> {
  limits.signal.throwIfAborted();
  const settled = new AbortController();
  const { signal: deadline, clear } = deadlineAfter(
    limits.timeoutMs,
    'no answer',
    limits.signal,
    settled.signal,
  );
  // Several addresses are waited for at once, in several steps each.
  setMaxListeners(0, deadline, settled.signal);
  const failed: FailedCandidate[] = [];
  const tryOne = async (candidate: PeerAddress): Promise<Dialled> => {
    const { address } = candidate;
    let dialled;
    try {
      const connection = await dialOne(host, candidate, peerId, deadline);
      dialled = { connection, path: pathOf(candidate), address };
    } catch (error) {
      failed.push({ address, error });
      throw error;
    }
    if (settled.signal.aborted) {
      // Another address won in the same moment.
      const late = new Error('connected by another address');
      dialled.connection.abort(late);
      throw late;
    }
    settled.abort();
    return dialled;
  };
  let won;
  try {
    won = await race(addresses.map(parsePeerAddress), tryOne, settled.signal);
  } catch {
    // Each failure is in the list.
    limits.signal.throwIfAborted();
    throw dialFailure(peerId, failed);
  } finally {
    settled.abort();
    clear();
  }
  return limits.puncher === undefined || won.path !== 'relayed'
    ? won
    : directly(host, won, limits.puncher, limits.signal);
}

/** The first that succeeds; rejects when all have failed. */
async function race(
  candidates: readonly PeerAddress[],
  tryOne: (candidate: PeerAddress) => Promise<Dialled>,
  settled: AbortSignal,
): Promise<Dialled> {
  const sorted = [...candidates].sort((a, b) => Number(isIp6(b)) - Number(isIp6(a)));
  const relayed = sorted.filter(({ relay }) => relay !== undefined);
  const direct = sorted.filter(({ relay }) => relay === undefined);
  const directly = inTurn(direct, tryOne, settled);
  const headStart = direct.every(isLocal) ? RELAYED_AFTER_LOCAL_MS : RELAYED_AFTER_MS;
  // Whichever way the wait ends, it is the relays' turn, unless there is a winner.
  const wait = Promise.race([sleep(headStart, undefined, { signal: settled }), directly]);
  const throughRelays = wait.catch(() => undefined).then(() => inTurn(relayed, tryOne, settled));
  return Promise.any([directly, throughRelays]);
}

/** Tries one after another, the next whenever one fails or has not answered in NEXT_ADDRESS_MS. */
function inTurn(
  candidates: readonly PeerAddress[],
  tryOne: (candidate: PeerAddress) => Promise<Dialled>,
  settled: AbortSignal,
): Promise<Dialled> {
  return new Promise((resolve, reject) => {
    const waiting = [...candidates];
    let timer: NodeJS.Timeout | undefined;
    let left = candidates.length;
    const next = (): void => {
      clearTimeout(timer);
      const candidate = settled.aborted ? undefined : waiting.shift();
      if (candidate === undefined) {
        if (left === 0 || settled.aborted) reject(new Error('none is left'));
        return;
      }
      timer = setTimeout(next, NEXT_ADDRESS_MS);
      tryOne(candidate).then(
        (dialled) => {
          clearTimeout(timer);
          resolve(dialled);
        },
        () => {
          left -= 1;
          next();
        },
      );
    };
    next();
  });
}

async function dialOne(
  host: Libp2p,
  { address, relay }: PeerAddress,
  peerId: string | undefined,
  signal: AbortSignal,
): Promise<Connection> {
  if (relay === undefined) return dialDirect(host, address, peerId, signal);
  if (peerId === undefined) throw new Error('a relayed address was taken without the peer behind it');
  const carrier = await dialRelay(host, relay, signal);
  try {
    const connection = await dialThrough(host, carrier, peerId, signal);
    // It was made for this one.
    connection.addEventListener('close', () => {
      carrier.abort(new Error('nothing goes through the relay any more'));
    });
    return connection;
  } catch (error) {
    carrier.abort(new Error('the relay leads nowhere'));
    throw error;
  }
}

/** A direct way in the place of a relayed one, or that one with the reason why there is none. */
async function directly(
  host: Libp2p,
  relayed: Dialled,
  puncher: Puncher,
  signal: AbortSignal,
): Promise<Dialled> {
  try {
    const connection = await puncher.punch(host, relayed.connection, signal);
    relayed.connection.abort(new Error('there is a direct way'));
    const address = connection.remoteAddr.toString().replace(/\/p2p\/[^/]+$/, '');
    return { connection, path: 'punched', address };
  } catch (error) {
    if (!(error instanceof PunchFailure)) throw error;
    return { ...relayed, notPunched: error.message };
  }
}

async function dialDirect(
  host: Libp2p,
  address: string,
  peerId: string | undefined,
  signal: AbortSignal,
): Promise<Connection> {
  // The peer id is compared here and not by libp2p, whose error would not say who answered instead.
  const connection = await host.dial(multiaddr(address), { signal, force: true });
  const found = connection.remotePeer;
  if (found.type === 'Ed25519' && (peerId === undefined || found.toString() === peerId)) return connection;
  const error = new WrongPeer(
    `peer ${found.toString()} is there, not ${peerId ?? 'one with an Ed25519 key'}`,
  );
  connection.abort(error);
  throw error;
}

async function dialRelay(
  host: Libp2p,
  { address, peerId }: RelayAddress,
  signal: AbortSignal,
): Promise<Connection> {
  try {
    return await dialDirect(host, address, peerId, signal);
  } catch (cause) {
    if (signal.aborted) throw cause;
    // Another peer in the relay's place is no other peer in the place of the one behind it.
    throw new RelayFailure(`the relay: ${reasonOf(cause)}`, { cause });
  }
}

function pathOf({ address, relay }: PeerAddress): DialPath {
  if (relay !== undefined) return 'relayed';
  if (/^\/(?:ip6|dns6)\//.test(address)) return 'direct-ip6';
  return /^\/(?:ip4|dns4)\//.test(address) ? 'direct-ip4' : 'direct-name';
}

function isLocal({ address }: PeerAddress): boolean {
  return ['loopback', 'link-local', 'local-network'].includes(reachOf(address));
}

function isIp6({ address }: PeerAddress): boolean {
  return address.startsWith('/ip6/');
}
