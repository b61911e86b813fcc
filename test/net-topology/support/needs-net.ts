import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { holds, needs } from '../../support/needs.ts';
import { homeRules } from './home.ts';
import { makeNamespace, removeNamespace } from './namespaces.ts';
import { tool } from './tools.ts';
import { TRAFFIC_RULES } from './traffic.ts';

/** The tools that topologies are built with, and others that single tests need, by the Debian packages that hold them. */
const PACKAGES = {
  ip: 'iproute2',
  nft: 'nftables',
  turnserver: 'coturn',
  miniupnpd: 'miniupnpd-nftables',
} as const;

type Tool = keyof typeof PACKAGES;

/** Whether networks can be made here, and these tools are there as well; see `needs`. */
export async function needsNet(t: TestContext, ...tools: readonly Tool[]): Promise<boolean> {
  return (
    holds(t, 'network namespaces are of Linux', process.platform === 'linux') &&
    holds(t, 'only root can make network namespaces', process.getuid?.() === 0) &&
    (['ip', 'nft', ...tools] as const).every((tool) =>
      needs(t, `${tool} (Debian: ${PACKAGES[tool]})`, isInstalled(tool)),
    ) &&
    holds(t, `networks can't be made here: ${await obstacle()}`, (await obstacle()) === undefined)
  );
}

let tried: Promise<string | undefined> | undefined;

/** Why this kernel, or the container that this runs in, permits no such network; undefined where it does. */
function obstacle(): Promise<string | undefined> {
  tried ??= tryOut();
  return tried;
}

async function tryOut(): Promise<string | undefined> {
  let name: string | undefined;
  try {
    name = await makeNamespace('trial');
    await tool('ip', ['-n', name, 'link', 'add', 'trial', 'type', 'bridge']);
    await tool('ip', ['-n', name, 'link', 'add', 'one', 'type', 'veth', 'peer', 'name', 'other']);
    await tool('ip', ['netns', 'exec', name, 'nft', '-f', '-'], TRAFFIC_RULES);
    await tool('ip', ['netns', 'exec', name, 'nft', '-f', '-'], homeRules('preserving'));
    return undefined;
  } catch (error) {
    return String(error).replace(/\s+/g, ' ').trim();
  } finally {
    if (name !== undefined) await removeNamespace(name);
  }
}

/** Whether namespaces can be listed and removed here. */
export function canSweep(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0 && isInstalled('ip');
}

function isInstalled(tool: Tool): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, tool)));
}
