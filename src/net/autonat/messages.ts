import { type Result, err, ok } from '../../base/result.ts';
import { type Field, type FieldValue, decodeFields, encodeFields } from '../circuit/protobuf.ts';

/** Messages of AutoNAT v1 (github.com/libp2p/specs/blob/master/autonat/autonat-v1.md): "dial me, and tell me whether you got there". */
export const AUTONAT = '/libp2p/autonat/1.0.0';

const TYPES = { dial: 0, response: 1 } as const;
const STATUS = {
  ok: 0,
  'dial-error': 100,
  'dial-refused': 101,
  'bad-request': 200,
  'internal-error': 300,
} as const;

export type DialBackStatus = keyof typeof STATUS;

/** Where the asking peer says that it listens: its id as a multihash, and multiaddrs, each as bytes. */
export interface DialRequest {
  readonly id: Uint8Array;
  readonly addresses: readonly Uint8Array[];
}

export interface DialResponse {
  readonly status: DialBackStatus;
  /** For people. */
  readonly text?: string;
  /** Where the peer was reached. */
  readonly address?: Uint8Array;
}

export function encodeDial({ id, addresses }: DialRequest): Uint8Array {
  const peer = encodeFields([[1, id], ...addresses.map((address): Field => [2, address])]);
  return encodeFields([
    [1, TYPES.dial],
    [2, encodeFields([[1, peer]])],
  ]);
}

export function encodeResponse({ status, text, address }: DialResponse): Uint8Array {
  const fields: Field[] = [[1, STATUS[status]]];
  if (text !== undefined) fields.push([2, new TextEncoder().encode(text)]);
  if (address !== undefined) fields.push([3, address]);
  return encodeFields([
    [1, TYPES.response],
    [3, encodeFields(fields)],
  ]);
}

/** An error says what is wrong with the message. */
export function decodeDial(bytes: Uint8Array): Result<DialRequest, string> {
  const message = fieldsOf(bytes);
  if (message === undefined || (message.last(1) ?? TYPES.dial) !== TYPES.dial) return err('it is no request');
  const peer = fieldsIn(fieldsIn(message.last(2))?.last(1));
  const id = peer?.last(1);
  if (peer === undefined || !(id instanceof Uint8Array)) return err('it names no peer');
  return ok({ id, addresses: peer.all(2) });
}

/** An error says what is wrong with the message. */
export function decodeResponse(bytes: Uint8Array): Result<DialResponse, string> {
  const message = fieldsOf(bytes);
  if (message === undefined || message.last(1) !== TYPES.response) return err('it is no answer');
  const response = fieldsIn(message.last(3));
  if (response === undefined) return err('it has no status');
  const number = response.last(1) ?? STATUS.ok;
  const status = (Object.keys(STATUS) as DialBackStatus[]).find((name) => STATUS[name] === number);
  if (status === undefined) return err('its status is unknown');
  const address = response.last(3);
  return ok({ status, ...(address instanceof Uint8Array ? { address } : {}) });
}

interface Fields {
  /** A field that is given twice counts as it was given last, as the format has it. */
  last(number: number): FieldValue | undefined;
  all(number: number): Uint8Array[];
}

function fieldsIn(value: FieldValue | undefined): Fields | undefined {
  return value instanceof Uint8Array ? fieldsOf(value) : undefined;
}

function fieldsOf(bytes: Uint8Array): Fields | undefined {
  const fields = decodeFields(bytes);
  if (!fields.ok) return undefined;
  return {
    last: (number) => fields.value.findLast(([own]) => own === number)?.[1],
    all: (number) =>
      fields.value.flatMap(([own, value]) => (own === number && value instanceof Uint8Array ? [value] : [])),
  };
}
