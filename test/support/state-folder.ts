import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What programs under test remember is kept here, and goes with this process: no test touches anybody's home. */
const root = mkdtempSync(join(process.env['PSEPHOS_STATE'] ?? tmpdir(), 'psephos-state-'));
process.on('exit', () => {
  rmSync(root, { recursive: true, force: true });
});

let count = 0;

/** A state folder that no other run has, as on a computer of its own. It is not made yet. */
export function newStateFolder(): string {
  count += 1;
  return join(root, `${count}`);
}
