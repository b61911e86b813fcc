import type { Expected } from '../../audit/checks/identity.ts';
import type { LogSource } from '../../audit/source.ts';
import { equalBytes, toHex } from '../../base/bytes.ts';
import { PsephosError, unusable } from '../../base/errors.ts';
import type { Checkpoint } from '../../log/checkpoint.ts';
import { openCosigned } from '../../log/cosignature.ts';
import type { DialTarget, DialledPeer } from '../../net/index.ts';
import { ANSWER_MS, type Agreement, agree } from '../../services/gathering/agreement.ts';
import { within } from '../../services/gathering/deadline.ts';
import { GatheredLog } from '../../services/gathering/gathered-log.ts';
import { Hearsay } from '../../services/gathering/hearsay.ts';
import { type LeftOut, leftOutFor } from '../../services/gathering/left-out.ts';
import { knownGenesis } from '../../services/observing/known-genesis.ts';
import { type ObserverAddress, isForeseen } from '../../services/ports.ts';
import type { Target } from './target.ts';

/** Observers that are dialled where that is asked for: enough to find out about a second history. */
const MOST_ASKED = 8;

/**
 * Dials the peers that were named, all at once; of several, those that answer and agree are enough. Throws as `dialPeer` where none can be reached,
 * `wrong-election` (usage) where invites name different ones, and as `agree`. The caller closes the target.
 */
