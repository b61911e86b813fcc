import { readAuthority } from '../../audit/authority.ts';
import type { LogSource } from '../../audit/source.ts';
import { equalBytes } from '../../base/bytes.ts';
import { PsephosError, refused, unusable, asError } from '../../base/errors.ts';
import { type Checkpoint, openCheckpoint } from '../../log/checkpoint.ts';
import { type DialTarget, type DialledPeer, dialPeer, parseDialTarget } from '../../net/index.ts';
import { badSource } from '../../services/observing/intake.ts';
import { type KnownGenesis, knownGenesis } from '../../services/observing/known-genesis.ts';
import { isForeseen } from '../../services/ports.ts';
import { keptForks } from '../observer/alarms.ts';
import { expectElection } from '../observer/first-contact.ts';
import { openTarget } from '../verify-log/target.ts';
import { whatIsNamed } from '../verify-log/named.ts';
import { loadSeed } from './election-folder.ts';

/** Where an election is restored from: a peer that has its log, a folder with it, or an exported file. */
export interface RestoreSource {
  /** As it was named. */
  readonly name: string;
  readonly source: LogSource;
  readonly genesis: KnownGenesis;
  /** The newest checkpoint that it showed first; its authority's signature was verified. */
  readonly newest: Checkpoint;
  /** Undefined for what is on disk. */
  readonly peer: { readonly client: DialledPeer; readonly target: DialTarget } | undefined;
  /** Evidence of forks that an observer kept in its folder. */
  readonly forks: readonly string[];
  close(): Promise<void>;
}

/** Which election it must be, as far as whoever restores it says so. */
export interface RestorePins {
  /** What was named; invites say of which election they are, whether anybody answers or not. */
  readonly from: readonly string[];
  readonly election?: string;
  readonly fingerprint?: string;
}

/** A source that doesn't answer is given up for another one soon. */
const RETRIES = 2;

/**
 * What was named, with the observers in invites: the organiser's own, which people have at hand, leads to them, and shows whether the
 * program that is to be replaced still answers.
 */
export async function withInvited(names: readonly string[]): Promise<string[]> {
  const all = names.map(async (name) => {
    const { kind } = await whatIsNamed(name);
    return [name, ...(kind === 'peer' ? parseDialTarget(name).observers : [])];
  });
  return [...new Set((await Promise.all(all)).flat())];
}

/** Opens what was named, all at once; what can't be opened is told. Throws the first failure where nothing can. */
export async function openSources(
  names: readonly string[],
  signal: AbortSignal,
  onProblem: (name: string, reason: string) => void,
): Promise<RestoreSource[]> {
  const sources: RestoreSource[] = [];
  const failures: Error[] = [];
  await Promise.all(
    [...new Set(names)].map(async (name) => {
      try {
        sources.push(await openSource(name, signal));
      } catch (error) {
        failures.push(asError(error));
        if (isForeseen(error)) onProblem(name, error.message);
      }
    }),
  );
  const unforeseen = failures.find((error) => !isForeseen(error));
  const failure = unforeseen ?? (sources.length === 0 ? failures[0] : undefined);
  if (failure === undefined) return sources;
  await closeSources(sources);
  throw failure;
}

export async function closeSources(sources: readonly RestoreSource[]): Promise<void> {
  await Promise.all(sources.map((source) => source.close()));
}

async function openSource(name: string, signal: AbortSignal): Promise<RestoreSource> {
  const { kind } = await whatIsNamed(name);
  if (kind !== 'peer') {
    const stored = await openTarget(name, signal);
    const forks = kind === 'folder' ? await keptForks(name) : [];
    return withGenesis({ name, source: stored.source, peer: undefined, forks, close: () => stored.close() });
  }
  const target = parseDialTarget(name);
  const client = await dialPeer(target, { signal, retries: RETRIES });
  const close = () => client.close();
  return withGenesis({ name, source: client, peer: { client, target }, forks: [], close });
}

