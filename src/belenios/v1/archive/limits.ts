/** What an archive may ask of its reader. */
export interface ArchiveLimits {
  /** For each file in it. */
  readonly maxFileBytes: number;
}

/** The list of public credentials of half a million voters. */
export const ARCHIVE_LIMITS: ArchiveLimits = { maxFileBytes: 2 ** 26 };
