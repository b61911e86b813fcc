import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLevelStore } from '#src/store/level-store.js';
import { storeContract } from '../contracts/store.js';

storeContract('LevelDB on disk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'psephos-test-'));
  return {
    open: () => openLevelStore(folder, { create: true, program: 'a test' }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
});
