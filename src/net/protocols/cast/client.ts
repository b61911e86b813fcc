import type { Requester } from '../../requester.ts';
import { CAST } from './constants.ts';
import { castAnswerSchema } from './messages.ts';

/**
 * Casts an encoded signed ballot; resolves to the receipt's text. `onPromise` is called with the promise's text where one comes
 * before, and again with another where the ballot had to be sent again. Neither is checked here.
 */
export async function askCast(
  peer: Requester,
  ballot: Uint8Array,
  onPromise: (promise: string) => void = () => undefined,
): Promise<string> {
  return peer.converse(CAST, async (exchange) => {
    await exchange.send({ ballot });
    const first = await exchange.next(castAnswerSchema);
    if ('receipt' in first) return first.receipt;
    onPromise(first.promise);
    const second = await exchange.next(castAnswerSchema);
    if ('receipt' in second) return second.receipt;
    throw exchange.badAnswer('a second promise where the receipt was due');
  });
}
