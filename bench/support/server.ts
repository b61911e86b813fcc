/**
 * The node under load, as a process of its own: a whole polling station on a real store, and beside it a bare echo on
 * the same libp2p host. Speaks to the bench through its IPC channel.
 */
import { encodeTrustees } from '#src/belenios/v1/encoding/trustees.js';
import { generateTrustee } from '#src/belenios/v1/trustees.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { parseDecimal } from '#src/log/checkpoint.js';
import { parseRelays } from '#src/net/circuit/relay-target.js';
import { startNode } from '#src/net/node.js';
import { createElection } from '#src/services/create-election.js';
import { ElectionLog } from '#src/services/election-log.js';
import { ElectionNode } from '#src/services/election-node.js';
import { EnrolmentDesk } from '#src/services/enrolment-desk.js';
import { Organiser } from '#src/services/organiser.js';
import { platformRandom } from '#src/services/platform-random.js';
import { PollingStation } from '#src/services/polling-station.js';
import { TrusteeDesk } from '#src/services/trustee-desk.js';
import { proofPool } from '#src/services/proofs/pool.js';
import { signaturePool } from '#src/services/signatures/pool.js';
import { openLevelStore } from '#src/store/level-store.js';
import { AUTHORITY, QUESTION } from '../../test/support/temp-election.ts';
import { serveEcho } from './echo.ts';
import { FIVE_ANSWERS } from './questions.ts';
import { benchKeys } from './keys.ts';
import { witnessDesk } from '../../test/support/witness.ts';

const [folder, voters, secrecy, relay] = process.argv.slice(2);
const count = parseDecimal(voters ?? '');
if (folder === undefined || count === undefined || (secrecy !== 'open' && secrecy !== 'sealed'))
  throw new Error('usage: server.js FOLDER VOTERS open|sealed [RELAY]');

const ignore = () => undefined;
const log = await ElectionLog.open({
  openStore: () => openLevelStore(folder, { create: true, program: 'bench' }),
  loadSeed: () => Promise.resolve(AUTHORITY),
  clock: { now: () => Date.now() },
  onEvent: ignore,
  onProgress: ignore,
});
await createElection(
  log,
  {
    uuid: '01234567-89ab-4cde-8f01-23456789abcd',
    title: 'Bench',
    description: '',
    policy: { secrecy, revote: 'last', names: 'public' },
    ...(secrecy === 'sealed'
      ? { trustees: encodeTrustees([{ kind: 'Single', key: generateTrustee(platformRandom).publicKey }]) }
      : {}),
    voters: benchKeys(count).map(({ publicKey }, index) => ({
      name: `voter${index}`,
      key: publicKey,
      weight: 1,
    })),
    firstRound: {
      title: 'Round',
      questions: [secrecy === 'sealed' ? FIVE_ANSWERS : QUESTION],
      opens: null,
      closes: null,
    },
  },
  AUTHORITY,
  ignore,
);
const organiser = new Organiser(log, ignore);
await organiser.open({ untested: true });
const verifier = signaturePool();
const proofs = secrecy === 'sealed' ? proofPool() : undefined;
const station = new PollingStation(log, ignore, {
  verifier,
  ...(proofs === undefined ? {} : { proofs }),
});
organiser.closeSettled((close) => station.settled(close));
const node = await startNode({
  seed: AUTHORITY,
  listen: [{ address: '/ip6/::1/tcp/0' }],
  service: new ElectionNode(
    log,
    {
      station,
      enrolments: new EnrolmentDesk(log, ignore),
      trustees: new TrusteeDesk(log, organiser, ignore),
      witness: witnessDesk(log),
    },
    () => Date.now(),
  ),
  onDefect: (error) => {
    throw error;
  },
  ...(relay === undefined ? {} : { relays: { targets: parseRelays([relay]), onEvent: ignore } }),
});
const echo = await serveEcho();

export interface ServerReady {
  readonly address: string;
  /** Through the relay, if there is one. */
  readonly through: string;
  readonly echo: string;
  readonly authority: string;
}
export interface ServerUsage {
  /** CPU seconds of the process so far, and resident bytes now. */
  readonly cpu: number;
  readonly rss: number;
}

process.on('message', (question) => {
  if (question === 'usage') {
    globalThis.gc?.();
    const { user, system } = process.cpuUsage();
    const usage: ServerUsage = { cpu: (user + system) / 1e6, rss: process.memoryUsage.rss() };
    process.send?.(usage);
  } else {
    void station
      .stop()
      .then(() => verifier.close())
      .then(() => proofs?.close())
      .then(() => node.stop())
      .then(() => echo.stop())
      .then(() => log.close())
      .then(() => {
        process.disconnect();
      });
  }
});
const ready: ServerReady = {
  address: node.addresses()[0] ?? '',
  through: node.addresses().find((address) => address.includes('/p2p-circuit/')) ?? '',
  echo: echo.address,
  authority: Buffer.from(publicKeyOf(AUTHORITY)).toString('hex'),
};
process.send?.(ready);
