import { pointText } from '../../belenios/v1/encoding/elements.ts';
import { fingerprint } from '../../crypto/credential.ts';
import type { Point } from '../../crypto/group/group.ts';

/** What people compare aloud to know a trustee's public key, in the form of an election's fingerprint. */
export function keyFingerprint(publicKey: Point): string {
  return fingerprint(`trustee:${pointText(publicKey)}`);
}