export async function dialPeers(
  names: readonly string[],
  election: string | undefined,
  signal: AbortSignal,
): Promise<Target> {
  // libp2p takes more time and memory than the audit of a small log.
  const { parseDialTarget } = await import('../../net/index.ts');
  // One key at two addresses may show two logs, so that each address counts.
  const named = [...new Set(names)];
  const targets = named.map(parseDialTarget);
  const ids = new Set([election, ...targets.map(({ electionId }) => electionId)]);
  ids.delete(undefined);
  if (ids.size > 1)
    throw unusable('wrong-election', `Different elections are named: ${[...ids].join(', ')}.`);
  const [electionId] = ids;
  const dialled = await Promise.allSettled(targets.map((target) => dialOrObserver(target, signal)));
  const clients = dialled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const close = async () => {
    await Promise.all(clients.map((client) => client.close()));
  };
  try {
    const failures = dialled.flatMap((one, at) =>
      one.status === 'rejected' ? [{ name: named[at] ?? '', error: one.reason as unknown }] : [],
    );
    if (clients.length === 0) throw failures[0]?.error;
    const unreached = failures.map(({ name, error }) => leftOutFor(name, error));
    const agreement = await agreementOf(clients, named.length > 1, electionId);
    const authority = agreement?.genesis.entry.authority;
    const isAuthorityNamed =
      authority !== undefined &&
      targets.some(({ peerId }, at) => peerId !== undefined && equalBytes(peerKeyAt(dialled, at), authority));
    const expected: Expected = {
      ...(electionId === undefined ? {} : { expectedElection: electionId }),
      // An address that names the authority's peer pins the election: its libp2p key is the one that signs checkpoints.
      ...(isAuthorityNamed ? { expectedAuthority: authority } : {}),
    };
    const [only] = clients;
    if (agreement === undefined) return { source: only as DialledPeer, expected, close };
    const peers = new ReadPeers(agreement, named.length > 1, unreached);
    return { source: peers.source, expected, close, peers };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Whom an invite leads to: the organiser or, where nobody answers there, the first of the observers that it names that has the election. Throws as `dialPeer`. */
async function dialOrObserver(target: DialTarget, signal: AbortSignal): Promise<DialledPeer> {
  const { dialPeer, parseDialTarget } = await import('../../net/index.ts');
  try {
    return await dialPeer(target, { signal });
  } catch (failure) {
    if (!(failure instanceof PsephosError) || failure.kind !== 'unreachable') throw failure;
    for (const address of target.observers) {
      let client: DialledPeer | undefined;
      try {
        client = await dialPeer(parseDialTarget(address), { signal, retries: 0 });
        const { genesis } = await within(ANSWER_MS, client.info());
        if (knownGenesis(genesis.entry).electionId === target.electionId) return client;
      } catch (error) {
        // The next one may be there; that the organiser is not is what is said in the end.
        if (!isForeseen(error)) throw error;
      }
      await client?.close();
    }
    throw failure;
  }
}

/** Of one peer's log it is the audit that says whose it is, and what is wrong with it: undefined where nothing can be told of it. */
async function agreementOf(
  clients: readonly DialledPeer[],
  areSeveral: boolean,
  electionId: string | undefined,
): Promise<Agreement | undefined> {
  try {
    return await agree(clients, areSeveral ? { electionId } : {});
  } catch (error) {
    if (areSeveral || !(error instanceof PsephosError && error.code === 'no-source')) throw error;
    return undefined;
  }
}

function peerKeyAt(dialled: readonly PromiseSettledResult<DialledPeer>[], at: number): Uint8Array {
  const one = dialled[at];
  return one?.status === 'fulfilled' ? one.value.peerKey : new Uint8Array();
}

/** The peers that a log is read from, and what they know besides. */
export class ReadPeers {
  /** The one peer, or the log that several agree on. */
  readonly source: LogSource;
  /** Where several were named. */
  readonly gathered: GatheredLog | undefined;
  readonly hearsay: Hearsay;
  readonly #agreement: Agreement;
  readonly #unreached: readonly LeftOut[];
  readonly #doubts: string[] = [];

  constructor(agreement: Agreement, isGathered: boolean, unreached: readonly LeftOut[]) {
    const [{ client }] = agreement.peers;
    this.gathered = isGathered ? new GatheredLog(agreement) : undefined;
    this.source = this.gathered ?? client;
    this.hearsay = new Hearsay(agreement.genesis);
    this.#agreement = agreement;
    this.#unreached = unreached;
  }

  get electionId(): string {
    return this.#agreement.genesis.electionId;
  }

  /** Whether the authority is among them. */
  get hasAuthority(): boolean {
    return this.#authority !== undefined;
  }

  get leftOut(): readonly LeftOut[] {
    return [...this.#unreached, ...(this.gathered ?? this.#agreement).leftOut];
  }

  /** What is strange, in sentences, though it makes no log invalid. */
  get doubts(): readonly string[] {
    return [...this.#doubts, ...this.hearsay.doubts];
  }

  /**
   * Asks the peers, and with `ask` some of the observers that they name, what they know of checkpoints, and compares it. Resolves to the
   * checkpoints that the log must continue. To be called once, before the log is audited.
   */
  async hear(how: { readonly ask: boolean; readonly signal: AbortSignal }): Promise<readonly Checkpoint[]> {
    const { hearsay } = this;
    const { peers } = this.#agreement;
    const [{ newest }] = peers;
    await Promise.all(peers.map((peer) => hearsay.ask(peer.client, peer.newest)));
    const asked = how.ask ? await this.#dialObservers(how.signal) : [];
    try {
      await Promise.all(asked.map((client) => hearsay.ask(client, newest)));
      const holders = peers.filter((peer) => peer.newest.size === newest.size);
      await hearsay.compare(
        newest,
        holders.map(({ client }) => client),
      );
    } finally {
      await Promise.all(asked.map((client) => client.close()));
    }
    await this.#lookForRollback();
    return hearsay.checkpoints.filter(({ size }) => size <= newest.size || this.#isAuthorityAlone);
  }

  get #authority(): Agreement['peers'][number] | undefined {
    const { peers, genesis } = this.#agreement;
    return peers.find(({ client }) => equalBytes(client.peerKey, genesis.entry.authority));
  }

  /** Its newest checkpoint, which is still to be read, covers all that it signed before. */
  get #isAuthorityAlone(): boolean {
    return this.gathered === undefined && this.hasAuthority;
  }

  /** The authority must have all that it signed before it is asked. A log that is read from it alone is held to that by the audit. */
  async #lookForRollback(): Promise<void> {
    const authority = this.#authority;
    if (authority === undefined || this.#isAuthorityAlone) return;
    const signed = [...this.hearsay.checkpoints, ...this.#agreement.peers.map(({ newest }) => newest)];
    const most = Math.max(...signed.map(({ size }) => size));
    const now = await this.#newestOf(authority.client as DialledPeer);
    if (now !== undefined && now.size < most) {
      this.#doubts.push(
        `The organiser's own node shows ${now.size} entries, and signed for ${most} before: it lost or hides the rest.`,
      );
    }
  }

  async #newestOf(client: DialledPeer): Promise<Checkpoint | undefined> {
    try {
      const opened = openCosigned((await client.latestCheckpoint()) ?? '', this.#agreement.genesis.key);
      return opened.ok ? opened.value : undefined;
    } catch (error) {
      // It is among the peers that are read from, where it is found out.
      if (isForeseen(error)) return undefined;
      throw error;
    }
  }

  async #dialObservers(signal: AbortSignal): Promise<DialledPeer[]> {
    const known = new Set(this.#agreement.peers.map(({ client }) => toHex(client.peerKey)));
    const others = this.hearsay.observers.filter(({ key }) => !known.has(toHex(key))).slice(0, MOST_ASKED);
    const dialled = await Promise.all(others.map((observer) => this.#dialObserver(observer, signal)));
    return dialled.filter((client) => client !== undefined);
  }

  async #dialObserver(
    { key, addresses }: ObserverAddress,
    signal: AbortSignal,
  ): Promise<DialledPeer | undefined> {
    const { dialPeer, parseDialTarget, peerIdOf } = await import('../../net/index.ts');
    const peerId = peerIdOf(key);
    try {
      const targets = addresses.map(parseDialTarget);
      const target = {
        peerId,
        electionId: undefined,
        addresses: targets.flatMap((one) => (one.peerId === peerId ? one.addresses : [])),
      };
      if (target.addresses.length === 0) throw unusable('bad-address', 'Its addresses name another peer.');
      return await dialPeer(target, { signal, retries: 0 });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof PsephosError)) throw error;
      this.#doubts.push(`Observer ${peerId} was not asked: ${error.message}`);
      return undefined;
    }
  }
}
