import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { tempFolder } from '../../support/temp-election.ts';
import { startDaemon } from './daemon.ts';
import type { PublicHost } from './internet.ts';

/** The port of STUN (RFC 8489). */
export const STUN_PORT = 3478;

/** Has a computer of the internet tell whoever asks by which address and port it is seen. */
export async function startStun(t: TestContext, { node, line }: PublicHost): Promise<void> {
  const { ip4, ip6 } = line.addresses;
  const own = [
    ...(line.families.ip4 ? ['--listening-ip', ip4] : []),
    ...(line.families.ip6 ? ['--listening-ip', ip6] : []),
  ];
  const folder = await tempFolder(t);
  const files = ['--userdb', join(folder, 'users'), '--pidfile', join(folder, 'pid'), '--log-file', 'stdout'];
  const argv = ['turnserver', '--stun-only', '--no-cli', '--no-tls', '--no-dtls', ...files, ...own];
  // "-n": whatever configuration the system has for it is not for this. It keeps its words to itself where they go into a pipe.
  await startDaemon(t, node, ['stdbuf', '-oL', ...argv, '-n'], /Total General servers/);
}
