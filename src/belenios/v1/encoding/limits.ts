/** What a text may ask of its reader. Lengths are in UTF-16 units, as JavaScript counts them: never more than UTF-8 bytes. */
export interface DecodeLimits {
  readonly maxLength: number;
  /** For each list by itself. */
  readonly maxItems: number;
  /** Lists and objects inside each other, where fields that the reader doesn't know are let through. */
  readonly maxDepth: number;
}

/** A ballot of a hundred answers with three selections at most takes some 100 KB. */
export const BALLOT_LIMITS: DecodeLimits = { maxLength: 2 ** 20, maxItems: 1000, maxDepth: 16 };

/** For everything but the lists that grow with the roll. */
export const MESSAGE_LIMITS: DecodeLimits = { maxLength: 2 ** 22, maxItems: 10_000, maxDepth: 32 };

/** Half a million voters with weights. */
export const CREDENTIALS_LIMITS: DecodeLimits = { maxLength: 2 ** 26, maxItems: 500_000, maxDepth: 16 };
