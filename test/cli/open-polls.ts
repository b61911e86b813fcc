import type { TestContext } from 'node:test';
import { type CapturedIo, capturedIo } from '../support/captured-io.ts';
import { cleanUp } from '../support/cleanup.ts';
import { jsonLines } from '../support/processes.ts';
import type { AdminPlace, Ended } from './admin-support.ts';

export const LISTEN = ['--listen', '/ip6/::1/tcp/0'];

/** An admin process that takes ballots. */
export interface Polls {
  readonly place: AdminPlace;
  readonly io: CapturedIo;
  readonly ended: Promise<Ended>;
  /** The first object with this `event`. */
  readonly event: (name: string) => Record<string, unknown> | undefined;
  readonly address: string;
}

/** Runs admin in this process, as a person would see it with --json. */
export async function openPolls(t: TestContext, place: AdminPlace, ...options: string[]): Promise<Polls> {
  const io = capturedIo();
  const ended = place.adminOn(io, '--json', ...(options.length > 0 ? options : LISTEN));
  cleanUp(t, async () => {
    io.interrupt();
    await ended;
  });
  await Promise.race([
    io.waitFor('A voter types'),
    ended.then(({ err }) => {
      throw new Error(err);
    }),
  ]);
  const event = (name: string) => jsonLines(io.out()).find((line) => line['event'] === name);
  const [address] = event('addresses')?.['addresses'] as string[];
  return { place, io, ended, event, address: address as string };
}
