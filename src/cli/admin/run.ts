import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ForwardingEvent,
  type PsephosNode,
  type RelayEvent,
  type RelayTarget,
  type StunServer,
  parseRelays,
  peerIdOf,
  startNode,
  dialableFirst,
} from '../../net/index.ts';
import { serveControl } from '../../net/control-socket.ts';
import { Caretaker } from '../../services/caretaker.ts';
import { ElectionNode } from '../../services/election-node.ts';
import type { StationEvent } from '../../services/events.ts';
import { EnrolmentDesk } from '../../services/enrolment-desk.ts';
import { PollingStation } from '../../services/polling-station.ts';
import { proofPool } from '../../services/proofs/pool.ts';
import { signaturePool } from '../../services/signatures/pool.ts';
import { TrusteeDesk } from '../../services/trustee-desk.ts';
import { WitnessDesk } from '../../services/witness-desk.ts';
import { writeBallotChecks } from '../../store/ballot-check-file.ts';
import { electionExists } from '../../store/level-db.ts';
import { type DiscoveryFlags, readBootstrap, worthDialling } from '../discovery.ts';
import { type ListenOptions, startListening } from '../listening.ts';
import { showProgress } from '../progress.ts';
import { type PunchFlags, expectRelay, punchFrom } from '../punching.ts';
import { announceAddresses, announceElection } from './announce.ts';
import { Announcer } from './announcer.ts';
import { commandSchema, countClosed, execute } from './commands.ts';
import { confirmHistory } from './confirm-history.ts';
import { guardHistory } from './history-guard.ts';
import { reportResults } from './report-results.ts';
import type { Surroundings } from './dispatch.ts';
import { type OpenElection, openElection, systemClock, throwIfInterrupted } from './election-folder.ts';

import { printReports } from './output.ts';
import { ReachWatch } from './reach-watch.ts';
import { inviteFor } from './reachability.ts';
import type { Live, ObserverStanding } from './reports.ts';
import { makeSample } from './sample.ts';
import { refusedCommand } from './refused-command.ts';
import { keepEvidence } from './evidence.ts';
import { AlarmFiles, keptForks } from '../observer/alarms.ts';
import { answerWithOwnKeys } from './trustees.ts';

export interface RunOptions extends ListenOptions, DiscoveryFlags {
  /** Addresses of relays through which the node can be reached as well. */
  readonly relays: readonly string[];
  /** Whether voters in the same network are answered who look for an election there. */
  readonly lan: boolean;
  /** Whether voters who come through a relay are helped to a direct way. */
  readonly punching: PunchFlags;
  /** Whether the router is asked to forward the port. */
  readonly upnp: boolean;
  readonly qr: boolean;
  /** Hours between two calls to the trustees while a round is open. */
  readonly askTrusteesEvery: number;
  /** Whether a restored log is taken for whole where nobody can be asked. */
  readonly trustCopy: boolean;
}

const DEFAULT_PORT = 4000;
const TICK = 1000;
const HOUR = 3_600_000;
/** How many ticks between looks at the machine's addresses: a laptop's change whenever it reconnects. */
const ADDRESSES_EVERY = 5;
/** Between two invites that differ in the observers alone, in ms: they come and go. */
const INVITES_APART = 60_000;
/** How many ticks between writes of what voters' programs found. */
const CHECKS_EVERY = 3;

/**
 * Runs the election in the data folder (the sample election, if it holds none) until the signal is aborted; then
 * finishes what is in flight and closes everything.
 */
