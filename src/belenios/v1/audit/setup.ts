import { equalBytes } from '../../../base/bytes.ts';
import type { Result } from '../../../base/result.ts';
import { GROUP_ORDER, type Point, group } from '../../../crypto/group/group.ts';
import type { ArchiveEntry } from '../archive/reader.ts';
import { decodePublicCredentials } from '../encoding/credentials.ts';
import { decodeElection } from '../encoding/election.ts';
import { pointText } from '../encoding/elements.ts';
import { electionHash } from '../encoding/hashes.ts';
import { type DecodeProblem, problemText } from '../encoding/problem.ts';
import { decodeTrustees } from '../encoding/trustees.ts';
import type { Election, PublicCredential, Trustee } from '../messages.ts';
import { unsoundKey } from '../trustees.ts';
import type { AuditCryptography } from './cryptography.ts';
import type { ArchiveCheckId, ArchiveFindings } from './report.ts';

/** What the Setup event says; parts that are not valid are undefined. */
export interface AuditedSetup {
  readonly electionText: string;
  readonly electionHash: string;
  readonly election: Election | undefined;
  readonly trustees: AuditedTrustees | undefined;
  readonly credentials: AuditedCredentials | undefined;
}

export interface AuditedTrustees {
  readonly trustees: readonly Trustee[];
  /** In the order of owners. */
  readonly keys: readonly Point[];
}

export interface AuditedCredentials {
  readonly count: number;
  /** By the key's hexadecimal text. */
  readonly weights: ReadonlyMap<string, bigint>;
}

/** Checks the election, its trustees and its public credentials: the first three files of the Setup event. */
export function auditSetup(
  entry: ArchiveEntry,
  cryptography: AuditCryptography,
  findings: ArchiveFindings,
): AuditedSetup {
  const [electionText = '', trusteesText = '', credentialsText = ''] = entry.data.map(({ text }) => text);
  const election = taken(decodeElection(electionText), 'election', findings);
  const trustees = taken(decodeTrustees(trusteesText, 'as-it-stands'), 'trustees', findings);
  const credentials = taken(
    decodePublicCredentials(credentialsText, 'as-it-stands'),
    'credentials',
    findings,
  );
  return {
    electionText,
    electionHash: electionHash(electionText),
    election,
    trustees: trustees && auditTrustees(trustees, election, cryptography, findings),
    credentials: credentials && auditCredentials(credentials, findings),
  };
}

function taken<T>(
  read: Result<T, DecodeProblem>,
  id: ArchiveCheckId,
  findings: ArchiveFindings,
): T | undefined {
  findings.begin(id);
  if (read.ok) return read.value;
  if (read.error.kind === 'unsupported') findings.notJudged(id, problemText(read.error));
  else findings.invalid(id, problemText(read.error));
  return undefined;
}

function auditTrustees(
  trustees: readonly Trustee[],
  election: Election | undefined,
  cryptography: AuditCryptography,
  findings: ArchiveFindings,
): AuditedTrustees | undefined {
  // With no trustee, or a key that is the neutral element, whoever likes can decrypt.
  if (trustees.length === 0) {
    findings.invalid('trustees', 'there are no trustees');
    return undefined;
  }
  const verified = cryptography.verifyTrustees(trustees);
  if (!verified.ok) {
    findings.invalid('trustees', verified.error);
    return undefined;
  }
  const { publicKey, keys } = verified.value;
  const unsound = unsoundKey(trustees, keys);
  if (unsound !== undefined) findings.invalid('trustees', unsound);
  if (group.isIdentity(publicKey)) {
    findings.invalid('trustees', 'the public key is the neutral element');
  }
  if (election !== undefined && !equalBytes(publicKey, election.publicKey)) {
    findings.invalid('trustees', "the election's public key is not that of its trustees together");
  }
  return findings.isValid('trustees') ? { trustees, keys } : undefined;
}

function auditCredentials(
  credentials: readonly PublicCredential[],
  findings: ArchiveFindings,
): AuditedCredentials {
  const weights = new Map<string, bigint>();
  let total = 0n;
  for (const [i, { key, weight = 1n }] of credentials.entries()) {
    // Its secret is 0, which everybody knows.
    if (group.isIdentity(key)) {
      findings.invalid('credentials', `[${i}]: the neutral element is no credential`);
    }
    weights.set(pointText(key), weight);
    total += weight;
  }
  // The result is known modulo this.
  if (total >= GROUP_ORDER) {
    findings.invalid('credentials', "the weights sum up to more than the group's order");
  }
  return { count: credentials.length, weights };
}
