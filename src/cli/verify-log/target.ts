import type { Expected } from '../../audit/checks/identity.ts';
import type { LogSource } from '../../audit/source.ts';
import { unusable } from '../../base/errors.ts';
import type { ReadPeers } from './peers.ts';
import { type Named, whatIsNamed } from './named.ts';

/** The log to audit, and what naming it says of whose it should be. The caller closes it. */
export interface Target {
  readonly source: LogSource;
  readonly expected: Expected;
  /** Where peers serve it. */
  readonly peers?: ReadPeers;
  close(): Promise<void>;
}

/** A log that is being opened, as far as this thread has something to do for it. */
export interface Opening {
  readonly target: Promise<Target>;
}

/**
 * Begins to open the log that an auditor names: a data folder, an exported file, or a peer's address or invite. Throws `no-such-log` where
 * it is none of these, and as `openSnapshot`, `openExport` and `dialPeer` do. What each needs is loaded for it alone: an
 * audit need not wait for the others' sake.
 */
export async function beginTarget(
  name: string,
  kind: Exclude<Named['kind'], 'archive'>,
  signal: AbortSignal,
): Promise<Opening> {
  switch (kind) {
    case 'peer': {
      const { dialPeers } = await import('./peers.ts');
      return { target: dialPeers([name], undefined, signal) };
    }
    case 'folder': {
      const { beginSnapshot } = await import('../../store/level-source.ts');
      const { opened } = await beginSnapshot(name);
      return {
        target: opened.then((source) => ({ source, expected: {}, close: () => source.close() })),
      };
    }
    case 'file': {
      const { openExport } = await import('../../store/open-export.ts');
      const source = await openExport(name);
      return { target: Promise.resolve({ source, expected: {}, close: () => Promise.resolve() }) };
    }
    case 'nothing':
      throw unusable('no-such-log', `There is no log at ${name}.`, {
        hint: "Name an election's data folder, an exported file, or an address such as /ip6/…/tcp/4000/p2p/…",
      });
  }
}

/** Opens what `beginTarget` opens, whatever it is. Throws as that does, and `not-a-log` for a Belenios archive. */
export async function openTarget(name: string, signal: AbortSignal): Promise<Target> {
  const { kind } = await whatIsNamed(name);
  if (kind === 'archive') {
    throw unusable('not-a-log', `${name} is an archive of Belenios, where a log of Psephos is needed.`);
  }
  return (await beginTarget(name, kind, signal)).target;
}