/** Throws `bad-source` for what its authority signed nothing of: anybody can write a genesis with any key. */
async function withGenesis(opened: Omit<RestoreSource, 'genesis' | 'newest'>): Promise<RestoreSource> {
  try {
    const authority = await readAuthority(opened.source);
    if (authority === undefined) throw badSource('it does not begin as the log of an election');
    const genesis = knownGenesis(authority.bytes);
    const text = await opened.source.latestCheckpoint();
    if (text === undefined) throw badSource('it has no checkpoint');
    const newest = openCheckpoint(text, genesis.key);
    if (!newest.ok) throw badSource(`its checkpoint is not good: ${newest.error}`);
    return { ...opened, genesis, newest: newest.value };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** The election that is restored, its key, and those of the sources that have it. */
export interface Chosen {
  readonly genesis: KnownGenesis;
  readonly sources: readonly RestoreSource[];
}

/**
 * Chooses the election whose key is at hand, among those that the sources have. Throws `wrong-election` where none is the one that was named, `no-key` or
 * `wrong-key` where the key is not there, `which-election` where the keys of several are, and `still-running` where the key itself answers.
 */
export async function chooseElection(
  opened: readonly RestoreSource[],
  pins: RestorePins,
  keys: string,
  onProblem: (name: string, reason: string) => void,
): Promise<Chosen> {
  const election = await namedElection(pins);
  const withKey: KnownGenesis[] = [];
  const failures: PsephosError[] = [];
  for (const genesis of new Map(opened.map((one) => [one.genesis.electionId, one.genesis])).values()) {
    try {
      expectElection(genesis, { election, fingerprint: pins.fingerprint, targets: [] });
      await loadSeed(keys, genesis.entry);
      withKey.push(genesis);
    } catch (error) {
      if (!(error instanceof PsephosError)) throw error;
      failures.push(error);
    }
  }
  const [genesis, another] = withKey;
  if (genesis === undefined) throw withoutKey(failures);
  if (another !== undefined) {
    throw unusable(
      'which-election',
      `The sources have several elections whose keys are here: ${withKey.map(({ electionId }) => electionId).join(', ')}.`,
      { hint: 'Say which one with --election.' },
    );
  }
  const sources = opened.filter(({ name, genesis: { electionId } }) => {
    if (electionId === genesis.electionId) return true;
    onProblem(name, `it has another election, ${electionId}`);
    return false;
  });
  for (const { name, peer } of sources)
    if (peer !== undefined && equalBytes(peer.client.peerKey, genesis.entry.authority))
      throw stillRunning(name);
  return { genesis, sources };
}

/** The election that was named, on the command line or by invites. Throws `wrong-election` where these are several. */
async function namedElection({ election, from }: RestorePins): Promise<string | undefined> {
  const invited = from.map(async (name) =>
    (await whatIsNamed(name)).kind === 'peer' ? parseDialTarget(name).electionId : undefined,
  );
  const named = [election, ...(await Promise.all(invited))];
  const ids = new Set(named.filter((id) => id !== undefined));
  if (ids.size > 1)
    throw unusable('wrong-election', `Different elections are named: ${[...ids].join(', ')}.`, {
      hint: 'Restore one after the other, each into a folder of its own.',
    });
  return [...ids][0];
}

function withoutKey(failures: readonly PsephosError[]): PsephosError {
  // That a source has yet another election says little beside a key that is missing.
  const failure = failures.find(({ code }) => code !== 'wrong-election') ?? failures[0];
  if (failure === undefined) throw new Error('no source, and no failure');
  if (failure.code !== 'no-key') return failure;
  return unusable(failure.code, failure.message, {
    hint:
      'Put back the copy of the key file that you kept, or name its folder with --keys. Without the key nothing can be added to the election: ' +
      'it can only be read, and checked, from observers.',
    cause: failure,
  });
}

function stillRunning(name: string): PsephosError {
  return refused(
    'still-running',
    `A program with this election's key answers at ${name}: the election is running.`,
    {
      hint: 'Stop it before you restore its log elsewhere: two programs with one key sign two histories. To have a copy besides, run an observer.',
    },
  );
}
