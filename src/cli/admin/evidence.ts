import { join } from 'node:path';
import type { CeremonyEvidence } from '../../services/events.ts';
import { createFile, exists, makeFolder } from '../../store/files.ts';

/** Where what shows a trustee's fault is kept, inside the data folder. */
export const EVIDENCE_FOLDER = 'evidence';

/**
 * Keeps a step that is not sound, with what is wrong with it: anybody can check its signature and judge it again (docs/PROTOCOL, key ceremonies). One
 * file for each trustee, step and ceremony, the first: nobody can fill a disk. Resolves to its path.
 */
export async function keepEvidence(dataFolder: string, evidence: CeremonyEvidence): Promise<string> {
  const { ceremony, step } = evidence;
  const folder = join(dataFolder, EVIDENCE_FOLDER);
  await makeFolder(folder);
  const path = join(folder, `${ceremony.slice(-12)}-trustee-${step.trustee}-${step.kind}.json`);
  if (await exists(path)) return path;
  const content = { psephos: 'ceremony-evidence', version: 1, ...evidence };
  await createFile(path, { mode: 0o600, overwrite: true }, (file) =>
    file.writeFile(`${JSON.stringify(content, null, 2)}\n`),
  );
  return path;
}