export async function run(surroundings: Surroundings, options: RunOptions): Promise<void> {
  const relays = parseRelays(options.relays);
  const bootstrap = readBootstrap(options.bootstrap);
  expectRelay(options.punching, options.relays);
  const reach = { relays, ...(await punchFrom(options.punching)) };
  const { place, io, output } = surroundings;
  if (!(await electionExists(place.data))) {
    output.say(`There is no election in ${place.data}: making the sample election.`);
    await makeSample(place, io.signal);
  }
  const announcer = new Announcer(output, () => Date.now());
  const background = new Background(announcer.resultsNotWritten);
  const alarms = new AlarmFiles(place.data, {
    note: (text) => {
      output.warn(text.trimEnd());
    },
    emit: (event) => {
      output.emit(event);
    },
  });
  const onEvent = (event: StationEvent) => {
    announcer.tell(event);
    if (event.type === 'round-closed')
      background.add(() => countClosed(election, printReports(output, place.data), event.round));
    if (event.type === 'decryption-taken' && event.missing === null)
      background.add(() => reportResults(election, printReports(output, place.data), event.round));
    if (event.type === 'trustees-called' || event.type === 'trustees-made')
      background.add(() => answerWithOwnKeys(election), announcer.notDone);
    if (event.type === 'fork' || event.type === 'unknown-history' || event.type === 'store-resumed')
      alarms.note(event);
    if (event.type === 'trustee-refused' && event.evidence !== null) {
      const { evidence } = event;
      background.add(async () => {
        const path = await keepEvidence(place.data, evidence);
        if (path !== undefined) output.warn(`What shows it: ${path}`);
      }, announcer.notDone);
    }
  };
  const progress = showProgress(io, 'Reading the log, entries');
  const onProgress = (done: number) => {
    throwIfInterrupted(io.signal);
    progress.update(done);
  };
  const election = await openElection(place, { needsKey: true, onEvent, onProgress }).finally(progress.stop);
  try {
    await confirmHistory(surroundings, election, options);
    // A power cut may have come between a result and its files.
    background.add(() => reportResults(election, () => Promise.resolve()));
    background.add(() => answerWithOwnKeys(election), announcer.notDone);
    await serve(surroundings, options, { election, announcer, onEvent, background, reach, bootstrap });
  } finally {
    background.add(() => saveChecks(election), announcer.notDone);
    await background.settled();
    await alarms.settled();
    await election.log.close();
  }
  output.say('Everything is on disk. Goodbye.');
  output.emit({ event: 'stopped' });
}

interface Running {
  readonly election: OpenElection;
  readonly announcer: Announcer;
  readonly onEvent: (event: StationEvent) => void;
  readonly background: Background;
  readonly reach: Reach;
  readonly bootstrap: readonly string[];
}

/** How voters get here who can't dial this computer. */
interface Reach {
  readonly relays: readonly RelayTarget[];
  readonly punch?: { readonly stun: readonly StunServer[] };
}

async function serve(surroundings: Surroundings, options: RunOptions, running: Running): Promise<void> {
  const { place, output } = surroundings;
  const { election, announcer, onEvent, background, reach, bootstrap } = running;
  const { relays, ...punching } = reach;
  const { log, organiser, seed } = election;
  if (seed === undefined) throw new Error('an election opened for running has no key');
  const verifier = signaturePool();
  const proofs = log.genesis.policy.secrecy === 'sealed' ? proofPool() : undefined;
  const station = new PollingStation(log, onEvent, {
    verifier,
    ...(proofs === undefined ? {} : { proofs }),
  });
  organiser.closeSettled((close) => station.settled(close));
  const onDefect = (error: unknown) => {
    onEvent({ type: 'defect', error });
  };
  const trustees = new TrusteeDesk(log, organiser, onEvent);
  const enrolments = new EnrolmentDesk(log, onEvent);
  const witness: WitnessDesk = new WitnessDesk({
    log,
    clock: systemClock,
    checks: election.checks,
    isAuthority: true,
    onEvent: (event) => {
      const observers = () => witness.observers.map(({ address }) => address.addresses);
      const afterwards = guardHistory(event, election, observers);
      onEvent(event);
      if (afterwards !== undefined) background.add(afterwards, announcer.notDone);
    },
  });
  for (const evidence of await keptForks(place.data)) witness.takeEvidence(evidence);
  const service = new ElectionNode(log, { station, enrolments, trustees, witness }, () => systemClock.now());
  let own: () => readonly string[] = () => [];
  const entryPoints = () => [
    ...bootstrap,
    ...worthDialling(
      // Every machine has the loopback addresses: they say of no network that it is the same.
      dialableFirst(own()),
      witness.observers.map(({ address }) => address),
    ),
  ];
  let onReachChange = (): void => undefined;
  const tellRelay = (event: RelayEvent): void => {
    announcer.tellRelay(event);
    if (event.type === 'relay-held') onReachChange();
  };
  const tellForwarding = (event: ForwardingEvent): void => {
    announcer.tellForwarding(event);
    onReachChange();
  };
  const node = await startListening(options, DEFAULT_PORT, (listen) =>
    startNode({
      seed,
      listen,
      service,
      onDefect,
      ...(relays.length === 0 ? {} : { relays: { targets: relays, onEvent: tellRelay } }),
      ...(options.dht ? { discovery: { electionId: log.electionId, entryPoints } } : {}),
      ...punching,
      ...(options.upnp ? { onForwarding: tellForwarding } : {}),
    }),
  );
  own = () => node.addresses();
  const stopAnswering = options.lan ? await answerInNetwork(own, output) : undefined;
  try {
    for (const { address, reason } of node.failedAddresses)
      output.warn(`Not listening on ${address}: ${reason}.`);
    const reachWatch = new ReachWatch({
      node,
      output,
      hasRelays: relays.length > 0,
      observers: () => witness.observers.map(({ address }) => address.addresses),
      now: () => systemClock.now(),
      signal: surroundings.io.signal,
    });
    onReachChange = reachWatch.soon;
    const live = (): Live => ({
      addresses: node.addresses(),
      invite: inviteFor(
        { peerId: node.peerId, electionId: log.electionId },
        node.addresses(),
        witness.observers.map(({ address }) => address),
      ),
      refused: announcer.refused,
      observers: observersKnown(witness),
      reach: reachWatch.findings,
    });
    const control = await serveControl({
      folder: place.data,
      onDefect,
      handle: async ({ command, args }, send) => {
        const read = commandSchema.safeParse({ command, args });
        if (!read.success) throw refusedCommand(read.error);
        await execute(election, read.data, { emit: send, live, onProgress: () => undefined });
      },
    });
    try {
      await announceElection(surroundings, election, live(), { qr: options.qr });
      const caretaker = new Caretaker({
        log,
        organiser,
        clock: systemClock,
        onEvent,
        askTrusteesEvery: options.askTrusteesEvery * HOUR,
      });
      await tickUntilStopped(surroundings, options, {
        node,
        live,
        announcer,
        caretaker,
        reachWatch,
        saveChecks: () => {
          background.add(() => saveChecks(election), announcer.notDone);
        },
      });
      output.say('Stopping: no more ballots are taken, those under way are finished.');
    } finally {
      await station.stop();
      await verifier.close();
      await proofs?.close();
      await reachWatch.settled();
      await control.close();
    }
  } finally {
    await stopAnswering?.();
    await node.stop();
  }
  announcer.tellRefusals();
}

