import { concatBytes, utf8ToBytes } from '../../../base/bytes.ts';
import { dataHash } from '../encoding/hashes.ts';
import { type ArchiveEvent, type EventType, decodeHeader, encodeEvent } from '../encoding/events.ts';
import { problemText } from '../encoding/problem.ts';
import { encodeSetupData } from '../encoding/setup.ts';
import { encodeOwned, encodeSizedEncryptedTally } from '../encoding/tally.ts';
import { FILES_BEFORE, outOfOrder } from './order.ts';
import { paddingOf, tarHeader } from './tar.ts';

/** The last event of what has been written: what the next one continues. */
export interface ArchiveHead {
  readonly hash: string;
  readonly height: number;
  readonly type: EventType;
}

/**
 * Writes a Belenios archive (4.4) piece by piece: each call returns the bytes to append, which are the same for the same
 * texts. `head` continues an archive that was written earlier, from its last event.
 */
export class ArchiveWriter {
  readonly #header: string;
  readonly #startedAt: number;
  #head: ArchiveHead | undefined;

  /** `header` is the text of BELENIOS, from `encodeHeader`. Throws RangeError for any other text. */
  constructor(header: string, head?: ArchiveHead) {
    const startedAt = decodeHeader(header);
    if (!startedAt.ok) throw new RangeError(`no header of an archive: ${problemText(startedAt.error)}`);
    this.#header = header;
    this.#startedAt = startedAt.value;
    this.#head = head;
  }

  /** What the next event continues; undefined before the first. */
  get head(): ArchiveHead | undefined {
    return this.#head;
  }

  /** The archive's first file. */
  begin(): Uint8Array {
    return this.#file('BELENIOS', this.#header);
  }

  setup(texts: {
    readonly election: string;
    readonly trustees: string;
    readonly credentials: string;
  }): Uint8Array {
    const { election, trustees, credentials } = texts;
    const data = encodeSetupData({
      election: dataHash(election),
      trustees: dataHash(trustees),
      credentials: dataHash(credentials),
    });
    return this.append('Setup', [election, trustees, credentials, data]);
  }

  ballot(ballotText: string): Uint8Array {
    return this.append('Ballot', [ballotText]);
  }

  endBallots(): Uint8Array {
    return this.append('EndBallots', []);
  }

  encryptedTally(
    tallyText: string,
    size: { readonly numTallied: number; readonly totalWeight: bigint },
  ): Uint8Array {
    const sized = encodeSizedEncryptedTally({ ...size, encryptedTally: dataHash(tallyText) });
    return this.append('EncryptedTally', [tallyText, sized]);
  }

  /** `owner` is the trustee's number in the flattened list, from 1. */
  partialDecryption(owner: number, decryptionText: string): Uint8Array {
    const owned = encodeOwned({ owner, payload: dataHash(decryptionText) });
    return this.append('PartialDecryption', [decryptionText, owned]);
  }

  result(resultText: string): Uint8Array {
    return this.append('Result', [resultText]);
  }

  /**
   * An event with its files, the payload last. Throws RangeError when it has not as many as its type wants or can't stand
   * where the archive is.
   */
  append(type: EventType, texts: readonly string[]): Uint8Array {
    const misplaced = outOfOrder(type, this.#head?.type);
    if (misplaced !== undefined) throw new RangeError(misplaced);
    if (texts.length !== FILES_BEFORE[type]) {
      throw new RangeError(`${type} has ${FILES_BEFORE[type]} files, not ${texts.length}`);
    }
    const payload = texts.at(-1);
    const event: ArchiveEvent = {
      ...(this.#head === undefined ? {} : { parent: this.#head.hash }),
      height: this.#head === undefined ? 0 : this.#head.height + 1,
      type,
      ...(payload === undefined ? {} : { payload: dataHash(payload) }),
    };
    const eventText = encodeEvent(event);
    const hash = dataHash(eventText);
    this.#head = { hash, height: event.height, type };
    return concatBytes(
      ...texts.map((text) => this.#file(`${dataHash(text)}.data.json`, text)),
      this.#file(`${hash}.event.json`, eventText),
    );
  }

  #file(name: string, text: string): Uint8Array {
    const body = utf8ToBytes(text);
    const header = tarHeader({ name, size: body.length }, this.#startedAt);
    return concatBytes(header, body, new Uint8Array(paddingOf(body.length)));
  }
}
