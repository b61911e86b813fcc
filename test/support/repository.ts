import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Path of a file of the repository, given from its root; compiled tests lie three folders below it. */
export function repositoryPath(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url));
}

/** The contents of a JSON file under test/vectors/; the caller names the shape that its ORIGIN note describes. */
export function readVectors(path: string): unknown {
  return JSON.parse(readFileSync(repositoryPath(`test/vectors/${path}`), 'utf8'));
}
