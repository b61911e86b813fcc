import type { TestContext } from 'node:test';
import {
  type NodeDiscovery,
  type PresenceTiming,
  type PsephosNode,
  findObservers,
  startNode,
} from '#src/net/index.js';
import type { NodeService } from '#src/services/ports.js';
import { cleanUp } from '../../support/cleanup.ts';
import { testKey } from '../../support/test-keys.ts';
import { FakeService } from '../support.ts';

/** Quick enough for a test to see others being told. */
export const QUICK_PRESENCE: Partial<PresenceTiming> = {
  watchMs: 20,
  apartMs: 50,
  retryFirstMs: 50,
  retryLongestMs: 200,
};

/** The id of an election that nobody holds. */
export const ELECTION = 'bafyreigdmqpykrgxyaxtlafqpqhzrfp3zzfcmbzrgvgezuopzyxihshcoy';

export interface FoundOptions {
  /** Of the key, and so of the peer id. */
  readonly key: number;
  readonly electionId?: string;
  readonly entryPoints?: () => readonly string[];
  readonly listen?: string;
  readonly service?: NodeService;
  readonly onPeer?: NodeDiscovery['onPeer'];
  readonly timing?: Partial<PresenceTiming>;
}

/** A node on ::1 that can be found, stopped after the test, or before by the test. */
export async function foundNode(t: TestContext, options: FoundOptions): Promise<PsephosNode> {
  const node = await startNode({
    seed: testKey(options.key).seed,
    listen: [{ address: options.listen ?? '/ip6/::1/tcp/0' }],
    service: options.service ?? new FakeService(),
    onDefect: (error) => {
      throw error;
    },
    discovery: {
      electionId: options.electionId ?? ELECTION,
      entryPoints: options.entryPoints ?? (() => []),
      timing: { ...QUICK_PRESENCE, ...options.timing },
      ...(options.onPeer === undefined ? {} : { onPeer: options.onPeer }),
    },
  });
  cleanUp(t, () => node.stop());
  return node;
}

export function addressOf(node: PsephosNode): string {
  return node.addresses()[0] ?? '';
}

/** Those who are heard of as serving an election, by who asks at `entryPoints`; the peer ids, sorted. */
export async function servers(entryPoints: readonly string[], electionId = ELECTION): Promise<string[]> {
  const found: string[] = [];
  const { signal } = new AbortController();
  for await (const [address = ''] of findObservers(electionId, entryPoints, { signal }))
    found.push(address.slice(address.lastIndexOf('/') + 1));
  return found.sort();
}

/** Waits until something that has to be asked for has come about. */
export async function untilAsked(what: string, reached: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await reached())) if (Date.now() > end) throw new Error(`did not come about: ${what}`);
}
