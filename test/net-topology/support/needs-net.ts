import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { holds, needs } from '../../support/needs.ts';

/** The tools that topologies are built with, and others that single tests need, by the Debian packages that hold them. */
const PACKAGES = {
  ip: 'iproute2',
  nft: 'nftables',
  turnserver: 'coturn',
  miniupnpd: 'miniupnpd-nftables',
} as const;

type Tool = keyof typeof PACKAGES;

/** Whether networks can be made here, and these tools are there as well; see `needs`. */
export function needsNet(t: TestContext, ...tools: readonly Tool[]): boolean {
  return (
    holds(t, 'network namespaces are of Linux', process.platform === 'linux') &&
    holds(t, 'only root can make network namespaces', process.getuid?.() === 0) &&
    (['ip', 'nft', ...tools] as const).every((tool) =>
      needs(t, `${tool} (Debian: ${PACKAGES[tool]})`, isInstalled(tool)),
    )
  );
}

/** Whether namespaces can be listed and removed here. */
export function canSweep(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0 && isInstalled('ip');
}

function isInstalled(tool: Tool): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, tool)));
}
