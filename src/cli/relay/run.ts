import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serveControl } from '../../net/control-socket.ts';
import { type RelayNode, describeReachability, dialableFirst, startRelay } from '../../net/index.ts';
import type { Console } from '../console.ts';
import { type DiscoveryFlags, readBootstrap } from '../discovery.ts';
import type { Io } from '../io.ts';
import { startListening } from '../listening.ts';
import { takeOwnKey } from '../own-key.ts';
import { programLine } from '../program-line.ts';
import { type Served, admits, readServed } from './admission.ts';
import { figuresText, servesText, statusOf } from './status.ts';

export interface RunFlags extends DiscoveryFlags {
  readonly data: string;
  readonly serve: readonly string[];
  readonly open?: true;
  readonly listen: readonly string[];
  readonly ip6Only?: true;
}

const DEFAULT_PORT = 4002;
const KEY_FILE = 'relay.key';
/** How often the figures are told, where they have changed. */
const FIGURES_EVERY_MS = 60_000;

/** Relays until the signal is aborted. */
export async function run(flags: RunFlags, io: Io, out: Console): Promise<void> {
  const served = readServed(flags.serve, flags.open === true);
  const entryPoints = readBootstrap(flags.bootstrap);
  const { seed } = await takeOwnKey(join(flags.data, KEY_FILE), 'relay');
  const onDefect = (error: unknown): void => {
    out.note(
      `This is a defect of Psephos, please report it (the relay goes on):\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    out.emit({ event: 'defect', message: String(error) });
  };
  const relay = await startListening(
    { listen: flags.listen, ip6Only: flags.ip6Only === true },
    DEFAULT_PORT,
    (listen) =>
      startRelay({
        seed,
        listen,
        admits: (applicant) => admits(served, applicant),
        onReservation: (peerId, held) => {
          // An open relay could be made to fill the terminal.
          if (!served.anybody) tellReservation(peerId, held, out);
        },
        onDefect,
        ...(flags.dht ? { discovery: { entryPoints } } : {}),
      }),
  );
  try {
    for (const failed of relay.failedAddresses)
      out.note(`Not listening on ${failed.address}: ${failed.reason}.\n`);
    const control = await serveControl({
      folder: flags.data,
      onDefect,
      handle: async (_request, send) => {
        await send(statusOf(relay, served));
      },
    });
    try {
      announce(relay, served, out);
      await tellFigures(relay, io.signal, out);
    } finally {
      await control.close();
    }
  } finally {
    await relay.stop();
  }
  out.say('Goodbye.\n');
}

function announce(relay: RelayNode, served: Served, out: Console): void {
  const { serves, addresses, peerId } = statusOf(relay, served);
  out.emit({ event: 'running', peerId, addresses, serves });
  out.say(
    `This relay serves ${servesText(serves)}.\nWhoever is to be reached through it types, to begin with:\n\n`,
  );
  const flags = forOrganisers(addresses).map((address) => ` --relay ${address}`);
  out.say(`  ${programLine('admin')}${flags.join('')}\n\n`);
  if (describeReachability(addresses).public.length === 0) {
    out.note(
      'WARNING: no address here is public, so that only who is in the same network can use this relay. Where the provider ' +
        'forwards a public address to this computer, put that one in its place.\n',
    );
  }
}

/** The best address of each family: voters may have only one of the two. */
function forOrganisers(addresses: readonly string[]): string[] {
  const best = dialableFirst(addresses);
  return ['/ip6/', '/ip4/'].flatMap((family) => best.find((address) => address.startsWith(family)) ?? []);
}

function tellReservation(peerId: string, held: boolean, out: Console): void {
  out.emit({ event: held ? 'reserved' : 'unreserved', peerId });
  out.say(
    held
      ? `${peerId} can be reached through here now.\n`
      : `${peerId} has gone: it can't be reached through here.\n`,
  );
}

async function tellFigures(relay: RelayNode, signal: AbortSignal, out: Console): Promise<void> {
  let told = '';
  while (!signal.aborted) {
    await sleep(FIGURES_EVERY_MS, undefined, { signal }).catch(() => {
      // Aborted: the figures are told for the last time.
    });
    const figures = relay.figures();
    const text = figuresText(figures);
    if (text === told) continue;
    told = text;
    out.say(`${text}.\n`);
    out.emit({ event: 'figures', ...figures });
  }
}
