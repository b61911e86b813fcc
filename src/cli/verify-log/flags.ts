/** The options of verify-log. */
export interface Flags {
  readonly receipt: readonly string[];
  readonly checkpoint: readonly string[];
  readonly election?: string;
  readonly workers?: number;
}
