import type { TestContext } from 'node:test';
import type { Connection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import type { Libp2p } from 'libp2p';
import { type Channel, channelOn } from '#src/net/circuit/channel.js';
import { HOP, type HopMessage, decodeHop, encodeHop } from '#src/net/circuit/messages.js';
import { startServingHost } from '#src/net/host.js';
import { keyPairOf } from '#src/net/identity.js';
import {
  type PsephosNode,
  type RelayEvent,
  type RelayLimits,
  type RelayNode,
  type RelayTarget,
  type RelayTiming,
  parseRelays,
  startNode,
  startRelay,
} from '#src/net/index.js';
import type { NodeService } from '#src/services/ports.js';
import { cleanUp } from '../../support/cleanup.ts';
import { testKey } from '../../support/test-keys.ts';
import { noDefect, until } from '../support.ts';

/** Quick enough for a test to see a relay come back. */
export const QUICK: RelayTiming = { checkMs: 100, answerMs: 10_000, retryFirstMs: 20, retryLongestMs: 100 };

export interface TestRelay {
  readonly relay: RelayNode;
  readonly address: string;
  readonly target: RelayTarget;
  /** Who got a reservation (+) and who lost one (-), in order. */
  readonly reservations: string[];
}

export interface TestRelayOptions {
  readonly seed?: Uint8Array;
  readonly listen?: string;
  readonly limits?: Partial<RelayLimits>;
  readonly admits?: Parameters<typeof startRelay>[0]['admits'];
}

/** A relay on a free port of ::1 that serves anybody, stopped after the test. */
export async function testRelay(t: TestContext, options: TestRelayOptions = {}): Promise<TestRelay> {
  const reservations: string[] = [];
  const relay = await startRelay({
    seed: options.seed ?? testKey(90).seed,
    listen: [{ address: options.listen ?? '/ip6/::1/tcp/0' }],
    admits: options.admits ?? (() => Promise.resolve(true)),
    onReservation: (peer, held) => reservations.push(`${held ? '+' : '-'}${peer}`),
    onDefect: noDefect,
    limits: options.limits ?? {},
  });
  cleanUp(t, () => relay.stop());
  const address = relay.addresses()[0] ?? '';
  const [target] = parseRelays([address]);
  if (target === undefined) throw new Error('the relay has no address');
  return { relay, address, target, reservations };
}

export interface NodeBehind {
  readonly node: PsephosNode;
  readonly events: RelayEvent[];
  /** The address through the first relay. */
  readonly through: string;
  readonly defects: unknown[];
}

/** A node on ::1 that looks after reservations at relays, stopped after the test. */
export async function nodeBehind(
  t: TestContext,
  service: NodeService,
  targets: readonly RelayTarget[],
  { answerMs = QUICK.answerMs, seed }: { readonly seed?: Uint8Array; readonly answerMs?: number } = {},
): Promise<NodeBehind> {
  const events: RelayEvent[] = [];
  const defects: unknown[] = [];
  const node = await startNode({
    listen: [{ address: '/ip6/::1/tcp/0' }],
    service,
    onDefect: (error) => defects.push(error),
    relays: { targets, onEvent: (event) => events.push(event), timing: { ...QUICK, answerMs } },
    ...(seed === undefined ? {} : { seed }),
  });
  cleanUp(t, () => node.stop());
  const through = node.addresses().find((address) => address.includes('/p2p-circuit/')) ?? '';
  return { node, events, through, defects };
}

/** Waits until a node has told an event of this type for the n-th time. */
export async function untilTold(
  events: readonly RelayEvent[],
  type: RelayEvent['type'],
  times = 1,
): Promise<void> {
  await until(`${type}, ${times} times`, () => events.filter((event) => event.type === type).length >= times);
}

/** A peer that takes streams to relays, and then does with them what a test likes. Resolves to its address. */
export async function lyingRelay(
  t: TestContext,
  onHop: (channel: Channel, relay: Libp2p, connection: Connection) => Promise<void>,
  more: { readonly seed?: Uint8Array; readonly listen?: string } = {},
): Promise<{ readonly address: string; readonly target: RelayTarget; readonly host: Libp2p }> {
  let listening = '';
  const host = await startServingHost({
    privateKey: await keyPairOf(more.seed ?? testKey(91).seed),
    listen: [more.listen ?? '/ip6/::1/tcp/0'],
    handshakeMs: 5000,
    refuseNewcomers: () => false,
    onListen: (_, { listener }) => (listening = String(listener.getAddrs()[0])),
    // As a relay's: many streams to one peer.
    streams: { inbound: { theirs: 32, ours: 1000 }, outbound: { theirs: 0, ours: 0 } },
  });
  cleanUp(t, () => host.stop());
  await host.handle(HOP, async (stream, connection) => {
    try {
      await onHop(channelOn(stream), host, connection);
    } catch (error) {
      // Whoever it lied to has gone.
      stream.abort(error as Error);
    }
  });
  const address = `${listening}/p2p/${host.peerId.toString()}`;
  const [target] = parseRelays([address]);
  if (target === undefined) throw new Error('the relay has no address');
  return { address, target, host };
}

/** What a relay says that holds a reservation for whoever asks. */
export function reserved(addresses: readonly string[] = []): Uint8Array {
  const bytes = addresses.map((address) => multiaddr(address).bytes);
  const expires = Math.floor(Date.now() / 1000) + 3600;
  return encodeHop({ type: 'status', status: 'ok', reservation: { expires, addresses: bytes } });
}

/** Reads a request that a test knows to come. */
export function readHop(channel: Channel): Promise<HopMessage> {
  return channel.read(decodeHop, { signal: AbortSignal.timeout(5000) });
}

/** Says something on a stream to a relay. */
export function say(channel: Channel, message: Uint8Array): Promise<void> {
  return channel.write(message, { signal: AbortSignal.timeout(5000) });
}
