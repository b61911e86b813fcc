import type { Connection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import type { Libp2p } from 'libp2p';
import { reachOf } from '../addresses.ts';
import { channelOn } from '../circuit/channel.ts';
import { deadlineAfter } from '../deadline.ts';
import { identifyOf } from '../host.ts';
import type { PeerTarget } from '../invite.ts';
import { REACH_ANSWER_MS } from '../limits.ts';
import { AUTONAT, type DialBackStatus, decodeResponse, encodeDial } from './messages.ts';

export type Family = 'ip6' | 'ip4';

/** What another peer found when it was asked to dial this one. */
export interface ReachFinding {
  /** Who was asked, and over which kind of network: its answer holds for that kind alone. */
  readonly helper: string;
  readonly family: Family;
  /** Where it was asked to dial: the IP address by which this computer is seen, and a port. A multiaddr without peer id. */
  readonly address: string;
  /** Whether it got there; null where it would not try. */
  readonly reached: boolean | null;
}

/**
 * Asks a peer with public addresses by which addresses this one is seen, and to dial them, each kind of network by itself. What can't
 * be found out is left out: a kind that leads to nobody or on which this one does not listen, a peer that does not do this.
 */
export async function askReach(
  host: Libp2p,
  helper: PeerTarget & { readonly peerId: string },
  portOf: (family: Family) => number | undefined,
  ended: AbortSignal,
): Promise<ReachFinding[]> {
  const findings: ReachFinding[] = [];
  // One after another: libp2p would make one connection of two that are dialled to one peer at once.
  for (const family of ['ip6', 'ip4'] as const) {
    const port = portOf(family);
    const at = helper.addresses.find((address) => address.startsWith(`/${family}/`));
    if (at === undefined || port === undefined) continue;
    findings.push(...(await askOver(host, { at, family, port, helper: helper.peerId }, ended)));
  }
  return findings;
}

interface Question {
  readonly at: string;
  readonly family: Family;
  readonly port: number;
  readonly helper: string;
}

async function askOver(
  host: Libp2p,
  { at, family, port, helper }: Question,
  ended: AbortSignal,
): Promise<ReachFinding[]> {
  const { signal, clear } = deadlineAfter(REACH_ANSWER_MS, 'no answer', ended);
  let connection: Connection | undefined;
  try {
    // One of its own, of this family; whatever else there is to this peer stays as it is.
    connection = await host.dial(multiaddr(`${at}/p2p/${helper}`), { signal, force: true });
    const { observedAddr } = await identifyOf(host).identify(connection, { signal });
    const [ip] = new RegExp(`^/${family}/[^/]+`).exec(observedAddr?.toString() ?? '') ?? [];
    if (ip === undefined) return [];
    const address = `${ip}/tcp/${port}`;
    // Something stands in between that hides where this computer is, or it lies: its answer is worth nothing to voters elsewhere.
    if (reachOf(address) !== reachOf(at)) return [];
    const status = await dialBack(host, connection, address, signal);
    const reached = status === 'ok' ? true : status === 'dial-error' ? false : null;
    return [{ helper, family, address, reached }];
  } catch {
    // It is not there, or does not do this; nothing is known then, which is what the list says.
    ended.throwIfAborted();
    return [];
  } finally {
    clear();
    connection?.abort(new Error('all is asked'));
  }
}

async function dialBack(
  host: Libp2p,
  connection: Connection,
  address: string,
  signal: AbortSignal,
): Promise<DialBackStatus> {
  const stream = await connection.newStream(AUTONAT, { signal });
  try {
    const channel = channelOn(stream);
    const request = { id: host.peerId.toMultihash().bytes, addresses: [multiaddr(address).bytes] };
    await channel.write(encodeDial(request), { signal });
    const { status } = await channel.read(decodeResponse, { signal });
    return status;
  } finally {
    stream.abort(new Error('all is said'));
  }
}
