import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createChecker } from '../../audit/worker-pool.ts';
import { refused, unusable } from '../../base/errors.ts';
import { fingerprint } from '../../crypto/credential.ts';
import { peerIdText } from '../../crypto/peer-id.ts';
import {
  type DialledPeer,
  type RelayTarget,
  type RelayingInit,
  type StunServer,
  dialPeer,
  dialableFirst,
  parseDialTarget,
  parseRelays,
  startNode,
} from '../../net/index.ts';
import { serveControl } from '../../net/control-socket.ts';
import { BallotChecks } from '../../services/ballot-checks.ts';
import type { LogCopy } from '../../services/log-copy.ts';
import { Observer } from '../../services/observer.ts';
import type { ObserverEvent } from '../../services/observing/events.ts';
import { type KnownGenesis, knownGenesis } from '../../services/observing/known-genesis.ts';
import { Sources } from '../../services/observing/sources.ts';
import { ServedLog } from '../../services/served-log.ts';
import { MAX_OBSERVER_ADDRESSES } from '../../services/witness-limits.ts';
import type { KeyPair } from '../../store/key-files.ts';
import type { Console } from '../console.ts';
import { type DiscoveryFlags, readBootstrap, worthDialling } from '../discovery.ts';
import type { Io } from '../io.ts';
import { startListening } from '../listening.ts';
import { programLine, quotePath } from '../program-line.ts';
import { showProgress } from '../progress.ts';
import { type PunchFlags, expectRelay, punchFrom } from '../punching.ts';
import { AlarmFiles, keptForks } from './alarms.ts';
import { Authority } from './authority.ts';
import { ObserverAnnouncer } from './announcer.ts';
import { type Pins, electionOf, expectElection, readPins } from './first-contact.ts';
import { type Settings, keepSettings, openCopy, readSettings, systemClock, takeKey } from './folder.ts';
import { statusOf } from './status.ts';

export interface RunFlags extends DiscoveryFlags, PunchFlags {
  readonly data: string;
  readonly dial: readonly string[];
  readonly election?: string;
  readonly fingerprint?: string;
  readonly observer: readonly string[];
  readonly listen: readonly string[];
  readonly ip6Only?: true;
  readonly relay: readonly string[];
  /** Whether voters can come through the observer to the organiser. */
  readonly asRelay?: true;
}

const DEFAULT_PORT = 4001;
/** Retries of one request before another source is tried. */
const RETRIES = 2;

/** Observes an election until the signal is aborted. Throws `alarm` at the end where the authority did what it must not do. */
export async function run(flags: RunFlags, io: Io, out: Console): Promise<void> {
  // Each connection listens to it, and an observer has one to each of the others.
  setMaxListeners(0, io.signal);
  const relays = parseRelays(flags.relay);
  const bootstrap = readBootstrap(flags.bootstrap);
  expectRelay(flags, flags.relay);
  const { punch } = await punchFrom(flags);
  const settings = await settingsFrom(flags);
  const pins = readPins({ ...flags, dial: settings.dial });
  const key = await takeKey(flags.data);
  const progress = showProgress(io, 'Reading the copy, entries');
  const copy = await openCopy(flags.data, progress.update).finally(progress.stop);
  try {
    const dial = (address: string) => dialFrom(address, io, { entryPoints: () => bootstrap, punch });
    const genesis = await whatIsObserved(copy, pins, settings, dial, out);
    await keepSettings(flags.data, settings);
    await observe({ flags, settings, bootstrap, relays, punch, key, copy, genesis }, io, out);
  } finally {
    await copy.close();
  }
}

async function settingsFrom(flags: RunFlags): Promise<Settings> {
  const before = await readSettings(flags.data);
  const dial = flags.dial.length > 0 ? flags.dial : (before?.dial ?? []);
  if (dial.length === 0) {
    throw unusable('no-source', `Nothing says which election to observe, and ${flags.data} holds none.`, {
      hint: "Name the organiser's invite or address with --dial.",
    });
  }
  const observers = flags.observer.length > 0 ? flags.observer : (before?.observers ?? []);
  for (const address of observers) {
    if (parseDialTarget(address).peerId === undefined) {
      throw unusable(
        'bad-address',
        `The observer's address ${address} does not end in /p2p/ and its peer id.`,
        {
          hint: 'Copy it again, in full: an observer prints it when it starts.',
        },
      );
    }
  }
  return { dial, observers };
}

/** The election in the copy, or the one that the first peer that answers shows. */
async function whatIsObserved(
  copy: LogCopy,
  pins: Pins,
  settings: Settings,
  dial: (address: string) => Promise<DialledPeer>,
  out: Console,
): Promise<KnownGenesis> {
  const first = await copy.store.entry(0);
  if (first !== undefined) {
    const genesis = knownGenesis(first);
    expectElection(genesis, pins);
    return genesis;
  }
  let failure: unknown;
  for (const address of settings.dial) {
    let client: DialledPeer | undefined;
    try {
      client = await out.during(`Connecting to ${address}`, () => dial(address));
      const { genesis, pinned } = await electionOf(client, pins);
      out.say(`Observing "${genesis.entry.title}", fingerprint ${fingerprint(genesis.electionId)}.\n`);
      if (!pinned) {
        out.note(
          'WARNING: nothing says that this is the election you mean. Compare the fingerprint with what the organiser says aloud.\n',
        );
      }
      return genesis;
    } catch (error) {
      failure = error;
    } finally {
      await client?.close();
    }
  }
  throw failure;
}

function dialFrom(
  address: string,
  { signal }: Io,
  { entryPoints, punch }: { readonly entryPoints: () => readonly string[]; readonly punch: Punching },
): Promise<DialledPeer> {
  const options = { signal, retries: RETRIES, entryPoints, ...(punch === undefined ? {} : { punch }) };
  return dialPeer(parseDialTarget(address), options);
}

