import type { Scalar } from '../../../crypto/group/group.ts';
import type { Result } from '../../../base/result.ts';
import type { TrusteePublicKey } from '../messages.ts';
import { decodeStrictly } from './decode.ts';
import { MESSAGE_LIMITS } from './limits.ts';
import type { DecodeProblem } from './problem.ts';
import { secretScalar } from './secret-decimal.ts';
import { trusteePublicKey } from './trustees.ts';

/** A trustee's public key (4.5) as a file: one line. */
export function encodePublicKeyFile(key: TrusteePublicKey): string {
  return `${trusteePublicKey.write(key)}\n`;
}

/** Reads it, with or without the end of the line. */
export function decodePublicKeyFile(source: string): Result<TrusteePublicKey, DecodeProblem> {
  return decodeStrictly(trusteePublicKey, withoutLineEnd(source), MESSAGE_LIMITS);
}

/** A trustee's private key (4.5) as a file: the exponent in decimal digits as a JSON string, one line. */
export function encodePrivateKeyFile(key: Scalar): string {
  return `${secretScalar.write(key)}\n`;
}

/** Reads it, with or without the end of the line. What it says when it refuses has nothing of the key in it. */
export function decodePrivateKeyFile(source: string): Result<Scalar, DecodeProblem> {
  return decodeStrictly(secretScalar, withoutLineEnd(source), MESSAGE_LIMITS);
}

function withoutLineEnd(source: string): string {
  return source.endsWith('\n') ? source.slice(0, -1) : source;
}
