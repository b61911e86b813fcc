import { verifyWithAcceptableKey } from '../../crypto/signature.ts';

/** A signature to verify, by a key that the roll vouches for (see `verifyWithAcceptableKey`). */
export interface SignatureTask {
  readonly signature: Uint8Array;
  readonly message: Uint8Array;
  readonly key: Uint8Array;
}

/** Verifies ballots' signatures, wherever that runs. */
export interface SignatureVerifier {
  /** Whether the signature is the key's. Rejects only where the verifier itself failed: that is a defect. */
  verify(task: SignatureTask): Promise<boolean>;
  /** Ends what it runs. Nothing may be under way. */
  close(): Promise<void>;
}

/** Verifies in the calling thread. */
export function inThreadVerifier(): SignatureVerifier {
  return {
    verify: ({ signature, message, key }) =>
      Promise.resolve(verifyWithAcceptableKey(signature, message, key)),
    close: () => Promise.resolve(),
  };
}
