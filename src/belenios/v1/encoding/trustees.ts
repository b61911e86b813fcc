import type { Point } from '../../../crypto/group/group.ts';
import type { Result } from '../../../base/result.ts';
import type { SignedMessage, ThresholdParameters, Trustee, TrusteePublicKey } from '../messages.ts';
import { type Codec, type ReadingMode, integer, kindOf, list, optional, record, text } from './codec.ts';
import { decodeAsItStands, decodeIn } from './decode.ts';
import { point, proof } from './elements.ts';
import { type DecodeLimits, MESSAGE_LIMITS } from './limits.ts';
import { LARGEST_JSON_NUMBER } from './numbers.ts';
import type { DecodeProblem } from './problem.ts';

export const trusteePublicKey: Codec<TrusteePublicKey> = record({
  pok: proof,
  public_key: point,
  signature: optional(proof),
  name: optional(text),
});

export const signedMessage: Codec<SignedMessage> = record({ message: text, signature: proof });

const thresholdParameters: Codec<ThresholdParameters> = record({
  threshold: integer(0, LARGEST_JSON_NUMBER),
  certs: list(signedMessage),
  coefexps: list(signedMessage),
  signatures: list(proof),
  verification_keys: list(trusteePublicKey),
});

const trustee: Codec<Trustee> = {
  read(value, at) {
    if (!Array.isArray(value) || value.length !== 2) {
      return at.fail(`${kindOf(value)}, expected a list of a kind and its keys`);
    }
    const [kind, content] = value as [unknown, unknown];
    switch (kind) {
      case 'Single':
        return { kind, key: at.part(1, trusteePublicKey, content) };
      case 'Pedersen':
        return { kind, parameters: at.part(1, thresholdParameters, content) };
      default:
        return at.fail('neither "Single" nor "Pedersen"');
    }
  },
  write: (value) =>
    value.kind === 'Single'
      ? `["Single",${trusteePublicKey.write(value.key)}]`
      : `["Pedersen",${thresholdParameters.write(value.parameters)}]`,
};

const trustees = list(trustee);

/** The text of the trustees structure (4.7). */
export function encodeTrustees(value: readonly Trustee[]): string {
  return trustees.write(value);
}

/** Reads it without verifying any proof. */
export function decodeTrustees(
  source: string,
  mode: ReadingMode = 'strict',
  limits: DecodeLimits = MESSAGE_LIMITS,
): Result<readonly Trustee[], DecodeProblem> {
  return decodeIn(mode, trustees, source, limits);
}

/** What a certificate's message says (4.6.2). */
export interface CertificateKeys {
  readonly context: {
    readonly group: string;
    readonly size: number;
    readonly threshold: number;
    readonly index: number;
  };
  readonly verification: Point;
  readonly encryption: Point;
}

const certificateKeys: Codec<CertificateKeys> = record({
  context: record({
    group: text,
    size: integer(0, LARGEST_JSON_NUMBER),
    threshold: integer(0, LARGEST_JSON_NUMBER),
    index: integer(0, LARGEST_JSON_NUMBER),
  }),
  verification: point,
  encryption: point,
});

export function encodeCertificateKeys(value: CertificateKeys): string {
  return certificateKeys.write(value);
}

export function decodeCertificateKeys(message: string): Result<CertificateKeys, DecodeProblem> {
  return decodeAsItStands(certificateKeys, message, MESSAGE_LIMITS);
}

const rawCoefexps = record({ coefexps: list(point) });

/** The message inside `coefexps` (4.6.4). */
export function encodeCoefexps(coefexps: readonly Point[]): string {
  return rawCoefexps.write({ coefexps });
}

export function decodeCoefexps(message: string): Result<readonly Point[], DecodeProblem> {
  const read = decodeAsItStands(rawCoefexps, message, MESSAGE_LIMITS);
  return read.ok ? { ok: true, value: read.value.coefexps } : read;
}

const certificatesAndCoefexps = record({ certs: list(signedMessage), coefexps: list(point) });

/** The JSON after `certs_sig|` in what a trustee signs (4.6.4). */
export function encodeCertificatesAndCoefexps(
  certs: readonly SignedMessage[],
  coefexps: readonly Point[],
): string {
  return certificatesAndCoefexps.write({ certs, coefexps });
}
