import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex, utf8ToBytes } from '../../base/bytes.ts';
import { sha256 } from '../../crypto/hash.ts';
import type { CeremonyEvidence } from '../../services/events.ts';
import { createFile, exists, makeFolder } from '../../store/files.ts';

/** Where what shows a trustee's fault is kept, inside the data folder. */
export const EVIDENCE_FOLDER = 'evidence';

/** Files of one trustee: nobody can fill a disk. */
const MOST_OF_ONE = 20;

/**
 * Keeps a step that is not sound, with what is wrong with it: anybody can check its signature and judge it again (docs/PROTOCOL, key ceremonies). Resolves
 * to its path; undefined where there are many of that trustee already.
 */
export async function keepEvidence(
  dataFolder: string,
  evidence: CeremonyEvidence,
): Promise<string | undefined> {
  const { ceremony, step } = evidence;
  const folder = join(dataFolder, EVIDENCE_FOLDER);
  await makeFolder(folder);
  const ofTrustee = `${ceremony.slice(-12)}-trustee-${step.trustee}-`;
  const digest = toHex(sha256(utf8ToBytes(step.text))).slice(0, 12);
  const path = join(folder, `${ofTrustee}${step.kind}-${digest}.json`);
  if (await exists(path)) return path;
  const kept = (await readdir(folder)).filter((name) => name.startsWith(ofTrustee));
  if (kept.length >= MOST_OF_ONE) return undefined;
  const content = { psephos: 'ceremony-evidence', version: 1, ...evidence };
  await createFile(path, { mode: 0o600, overwrite: true }, (file) =>
    file.writeFile(`${JSON.stringify(content, null, 2)}\n`),
  );
  return path;
}
