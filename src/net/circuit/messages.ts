import { peerIdFromMultihash } from '@libp2p/peer-id';
import type { PeerId } from '@libp2p/interface';
import * as Digest from 'multiformats/hashes/digest';
import { type Result, err, ok } from '../../base/result.ts';
import { type Field, type FieldValue, decodeFields, encodeFields } from './protobuf.ts';

/**
 * What is said to relays and by them: Circuit Relay v2 (libp2p specifications, relay/circuit-v2). On a `hop` stream a peer asks
 * its relay for a reservation, or for a connection to a peer that has one; on a `stop` stream the relay offers that peer the connection.
 */

export const HOP = '/libp2p/circuit/relay/0.2.0/hop';
export const STOP = '/libp2p/circuit/relay/0.2.0/stop';
/** No message may be longer, says the specification. */
export const MAX_MESSAGE_BYTES = 4096;

const STATUS = {
  ok: 100,
  'reservation-refused': 200,
  'resource-limit-exceeded': 201,
  'permission-denied': 202,
  'connection-failed': 203,
  'no-reservation': 204,
  'malformed-message': 400,
  'unexpected-message': 401,
} as const;
export type Status = keyof typeof STATUS;

/** What a relayed connection may last and carry, both directions together; the relay cuts it after. */
export interface Limit {
  readonly seconds: number;
  readonly bytes: number;
}

/** Expires so many seconds after 1970; `addresses` are the relay's multiaddrs, as bytes. */
export interface Reservation {
  readonly expires: number;
  readonly addresses: readonly Uint8Array[];
}

export type HopMessage =
  | { readonly type: 'reserve' }
  | { readonly type: 'connect'; readonly peer: PeerId }
  | {
      readonly type: 'status';
      /** Undefined for a status of a later version. */
      readonly status: Status | undefined;
      readonly reservation?: Reservation;
      readonly limit?: Limit;
    };

export type StopMessage =
  | { readonly type: 'connect'; readonly peer: PeerId; readonly limit?: Limit }
  | { readonly type: 'status'; readonly status: Status | undefined };

const HOP_TYPES = { reserve: 0, connect: 1, status: 2 } as const;
const STOP_TYPES = { connect: 0, status: 1 } as const;

export function encodeHop(message: HopMessage): Uint8Array {
  const fields: Field[] = [[1, HOP_TYPES[message.type]]];
  if (message.type === 'connect') fields.push([2, peerFields(message.peer)]);
  if (message.type === 'status') {
    const { status, reservation, limit } = message;
    if (reservation !== undefined) {
      const addresses = reservation.addresses.map((address): Field => [2, address]);
      fields.push([3, encodeFields([[1, reservation.expires], ...addresses])]);
    }
    if (limit !== undefined) fields.push([4, limitFields(limit)]);
    if (status !== undefined) fields.push([5, STATUS[status]]);
  }
  return encodeFields(fields);
}

export function encodeStop(message: StopMessage): Uint8Array {
  const fields: Field[] = [[1, STOP_TYPES[message.type]]];
  if (message.type === 'connect') {
    fields.push([2, peerFields(message.peer)]);
    if (message.limit !== undefined) fields.push([3, limitFields(message.limit)]);
  } else if (message.status !== undefined) {
    fields.push([4, STATUS[message.status]]);
  }
  return encodeFields(fields);
}

/** An error says what is wrong with the message. */
export function decodeHop(bytes: Uint8Array): Result<HopMessage, string> {
  const fields = decodeFields(bytes);
  if (!fields.ok) return fields;
  const get = fieldsOf(fields.value);
  switch (get.number(1)) {
    case HOP_TYPES.reserve:
      return ok({ type: 'reserve' });
    case HOP_TYPES.connect: {
      const peer = readPeer(get.bytes(2));
      return peer === undefined ? err('it names no peer') : ok({ type: 'connect', peer });
    }
    case HOP_TYPES.status: {
      const reservation = readReservation(get.bytes(3));
      const limit = readLimit(get.bytes(4));
      return ok({
        type: 'status',
        status: statusOf(get.number(5)),
        ...(reservation === undefined ? {} : { reservation }),
        ...(limit === undefined ? {} : { limit }),
      });
    }
    case undefined:
    default:
      return err('it is of an unknown type');
  }
}

/** An error says what is wrong with the message. */
export function decodeStop(bytes: Uint8Array): Result<StopMessage, string> {
  const fields = decodeFields(bytes);
  if (!fields.ok) return fields;
  const get = fieldsOf(fields.value);
  switch (get.number(1)) {
    case STOP_TYPES.connect: {
      const peer = readPeer(get.bytes(2));
      const limit = readLimit(get.bytes(3));
      return peer === undefined
        ? err('it names no peer')
        : ok({ type: 'connect', peer, ...(limit === undefined ? {} : { limit }) });
    }
    case STOP_TYPES.status:
      return ok({ type: 'status', status: statusOf(get.number(4)) });
    case undefined:
    default:
      return err('it is of an unknown type');
  }
}

function peerFields(peer: PeerId): Uint8Array {
  return encodeFields([[1, peer.toMultihash().bytes]]);
}

function limitFields({ seconds, bytes }: Limit): Uint8Array {
  return encodeFields([
    [1, seconds],
    [2, bytes],
  ]);
}

/** A field that is given twice counts as it was given last, as the format has it. */
function fieldsOf(fields: readonly Field[]) {
  const last = (number: number): FieldValue | undefined => fields.findLast(([own]) => own === number)?.[1];
  return {
    number: (number: number): number | undefined => {
      const value = last(number);
      return typeof value === 'number' ? value : undefined;
    },
    bytes: (number: number): Uint8Array | undefined => {
      const value = last(number);
      return typeof value === 'number' ? undefined : value;
    },
  };
}

function readPeer(bytes: Uint8Array | undefined): PeerId | undefined {
  const fields = decodeFields(bytes ?? new Uint8Array());
  const id = fields.ok ? fieldsOf(fields.value).bytes(1) : undefined;
  if (id === undefined) return undefined;
  try {
    return peerIdFromMultihash(Digest.decode(id));
  } catch {
    // The library throws for whatever is no peer id, and for nothing else.
    return undefined;
  }
}

function readLimit(bytes: Uint8Array | undefined): Limit | undefined {
  if (bytes === undefined) return undefined;
  const fields = decodeFields(bytes);
  if (!fields.ok) return undefined;
  const get = fieldsOf(fields.value);
  return { seconds: get.number(1) ?? 0, bytes: get.number(2) ?? 0 };
}

function readReservation(bytes: Uint8Array | undefined): Reservation | undefined {
  if (bytes === undefined) return undefined;
  const fields = decodeFields(bytes);
  if (!fields.ok) return undefined;
  const addresses = fields.value.flatMap(([number, value]) =>
    number === 2 && typeof value !== 'number' ? [value] : [],
  );
  return { expires: fieldsOf(fields.value).number(1) ?? 0, addresses };
}

function statusOf(number: number | undefined): Status | undefined {
  return (Object.keys(STATUS) as Status[]).find((status) => STATUS[status] === number);
}
