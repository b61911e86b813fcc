import { equalBytes, toHex } from '../../base/bytes.ts';
import type { AuditedElection, Findings } from '../report.ts';

/** What an auditor knows of an election beforehand. */
export interface Expected {
  readonly expectedElection?: string;
  readonly expectedAuthority?: Uint8Array;
  /** Fingerprint of the registrar's key, as `registrarFingerprint` writes it. */
  readonly expectedRegistrar?: string;
}

/** Whether the log is that of the election which the auditor means. */
export function identify(
  election: AuditedElection | undefined,
  expected: Expected,
  findings: Findings,
): void {
  const { expectedElection, expectedAuthority } = expected;
  if (expectedElection === undefined && expectedAuthority === undefined) {
    findings.excuse(['identity'], 'not-applicable', 'no expected election was given');
    return;
  }
  if (expectedElection !== undefined && election?.id !== expectedElection) {
    findings.add({
      check: 'identity',
      message: `this is election ${election?.id ?? 'unknown'}, not ${expectedElection}`,
    });
  }
  if (expectedAuthority !== undefined && !(election && equalBytes(election.authority, expectedAuthority))) {
    const found = election === undefined ? 'unknown' : toHex(election.authority);
    findings.add({
      check: 'identity',
      message: `its authority is ${found}, not ${toHex(expectedAuthority)}`,
    });
  }
}