async function answerInNetwork(
  addresses: () => readonly string[],
  output: Surroundings['output'],
): Promise<() => Promise<void>> {
  // Loaded by those alone who want it.
  const { answerOnLan } = await import('../../net/discovery/lan.ts');
  return answerOnLan(addresses, (error) => {
    output.warn(`Voters who look for this election in the same network may not find it: ${error.message}.`);
  });
}

interface Ticking {
  readonly node: PsephosNode;
  readonly live: () => Live;
  readonly announcer: Announcer;
  readonly caretaker: Caretaker;
  readonly reachWatch: ReachWatch;
  readonly saveChecks: () => void;
}

async function tickUntilStopped(
  { io, output }: Surroundings,
  { qr, dht }: RunOptions,
  ticking: Ticking,
): Promise<void> {
  const { node, live, announcer, caretaker, reachWatch, saveChecks } = ticking;
  let known = node.addresses().join();
  let invite = live().invite;
  let nextInvite = 0;
  for (let tick = 1; !io.signal.aborted; tick++) {
    await caretaker.tick();
    announcer.tellRefusals();
    if (tick % ADDRESSES_EVERY === 0 && node.addresses().join() !== known) {
      known = node.addresses().join();
      output.say(
        'The addresses where this election can be reached have changed. Give voters the new invite.' +
          (dht ? ' Who has an earlier one asks the relays and observers in it where you are now.' : ''),
      );
      await announceAddresses({ io, output }, live(), { qr });
      invite = live().invite;
      reachWatch.soon();
    } else if (tick % ADDRESSES_EVERY === 0 && live().invite !== invite && systemClock.now() >= nextInvite) {
      invite = live().invite;
      nextInvite = systemClock.now() + INVITES_APART;
      output.emit({ event: 'invite', invite });
      output.say(
        `The invite names observers now, with whom voters' programs compare notes; earlier invites stay good:\n\n  ${invite}\n`,
      );
    }
    if (tick % CHECKS_EVERY === 0) saveChecks();
    reachWatch.tick();
    await sleep(TICK, undefined, { signal: io.signal }).catch(() => {
      // Aborted: the loop's condition ends it.
    });
  }
}

async function saveChecks({ place, checks }: OpenElection): Promise<void> {
  const counts = checks.takeChanges();
  if (counts !== undefined) await writeBallotChecks(place.data, counts);
}

function observersKnown({ observers }: WitnessDesk): ObserverStanding[] {
  return observers.map(({ address, cosigned }) => ({
    peerId: peerIdOf(address.key),
    address: address.addresses[0] ?? '',
    size: cosigned.size,
    time: cosigned.cosignature.time * 1000,
  }));
}

/** Work that an event starts and that nobody waits for at once: one after another; a failure is told, never thrown. */
class Background {
  readonly #tell: (error: unknown) => void;
  #tail: Promise<void> = Promise.resolve();

  constructor(tell: (error: unknown) => void) {
    this.#tell = tell;
  }

  add(work: () => Promise<void>, tell = this.#tell): void {
    this.#tail = this.#tail.then(work).catch(tell);
  }

  async settled(): Promise<void> {
    await this.#tail;
  }
}