/** STUN servers where direct ways are to be looked for. */
type Punching = { readonly stun: readonly StunServer[] } | undefined;

interface Observed {
  readonly flags: RunFlags;
  readonly settings: Settings;
  readonly bootstrap: readonly string[];
  readonly relays: readonly RelayTarget[];
  readonly punch: Punching;
  readonly key: KeyPair;
  readonly copy: LogCopy;
  readonly genesis: KnownGenesis;
}

async function observe(observed: Observed, io: Io, out: Console): Promise<void> {
  const { flags, settings, bootstrap, relays, punch, key, copy, genesis } = observed;
  const announcer = new ObserverAnnouncer(out);
  const alarmFiles = new AlarmFiles(flags.data, out);
  const onEvent = (event: ObserverEvent) => {
    announcer.tell(event);
    alarmFiles.note(event);
  };
  let addresses: () => readonly string[] = () => [];
  let askable: () => readonly string[] = () => [];
  const heard = (): string[] =>
    worthDialling(
      addresses(),
      observer.desk.observers.map(({ address }) => address),
    );
  const authority = new Authority(peerIdText(genesis.entry.authority));
  // What others told this observer's own node, that node knows.
  const dial = async (address: string): Promise<DialledPeer> =>
    authority.note(
      await dialFrom(address, io, { entryPoints: () => [...askable(), ...bootstrap, ...heard()], punch }),
    );
  const progress = showProgress(io, 'Checking the copy, entries', copy.head.size);
  const observer: Observer = await Observer.begin({
    copy,
    genesis,
    key,
    makeChecker: createChecker,
    sources: new Sources({
      named: settings.dial,
      dial,
      genesis,
      clock: systemClock,
      pause,
    }),
    companions: settings.observers,
    checks: new BallotChecks(),
    addresses: () => addresses(),
    clock: systemClock,
    pause,
    onEvent,
    onProgress: progress.update,
  }).finally(progress.stop);
  // An empty copy is of no election yet.
  const kept = copy.head.size > 0 ? await keptForks(flags.data) : [];
  for (const evidence of kept) observer.desk.takeEvidence(evidence);
  const service = new ServedLog(copy, observer.desk, () => systemClock.now());
  const onDefect = (error: unknown) => {
    onEvent({ type: 'defect', error });
  };
  const named = settings.dial.flatMap(withPeerId);
  let sayMoved = (): void => undefined;
  const node = await startListening(
    { listen: flags.listen, ip6Only: flags.ip6Only === true },
    DEFAULT_PORT,
    (listen) =>
      startNode({
        seed: key.seed,
        listen,
        service,
        onDefect,
        dialsBack: true,
        ...(relays.length === 0 ? {} : { relays: { targets: relays, onEvent: announcer.tellRelay } }),
        ...(flags.dht
          ? {
              discovery: {
                electionId: genesis.electionId,
                entryPoints: () => [...bootstrap, ...named, ...heard()],
                onPeer: authority.isAt,
                onMoved: () => {
                  sayMoved();
                },
              },
            }
          : {}),
        ...(punch === undefined ? {} : { punch }),
        ...(flags.asRelay === true ? { relaying: relayingFor(genesis, announcer) } : {}),
      }),
  );
  try {
    if (flags.dht) askable = () => node.addresses();
    addresses = () => dialableFirst(node.addresses()).slice(0, MAX_OBSERVER_ADDRESSES);
    for (const failed of node.failedAddresses)
      out.note(`Not listening on ${failed.address}: ${failed.reason}.\n`);
    const own = () => ({ peerId: node.peerId, addresses: node.addresses() });
    const control = await serveControl({
      folder: flags.data,
      onDefect,
      handle: async (_request, send) => {
        await send(statusOf(copy, observer, own()));
      },
    });
    try {
      announce(out, 'running', own());
      sayMoved = () => {
        out.say('The addresses of this observer have changed.\n');
        announce(out, 'addresses', own());
      };
      await observer.run(io.signal);
    } finally {
      await control.close();
    }
  } finally {
    await node.stop();
    await alarmFiles.settled();
  }
  out.say('Everything is on disk. Goodbye.\n');
  if (observer.alarms.length > 0) {
    throw refused('alarm', 'The authority of this election did what it must not do, see above.', {
      hint: `What shows it is in ${quotePath(flags.data)}/alarms: show it to others. "${programLine('verify-log')} --evidence FILE" confirms it.`,
    });
  }
}

/** Voters come through here to the authority, and to nobody else. */
function relayingFor({ entry }: KnownGenesis, announcer: ObserverAnnouncer): RelayingInit {
  const authority = peerIdText(entry.authority);
  return {
    admits: ({ peerId }) => Promise.resolve(peerId === authority),
    onReservation: (_peerId, held) => {
      announcer.tellReservation(held);
    },
  };
}

function announce(
  out: Console,
  event: 'running' | 'addresses',
  own: { readonly peerId: string; readonly addresses: readonly string[] },
): void {
  out.emit({ event, ...own });
  const addresses = dialableFirst(own.addresses).map((address) => `  ${address}`);
  out.say(
    `Voters and auditors can read the election here, and other observers compare notes:\n\n${addresses.join('\n')}\n\n`,
  );
}

/** Multiaddrs that end in the peer id, where an address or invite names one. */
function withPeerId(text: string): string[] {
  const { addresses, peerId } = parseDialTarget(text);
  return peerId === undefined ? [] : addresses.map((address) => `${address}/p2p/${peerId}`);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {
    // Aborted: whoever pauses looks at the signal.
  });
}
