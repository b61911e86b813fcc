/** A relay that serves anybody, as a process of its own. Speaks to the bench through its IPC channel, as `server.ts` does. */
import { startRelay } from '#src/net/relay-node.js';
import { benchSeed } from './keys.ts';

export interface RelayReady {
  readonly address: string;
}
export interface RelayUsage {
  /** CPU seconds of the process so far, and bytes passed on, both ways. */
  readonly cpu: number;
  readonly bytes: number;
}

const relay = await startRelay({
  seed: benchSeed(0),
  listen: [{ address: '/ip6/::1/tcp/0' }],
  admits: () => Promise.resolve(true),
  onReservation: () => undefined,
  onDefect: (error) => {
    throw error;
  },
  // All voters of a bench come from one address.
  limits: { relayedPerHost: 1_024 },
});
process.on('message', (question) => {
  if (question === 'usage') {
    const { user, system } = process.cpuUsage();
    const usage: RelayUsage = { cpu: (user + system) / 1e6, bytes: relay.figures().bytes };
    process.send?.(usage);
    return;
  }
  void relay.stop().then(() => {
    process.disconnect();
  });
});
const ready: RelayReady = { address: relay.addresses()[0] ?? '' };
process.send?.(ready);
