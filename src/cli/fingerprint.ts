import { InvalidArgumentError } from 'commander';
import { inFours } from '../crypto/base32.ts';

/** A fingerprint as people read it aloud and type it: in any case, with O for 0 and I or L for 1. */
export function comparable(fingerprint: string): string {
  return fingerprint.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
}

/** Reads a fingerprint from the command line into the form in which programs show it. Throws `InvalidArgumentError`. */
export function readFingerprint(text: string): string {
  const symbols = comparable(text);
  if (!/^[0-9A-HJKMNP-TV-Z]{20}$/.test(symbols))
    throw new InvalidArgumentError('A fingerprint has 20 symbols in five groups of four.');
  return inFours(symbols);
}
