/** A node that serves the log in a data folder for reading, as a process of its own; it ends when it is told to. */
import { startNode } from '#src/net/node.js';
import { LogCopy } from '#src/services/log-copy.js';
import { ServedLog } from '#src/services/served-log.js';
import { openLevelStore } from '#src/store/level-store.js';
import { witnessDesk } from '../../test/support/witness.ts';
import type { ServerReady, ServerUsage } from './server.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: log-server.js FOLDER');
const clock = { now: () => Date.now() };
const copy = await LogCopy.open({
  openStore: () => openLevelStore(folder, { create: false, program: 'bench' }),
  clock,
  onProgress: () => undefined,
});
const node = await startNode({
  listen: [{ address: '/ip6/::1/tcp/0' }],
  service: new ServedLog(copy, witnessDesk(copy, { isAuthority: false }), () => clock.now()),
  onDefect: (error) => {
    throw error;
  },
});
process.on('message', (question) => {
  if (question === 'usage') {
    const { user, system } = process.cpuUsage();
    const usage: ServerUsage = { cpu: (user + system) / 1e6, rss: process.memoryUsage.rss() };
    process.send?.(usage);
    return;
  }
  void node
    .stop()
    .then(() => copy.close())
    .then(() => {
      process.disconnect();
    });
});
const ready: ServerReady = {
  address: node.addresses()[0] ?? '',
  through: '',
  echo: '',
  authority: Buffer.from(copy.genesis.authority).toString('hex'),
};
process.send?.(ready);
