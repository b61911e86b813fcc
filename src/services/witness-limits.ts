/** Bounds on what peers tell each other of checkpoints; each is also what a peer's message may hold at most. */

/** Observers that are known at a time, with at most so many addresses each. */
export const MAX_OBSERVERS = 64;
export const MAX_OBSERVER_ADDRESSES = 8;
export const MAX_ADDRESS_CHARS = 512;
/** Pieces of evidence in one message; one convicts. */
export const MAX_EVIDENCE = 2;
/** Two checkpoints with cosignatures, a genesis and a proof, in base64 or as JSON. */
export const MAX_EVIDENCE_CHARS = 160 * 1024;
/** Of voters who found their ballot, or did not, in one message: what an observer was told between two of its own. */
export const MAX_CHECKS_REPORTED = 10_000;
/** Checkpoints with cosignatures: most observers cosign the same ones. */
export const MAX_COSIGNED = 16;
