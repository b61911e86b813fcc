import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Expected } from '../../audit/checks/identity.ts';
import type { LogSource } from '../../audit/source.ts';
import { unusable } from '../../base/errors.ts';
import { fileError } from '../../store/fs-errors.ts';
import { LOG_FOLDER } from '../../store/layout.ts';
import { openSnapshot } from '../../store/level-source.ts';

/** The log to audit, and what naming it says of whose it should be. The caller closes it. */
export interface Target {
  readonly source: LogSource;
  readonly expected: Expected;
  close(): Promise<void>;
}

/** What names a peer, and no file. */
export const ADDRESS = /^(?:psephos:|\/(?:ip4|ip6|dns|dns4|dns6|dnsaddr)\/)/;

/**
 * Opens what an auditor names: a data folder, an exported file, or a peer's address or invite. Throws `no-such-log` where it
 * is none of these, and as `openSnapshot`, `openExport` and `dialPeer` do.
 */
export async function openTarget(name: string, signal: AbortSignal): Promise<Target> {
  if (ADDRESS.test(name)) return dial(name, signal);
  switch (await kindOf(name)) {
    case 'folder': {
      const source = await openSnapshot(name);
      return { source, expected: {}, close: () => source.close() };
    }
    case 'file': {
      // Loaded for an export alone, as libp2p is for a peer: each takes a while that other audits need not wait for.
      const { openExport } = await import('../../store/open-export.ts');
      return { source: await openExport(name), expected: {}, close: () => Promise.resolve() };
    }
    case 'nothing':
      throw unusable('no-such-log', `There is no log at ${name}.`, {
        hint: "Name an election's data folder, an exported file, or an address such as /ip6/…/tcp/4000/p2p/…",
      });
  }
}

/** Bytes on disk from which on an audit is better shared among threads: some thousand entries. */
const LONG_BYTES = 1 << 20;

/** Whether what an auditor names is, by its size on disk, a log of thousands of entries. Of a peer nobody knows before. */
export async function isLong(name: string): Promise<boolean> {
  if (ADDRESS.test(name)) return false;
  switch (await kindOf(name)) {
    case 'nothing':
      return false;
    case 'file':
      return (await stat(name)).size >= LONG_BYTES;
    case 'folder': {
      const log = join(name, LOG_FOLDER);
      // What is no data folder is reported when it is opened; files of a running election come and go.
      const files = await readdir(log).catch(() => []);
      const sizes = files.map((file) =>
        stat(join(log, file)).then(
          ({ size }) => size,
          () => 0,
        ),
      );
      return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0) >= LONG_BYTES;
    }
  }
}

async function kindOf(path: string): Promise<'folder' | 'file' | 'nothing'> {
  try {
    const found = await stat(path);
    return found.isDirectory() ? 'folder' : 'file';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'nothing';
    throw fileError(error, path);
  }
}

/** libp2p is loaded for a peer alone: it takes more time and memory than the audit of a small log. */
async function dial(name: string, signal: AbortSignal): Promise<Target> {
  const { dialPeer, parseDialTarget, publicKeyOfPeer } = await import('../../net/index.ts');
  const target = parseDialTarget(name);
  const peer = await dialPeer(target, { signal });
  const expected: Expected = {
    ...(target.electionId === undefined ? {} : { expectedElection: target.electionId }),
    // An address that names a peer pins the authority: its libp2p key is the one that signs checkpoints.
    ...(target.peerId === undefined ? {} : { expectedAuthority: publicKeyOfPeer(target.peerId) }),
  };
  return { source: peer, expected, close: () => peer.close() };
}
