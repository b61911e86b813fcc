import { randomBytes, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { refused } from '../../base/errors.ts';
import { DEFAULT_KDF, fingerprint } from '../../crypto/credential.ts';
import { publicKeyOf } from '../../crypto/signature.ts';
import type { Policy, Voter } from '../../election/entries.ts';
import type { Registration } from '../../election/registration.ts';
import { encodeTrustees } from '../../belenios/v1/encoding/trustees.ts';
import type { TrusteePublicKey } from '../../belenios/v1/messages.ts';
import { trusteePublicKey } from '../../belenios/v1/trustees.ts';
import { scalarOfSeed } from '../../crypto/group/seed.ts';
import { createElection } from '../../services/create-election.ts';
import { ElectionLog } from '../../services/election-log.ts';
import { platformRandom } from '../../services/platform-random.ts';
import { Organiser } from '../../services/organiser.ts';
import type { DraftRound } from '../../services/ports.ts';
import { makeFolder, removeStaleTemporaries, syncFolder } from '../../store/files.ts';
import { writeKeyFile } from '../../store/key-files.ts';
import { electionExists } from '../../store/level-db.ts';
import { openLevelStore } from '../../store/level-store.ts';
import { type Credential, makeCredentials, writeCredentials } from '../credentials/credentials.ts';
import { PROGRAM, type Place, adminKeyFile, systemClock } from './election-folder.ts';
import { type Invitations, type WishedTrustees, makeInvitations, writeInvitations } from './invitations.ts';
import type { ListedVoter } from '../credentials/roll-file.ts';
import { ownTrusteeKeyFile } from './trustee-keys.ts';
import { expectFreeFolder, moveToPlace, newWorkFolder } from '../work-folder.ts';

export interface NewElection {
  readonly title: string;
  readonly description: string;
  readonly policy: Policy;
  /** Of a sealed election; where there are none the organiser becomes the only one. */
  readonly trustees: readonly TrusteePublicKey[];
  /** Those who are yet to make their keys together, in place of any other. */
  readonly invited: WishedTrustees | undefined;
  readonly listed: readonly ListedVoter[];
  /** Where a registrar made the roll: what it signed, which `listed` repeats, all with keys. */
  readonly registration?: Registration;
  readonly firstRound: DraftRound;
  /** Whether the first round opens at once. */
  readonly open: boolean;
  /** Whether to open it although too few trustees have shown that they could decrypt. */
  readonly untested: boolean;
  /** Where voters will dial, for the sheets; undefined leaves a space. */
  readonly address: string | undefined;
}

export interface MadeElection {
  readonly uuid: string;
  readonly electionId: string;
  readonly fingerprint: string;
  readonly keyFile: string;
  /** Where the organiser is the trustee: the key that decrypts. */
  readonly trusteeKeyFile: string | undefined;
  /** Files for the voters, by name within the data folder's `credentials`. */
  readonly credentialFiles: readonly string[];
  readonly credentials: readonly Credential[];
  /** Invitations of trustees, by name within the data folder's `invitations`. */
  readonly invitationFiles: readonly string[];
}

export interface InitHow {
  /** Told how many credentials are made, and how many voters are on the roll. */
  readonly onCredentials: (done: number) => void;
  readonly onRoll: (done: number) => void;
  readonly signal: AbortSignal;
  /** Adds to the data folder before it gets its name. */
  readonly finish?: (folder: string, made: { readonly uuid: string }) => Promise<void>;
}

/**
 * Makes an election: log, credentials and the organiser's key. The data folder is built under another name and moved
 * to its place at the end, so that whenever the power goes there is either a whole election or none. Throws
 * `election-exists`, `folder-not-empty`, `interrupted`, `bad-setup`, or the file system's refusal.
 */
export async function initElection(place: Place, wish: NewElection, how: InitHow): Promise<MadeElection> {
  const data = resolve(place.data);
  await expectFree(data, place.data);
  const { uuid, kdf } = wish.registration ?? { uuid: randomUUID(), kdf: DEFAULT_KDF };
  const keyFile = adminKeyFile(place.keys, uuid);
  const seed = new Uint8Array(randomBytes(32));
  const own = ownTrustee(place, wish, uuid);
  const made = await makeCredentials(
    wish.listed,
    { uuid, kdf },
    { random: randomBytes, onProgress: how.onCredentials, signal: how.signal },
  );
  const work = await newWorkFolder(data);
  const written: string[] = [];
  try {
    const invitations = wish.invited && makeInvitations(wish.invited);
    const sealing: Sealing =
      invitations === undefined
        ? { trustees: trusteesText(wish, own), own }
        : { ceremony: invitations.start };
    const electionId = await writeLog(work, wish, { uuid, seed, voters: made.voters, sealing }, how.onRoll);
    const short = fingerprint(electionId);
    const sheets = { title: wish.title, of: 'election', fingerprint: short, address: wish.address } as const;
    const credentialFiles = await writeCredentials(work, sheets, made.credentials);
    const invitationFiles = invitations === undefined ? [] : await writeInvitations(work, invitations);
    await how.finish?.(work, { uuid });
    await syncFolder(work);
    // The key comes before the election that needs it: a crash between the two leaves a key that opens nothing.
    await makeFolder(place.keys);
    await removeStaleTemporaries(place.keys);
    await writeKeyFile(keyFile, { role: 'admin', seed, publicKey: publicKeyOf(seed) });
    written.push(keyFile);
    if (own !== undefined) {
      const { file, seed: secret } = own;
      await writeKeyFile(file, { role: 'trustee', seed: secret, publicKey: publicKeyOf(secret) });
      written.push(file);
    }
    await moveToPlace(work, data, '--data');
    return {
      uuid,
      electionId,
      fingerprint: short,
      keyFile,
      trusteeKeyFile: own?.file,
      credentialFiles,
      credentials: made.credentials,
      invitationFiles,
    };
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    // Only what was made here: of one roll there may be another election, whose keys have the same names.
    for (const file of written) await rm(file, { force: true });
    throw error;
  }
}

/** How a new election gets its trustees: by keys that are there, or by a ceremony. Neither where ballots are open. */
interface Sealing {
  readonly trustees?: string | undefined;
  /** The organiser's, where that is the only one. */
  readonly own?: OwnTrusteeKey | undefined;
  readonly ceremony?: Invitations['start'];
}

interface OwnTrusteeKey {
  readonly file: string;
  readonly seed: Uint8Array;
}

/** The key of the organiser as the only trustee, where a sealed election has no other. */
function ownTrustee({ keys }: Place, wish: NewElection, uuid: string): OwnTrusteeKey | undefined {
  if (wish.policy.secrecy === 'open' || wish.trustees.length > 0 || wish.invited !== undefined)
    return undefined;
  return { file: ownTrusteeKeyFile(keys, uuid), seed: new Uint8Array(randomBytes(32)) };
}

function trusteesText(wish: NewElection, own: OwnTrusteeKey | undefined): string | undefined {
  if (wish.policy.secrecy === 'open') return undefined;
  const keys = own === undefined ? wish.trustees : [trusteePublicKey(scalarOfSeed(own.seed), platformRandom)];
  return encodeTrustees(keys.map((key) => ({ kind: 'Single', key })));
}

/** Throws where the data folder's place is taken; an empty folder is no obstacle. */
export async function expectFree(data: string, shown: string): Promise<void> {
  if (await electionExists(data)) {
    throw refused('election-exists', `There is an election in ${shown} already; it is left as it is.`, {
      hint: 'Name another folder with --data.',
    });
  }
  await expectFreeFolder(data, shown, '--data');
}

async function writeLog(
  folder: string,
  wish: NewElection,
  {
    uuid,
    seed,
    voters,
    sealing,
  }: {
    readonly uuid: string;
    readonly seed: Uint8Array;
    readonly voters: readonly Voter[];
    readonly sealing: Sealing;
  },
  onRoll: (done: number) => void,
): Promise<string> {
  const quiet = () => undefined;
  const log = await ElectionLog.open({
    openStore: () => openLevelStore(folder, { create: true, program: PROGRAM }),
    loadSeed: () => Promise.resolve(undefined),
    clock: systemClock,
    onEvent: quiet,
    onProgress: quiet,
  });
  try {
    const { title, description, policy, firstRound, registration } = wish;
    const registered = registration === undefined ? {} : registeredBy(registration);
    await createElection(
      log,
      {
        uuid,
        title,
        description,
        policy,
        voters,
        ...registered,
        trustees: sealing.trustees,
        ceremony: sealing.ceremony,
        firstRound,
      },
      seed,
      onRoll,
    );
    if (wish.open) await openFirst(new Organiser(log, quiet), sealing, wish.untested);
    return log.electionId;
  } finally {
    await log.close();
  }
}

/** Opens the first round; the organiser's own key shows first that it can decrypt. */
async function openFirst(organiser: Organiser, { own }: Sealing, untested: boolean): Promise<void> {
  if (own !== undefined) {
    await organiser.calls.call();
    await organiser.calls.answerWith([scalarOfSeed(own.seed)], platformRandom);
  }
  await organiser.open({ untested });
}

function registeredBy({ kdf, registrar: key, signature }: Registration) {
  return { kdf, registrar: { key, signature } };
}
