import type { AbortOptions, Stream } from '@libp2p/interface';
import { lpStream } from '@libp2p/utils';
import type { Result } from '../../base/result.ts';
import { MAX_MESSAGE_BYTES } from './messages.ts';

/** Of what follows a message at once, as the first bytes of a relayed connection do; more of it is an attack. */
const MAX_AHEAD_BYTES = 64 * 1024;

/** A message that is none. */
export class BadMessage extends Error {
  override readonly name = 'BadMessage';
}

/** Messages on a `hop` or `stop` stream, each with its length before it, until the stream is handed over to whom it carries. */
export interface Channel {
  /** Rejects with `BadMessage` for what `decode` can't read, and as libp2p does where the stream ends or the signal aborts. */
  read<T>(decode: (bytes: Uint8Array) => Result<T, string>, options: AbortOptions): Promise<T>;
  write(message: Uint8Array, options: AbortOptions): Promise<void>;
  /** The stream, with whatever came after the last message that was read. */
  handOver(): Stream;
}

export function channelOn(stream: Stream): Channel {
  const frames = lpStream(stream, { maxDataLength: MAX_MESSAGE_BYTES, maxBufferSize: MAX_AHEAD_BYTES });
  return {
    async read(decode, options) {
      const message = decode((await frames.read(options)).subarray());
      if (!message.ok) throw new BadMessage(message.error);
      return message.value;
    },
    write: (message, options) => frames.write(message, options),
    handOver: () => frames.unwrap(),
  };
}
