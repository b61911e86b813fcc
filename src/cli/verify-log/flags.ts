/** The options of verify-log. */
export interface Flags {
  readonly receipt: readonly string[];
  readonly checkpoint: readonly string[];
  /** An opened ballot. */
  readonly ballot?: string;
  /** A file of evidence against the authority. */
  readonly evidence?: string;
  /** Whether observers that a peer names are dialled. */
  readonly askObservers?: boolean;
  readonly election?: string;
  /** Fingerprint of the registrar's key. */
  readonly registrar?: string;
  readonly workers?: number;
}
