import { equalBytes } from '../../../base/bytes.ts';
import { type Result, err, ok } from '../../../base/result.ts';
import type { Point, Scalar } from '../../../crypto/group/group.ts';
import { channelSignedText, channelText } from '../encoding/ceremony.ts';
import type { Random } from '../proofs.ts';
import { isSigned, signMessage } from '../signed-message.ts';
import { encryptText, openEncrypted } from './encrypted-message.ts';
import type { EncryptedMessage } from './messages.ts';

/** Sends a message (4.6.3): names its recipient, signs both, encrypts all. The text to pass on. */
export function send(signing: Scalar, recipient: Point, message: string, random: Random): string {
  const signed = signMessage(signing, channelText.encode({ recipient, message }), random);
  return encryptText(recipient, channelSignedText.encode(signed), random);
}

/** Why nothing was received, from the outside in. */
export type NotReceived = 'undecryptable' | 'unsigned-secret' | 'wrong-recipient';

/**
 * What a sender sent to a recipient (4.6.3), for anyone who has the message's shared point. The sender's signature covers the recipient and the
 * message and not the encryption: whoever opened it can encrypt the same signed message for somebody else, which is why the
 * recipient is looked at.
 */
export function receive(
  shared: Point,
  message: EncryptedMessage,
  parties: { readonly sender: Point; readonly recipient: Point },
): Result<string, NotReceived> {
  const opened = openEncrypted(shared, message);
  if (opened === undefined) return err('undecryptable');
  const signed = channelSignedText.decode(opened);
  if (!signed.ok || !isSigned(parties.sender, signed.value.message, signed.value.signature))
    return err('unsigned-secret');
  const content = channelText.decode(signed.value.message);
  return content.ok && equalBytes(content.value.recipient, parties.recipient)
    ? ok(content.value.message)
    : err('wrong-recipient');
}
