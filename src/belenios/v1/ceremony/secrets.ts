import { equalBytes } from '../../../base/bytes.ts';
import type { Result } from '../../../base/result.ts';
import { type Point, type Scalar, group } from '../../../crypto/group/group.ts';
import { secretText } from '../encoding/ceremony.ts';
import { type Certificates, certificateOf } from './certificates.ts';
import { type NotReceived, receive } from './channel.ts';
import { type Fault, fault } from './fault.ts';
import type { EncryptedMessage } from './messages.ts';
import { committedValueFor } from './secret-sharing.ts';

/** A secret on its way from one trustee to another, opened by its shared point, and what its sender's coefexps say of it. */
export interface SentSecret {
  readonly certificates: Certificates;
  readonly sender: number;
  readonly recipient: number;
  readonly shared: Point;
  readonly message: EncryptedMessage;
  /** The sender's, its signature checked. */
  readonly coefexps: readonly Point[];
  readonly evidence: readonly string[];
}

const REASONS: Readonly<Record<NotReceived, string>> = {
  undecryptable: "the secret can't be decrypted",
  'unsigned-secret': 'the secret is not signed by its sender',
  'wrong-recipient': 'the secret is for another recipient',
};

/**
 * Judges a secret (4.6.5), with nothing that only its recipient has but the shared point. A wrong value convicts the sender, who signed
 * both it and the coefexps. Anything before that does not: what surrounds the sender's signature may be somebody else's.
 */
export function judgeSecret(sent: SentSecret): Result<Scalar, Fault> {
  const { certificates, sender, recipient, evidence } = sent;
  const received = receive(sent.shared, sent.message, {
    sender: certificateOf(certificates, sender).verification,
    recipient: certificateOf(certificates, recipient).encryption,
  });
  if (!received.ok) return fault(received.error, [sender], 'delivery', REASONS[received.error], evidence);
  const secret = secretText.decode(received.value);
  const expected = committedValueFor(recipient, sent.coefexps);
  return secret.ok && equalBytes(group.multiplyBase(secret.value), expected)
    ? secret
    : fault('wrong-secret', [sender], 'signature', 'the secret is not what the coefexps say', evidence);
}
