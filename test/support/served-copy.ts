import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startNode } from '#src/net/index.js';
import { LogCopy } from '#src/services/log-copy.js';
import type { ReadService } from '#src/services/ports.js';
import { ServedLog } from '#src/services/served-log.js';
import { openLevelStore } from '#src/store/level-store.js';
import { reading } from './replaced-service.ts';
import { cleanUp } from './cleanup.ts';
import type { PollingPlace } from './polling-place.ts';
import { tempFolder, testSeed } from './temp-election.ts';
import { witnessDesk } from './witness.ts';

export interface CopyOptions {
  /** What the peer answers in place of what it should. */
  readonly misbehave?: (service: ReadService) => Partial<ReadService>;
  /** Of the key that it is known by; another one for each unless given. */
  readonly seed?: Uint8Array;
}

let seeds = 1000;

/** A data folder with a copy of an election that is stopped. */
export async function copiedFolder(t: TestContext, place: PollingPlace): Promise<string> {
  const folder = await tempFolder(t);
  await cp(join(place.folder, 'election'), folder, { recursive: true });
  return folder;
}

/** The address, ending in its peer id, of a peer that serves the copy in a folder for reading, as an observer does. */
export async function serveCopy(
  t: TestContext,
  folder: string,
  { misbehave = () => ({}), seed = testSeed(seeds++) }: CopyOptions = {},
): Promise<string> {
  const clock = { now: () => Date.now() };
  const copy = await LogCopy.open({
    openStore: () => openLevelStore(folder, { create: false, program: 'a test' }),
    clock,
    onProgress: () => undefined,
  });
  const service = new ServedLog(copy, witnessDesk(copy, { isAuthority: false }), () => clock.now());
  const node = await startNode({
    seed,
    listen: [{ address: '/ip6/::1/tcp/0' }],
    service: reading(service, misbehave(service)),
    onDefect: () => undefined,
    // What a test makes stall would be waited for.
    deadlines: { stopMs: 100 },
  });
  cleanUp(t, async () => {
    await node.stop();
    await copy.close();
  });
  return node.addresses()[0] as string;
}
