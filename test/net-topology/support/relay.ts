import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import * as z from 'zod';
import { jsonLines, run } from '../../support/processes.ts';
import { repositoryPath } from '../../support/repository.ts';
import { tempFolder } from '../../support/temp-election.ts';
import type { PublicHost } from './internet.ts';

const statusEvent = z.object({ event: z.literal('status'), bytes: z.number(), relayedEver: z.number() });

/** The relay's program on a computer of the internet. */
export class Relay {
  readonly host: PublicHost;
  /** What it tells organisers to type. */
  readonly flags: readonly string[];
  readonly #folder: string;

  private constructor(host: PublicHost, folder: string, flags: readonly string[]) {
    this.host = host;
    this.flags = flags;
    this.#folder = folder;
  }

  /** Starts it for one election. */
  static async start(t: TestContext, host: PublicHost, electionId: string): Promise<Relay> {
    const folder = join(await tempFolder(t), 'relay');
    const args = ['--data', folder, '--json', '--serve', electionId];
    const running = host.node.start('relay', args);
    const [, flags = ''] = await running.waitFor(/admin\.js((?: --relay \S+)+)\n/);
    return new Relay(host, folder, flags.trim().split(' '));
  }

  /** What it passed on so far, as it says itself: bytes both ways, and connections. */
  async passedOn(): Promise<{ readonly bytes: number; readonly connections: number }> {
    const said = await run('relay', ['status', '--json', '--data', this.#folder]);
    const [status] = jsonLines(said.stdout).flatMap((line) => statusEvent.safeParse(line).data ?? []);
    if (status === undefined) throw new Error(said.stderr);
    return { bytes: status.bytes, connections: status.relayedEver };
  }
}

/** Whether there is such a program; where not, the test is skipped. As soon as it is there, the test runs everywhere. */
export function hasRelay(t: TestContext): boolean {
  if (existsSync(repositoryPath('dist/relay.js'))) return true;
  t.skip('needs the relay program');
  return false;
}
