import type { ComponentLogger, Logger, PeerDiscovery, PeerInfo } from '@libp2p/interface';
import { type MulticastDNSComponents, mdns } from '@libp2p/mdns';
import { multiaddr } from '@multiformats/multiaddr';
import { PsephosError } from '../../base/errors.ts';
import { describeReachability } from '../addresses.ts';
import { LAN_ADDRESSES, LAN_ANSWER_ADDRESSES, LAN_ASK_MS, LAN_ELECTIONS, LAN_LISTEN_MS } from '../limits.ts';
import { parsePeerAddress } from '../multiaddrs.ts';
import type { SaidPeer } from './messages.ts';

type AddressManager = MulticastDNSComponents['addressManager'];

/** Multicast DNS (RFC 6762) within one network, under a name of its own: other programs of libp2p neither see it nor are seen. */
const SERVICE = '_psephos._udp.local';

/**
 * Answers whoever asks in the same networks where this node is, by those of its addresses (multiaddrs that end in its peer id) that are of use
 * there: private ones. Nobody is told without asking. `onProblem` is told where the system does not permit it. Returns what ends it.
 */
export async function answerOnLan(
  addresses: () => readonly string[],
  onProblem: (error: Error) => void,
): Promise<() => Promise<void>> {
  const service = mdns({ serviceTag: SERVICE, interval: LAN_LISTEN_MS })({
    addressManager: tellingOf(() => describeReachability(addresses()).local.slice(0, LAN_ANSWER_ADDRESSES)),
    logger: loggerFor(onProblem),
  });
  return startedService(service);
}

/**
 * Asks in the networks that this machine is in which nodes are there, every second until the signal aborts. Yields those that `isSought`, by
 * their ids, at most LAN_ELECTIONS, each with the addresses that are new; anybody in the network can answer anything, in anybody's name.
 * Throws where the system does not permit it.
 */
export async function* findOnLan(
  signal: AbortSignal,
  isSought: (peerId: string) => boolean,
): AsyncGenerator<SaidPeer> {
  const waiting: SaidPeer[] = [];
  const heard = new Map<string, Set<string>>();
  let problem: Error | undefined;
  let wake = (): void => undefined;
  const service = mdns({ serviceTag: SERVICE, interval: LAN_ASK_MS, broadcast: false })({
    addressManager: tellingOf(() => []),
    logger: loggerFor((error) => {
      problem = error;
      wake();
    }),
  });
  service.addEventListener('peer', ({ detail }) => {
    const { peerId, addresses } = usable(detail);
    if (!isSought(peerId) || (heard.size >= LAN_ELECTIONS && !heard.has(peerId))) return;
    const before = heard.get(peerId) ?? new Set();
    const added = addresses.filter((address) => !before.has(address)).slice(0, LAN_ADDRESSES - before.size);
    if (added.length === 0) return;
    heard.set(peerId, new Set([...before, ...added]));
    waiting.push({ peerId, addresses: added });
    wake();
  });
  signal.addEventListener('abort', () => {
    wake();
  });
  const stop = await startedService(service);
  try {
    while (!signal.aborted) {
      const peer = waiting.shift();
      if (peer !== undefined) yield peer;
      else if (problem !== undefined) throw problem;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    await stop();
  }
}

function usable({ id, multiaddrs }: PeerInfo): SaidPeer {
  const peerId = id.toString();
  const addresses = multiaddrs.slice(0, LAN_ANSWER_ADDRESSES).flatMap((address) => {
    try {
      return [parsePeerAddress(address.toString()).address];
    } catch (error) {
      // Of another transport.
      if (error instanceof PsephosError) return [];
      throw error;
    }
  });
  return { peerId, addresses };
}

/** All that the library asks of libp2p. */
function tellingOf(addresses: () => readonly string[]): AddressManager {
  const asked: Pick<AddressManager, 'getAddresses'> = {
    getAddresses: () => addresses().map((address) => multiaddr(address)),
  };
  return asked as AddressManager;
}

async function startedService(service: PeerDiscovery): Promise<() => Promise<void>> {
  const running = service as PeerDiscovery & { start(): Promise<void>; stop(): Promise<void> };
  await running.start();
  return () => running.stop();
}

/** The library tells of failures in what it logs, and nowhere else. */
function loggerFor(onError: (error: Error) => void): ComponentLogger {
  const nothing = (): void => undefined;
  const logger: Logger = Object.assign(nothing, {
    enabled: false,
    trace: nothing,
    error: (_format: unknown, ...details: readonly unknown[]) => {
      const error = details.find((detail) => isSystemError(detail));
      if (error !== undefined) onError(error as Error);
    },
    newScope: () => logger,
  });
  return { forComponent: () => logger };
}

/** What others send that can't be read is logged as well, and is nobody's problem. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
