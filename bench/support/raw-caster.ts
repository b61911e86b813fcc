import { equalBytes } from '#src/base/bytes.js';
import { decodeDagCbor } from '#src/base/dag-cbor.js';
import { CAST } from '#src/net/protocols/cast/constants.js';
import { encodePromise } from '#src/net/protocols/cast/by-shape.js';
import { type RawClient, dialRaw } from './echo.ts';

const MAX_ANSWER_BYTES = 1 << 20;
/** All but the length of the text and the text. */
const PROMISE = encodePromise('').subarray(0, -1);

/** A standing connection that ballots are cast over, each answered where its receipt has come; the promise before it is read over. */
export function dialCaster(address: string): Promise<RawClient> {
  return dialRaw(address, CAST.id, (answer) => !equalBytes(answer.subarray(0, PROMISE.length), PROMISE));
}

/** @throws if the answer to a ballot is no receipt. */
export function requireReceipt(answer: Uint8Array): void {
  const decoded = decodeDagCbor(answer, MAX_ANSWER_BYTES);
  const { ok } = (decoded.ok ? decoded.value : {}) as { readonly ok?: object };
  if (ok === undefined || !('receipt' in ok)) throw new Error('a ballot was not accepted');
}
