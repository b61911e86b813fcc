import type { Libp2p } from 'libp2p';
import { PsephosError, unreachable } from '../base/errors.ts';
import type {
  BallotCheckReport,
  ConsistencyAnswer,
  ElectionInfo,
  Exchange,
  ExchangeAnswer,
  InclusionQuery,
  LogUpdate,
  PeerClient,
  VoterAnswer,
  VoterQuery,
} from '../services/ports.ts';
import type { TrusteeMessage } from '../election/trustee-messages.ts';
import { startClientHost } from './host.ts';
import { entryPointsAt } from './discovery/entry-points.ts';
import type { DialTarget, PeerTarget } from './invite.ts';
import { DIAL_TIMEOUT_MS, FOLLOW_SILENCE_MS, LOOKUP_ENTRY_POINTS, RETRIES } from './limits.ts';
import { PeerLink, type PeerWay } from './peer-link.ts';
import { Puncher } from './punch/client.ts';
import { type StunServer, loadWebRtc } from './punch/native.ts';
import { askCast } from './protocols/cast/client.ts';
import { askEnrol } from './protocols/enrol/client.ts';
import { askInfo, askStanding } from './protocols/info/client.ts';
import { askCheckpoints, askEntries, followLog } from './protocols/log/client.ts';
import { askConsistency, askInclusion, askLatestCheckpoint } from './protocols/proof/client.ts';
import { askHandIn } from './protocols/trustee/client.ts';
import { askExchange, tellChecks } from './protocols/witness/client.ts';

export interface DialOptions {
  /** Ends the dialling, and later everything that the client waits for. */
  readonly signal?: AbortSignal;
  /** To connect, handshake included; DIAL_TIMEOUT_MS if not given. */
  readonly timeoutMs?: number;
  /** Tries after the first for each request that meets a lost connection or a busy peer; RETRIES if not given. */
  readonly retries?: number;
  /** How long a follower waits for a sign of life before it connects anew, in ms; FOLLOW_SILENCE_MS if not given. */
  readonly silenceMs?: number;
  /**
   * Multiaddrs, ending in peer ids, of whom to ask where the peer is when its addresses don't lead to it, besides the relays and
   * observers that the target names; asked for whenever it is dialled. They must be good addresses.
   */
  readonly entryPoints?: () => readonly string[];
  /** Looks for a direct way, with the help of these STUN servers, where only a relay leads to the peer; not if not given. */
  readonly punch?: { readonly stun: readonly StunServer[] };
  /** Told before each wait for a next try: what went wrong, and how many milliseconds it waits. */
  readonly onRetry?: (error: unknown, waitMs: number) => void;
  /** Called after each such wait; what it throws ends the request in the place of the next try. */
  readonly beforeRetry?: () => Promise<void>;
  /** What the waits grow to, in ms; RETRY_LONGEST_MS if not given. */
  readonly longestWaitMs?: number;
}

/** A peer that was reached over libp2p. */
export interface DialledPeer extends PeerClient {
  /** The libp2p peer id that stands for `peerKey`. */
  readonly peerId: string;
  /** How the peer was reached the last time: another way may be taken after a lost connection. */
  readonly way: PeerWay;
  /** Hangs up, since the peer is known not to be there any more; what is waited for is asked again over a new connection. */
  hangUp(): void;
}

/** Whom to dial, and who may know where it is. */
export type DialledTarget = PeerTarget & Partial<Pick<DialTarget, 'observers'>>;

/**
 * Connects to a peer, and proves that it holds the key that the target names. All requests come back by themselves
 * after a lost connection or a `busy`, and go to the same key. Rejects with `unreachable`, `handshake-failed` or
 * `wrong-peer`, each naming the addresses tried; with the signal's reason when it aborts; with `webrtc-missing` where it is to punch and
 * what that needs is not installed.
 */
export async function dialPeer(target: DialledTarget, options: DialOptions = {}): Promise<DialledPeer> {
  const { timeoutMs = DIAL_TIMEOUT_MS, retries = RETRIES, silenceMs = FOLLOW_SILENCE_MS } = options;
  const { onRetry, beforeRetry, longestWaitMs } = options;
  const closing = new AbortController();
  const signal =
    options.signal === undefined ? closing.signal : AbortSignal.any([options.signal, closing.signal]);
  signal.throwIfAborted();
  const puncher =
    options.punch === undefined ? {} : { puncher: new Puncher(await loadWebRtc(), options.punch.stun) };
  const host = await startClientHost(timeoutMs);
  const entryPoints = () =>
    entryPointsAt(
      [...(target.observers ?? []), ...(options.entryPoints?.() ?? [])],
      target.addresses,
      LOOKUP_ENTRY_POINTS,
    );
  const link = new PeerLink({
    ...{ host, target, entryPoints, timeoutMs, retries, signal, ...puncher },
    ...(onRetry === undefined ? {} : { onRetry }),
    ...(beforeRetry === undefined ? {} : { beforeRetry }),
    ...(longestWaitMs === undefined ? {} : { longestWaitMs }),
  });
  // An answer that is being waited for then ends with the connection.
  const hangUp = (): void => {
    link.forgetConnection(options.signal?.reason);
  };
  options.signal?.addEventListener('abort', hangUp, { once: true, signal: closing.signal });
  try {
    const { remotePeer } = await firstConnection(link);
    const peerKey = remotePeer.publicKey?.raw;
    if (peerKey === undefined) throw new Error('a peer without an Ed25519 key passed the dialling');
    return new LinkedPeer({ host, link, closing, peerKey, peerId: remotePeer.toString(), silenceMs });
  } catch (error) {
    // Or whoever tries for hours would leave a listener with the caller's signal each time.
    closing.abort(error);
    await host.stop();
    throw error;
  }
}

async function firstConnection(link: PeerLink): ReturnType<PeerLink['connect']> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await link.connect();
    } catch (error) {
      // A crowded polling station hangs up on newcomers; where nothing listens at all, waiting would only hide it.
      if (!(error instanceof PsephosError && error.code === 'handshake-failed')) throw error;
      await link.retry(error, failures);
    }
  }
}

interface LinkedPeerInit {
  readonly host: Libp2p;
  readonly link: PeerLink;
  readonly closing: AbortController;
  readonly peerKey: Uint8Array;
  readonly peerId: string;
  readonly silenceMs: number;
}

class LinkedPeer implements DialledPeer {
  readonly #init: LinkedPeerInit;
  readonly #link: PeerLink;

  constructor(init: LinkedPeerInit) {
    this.#init = init;
    this.#link = init.link;
  }

  get name(): string {
    return this.#link.name;
  }

  get peerKey(): Uint8Array {
    return this.#init.peerKey;
  }

  get peerId(): string {
    return this.#init.peerId;
  }

  get way(): PeerWay {
    return this.#link.way;
  }

  hangUp(): void {
    this.#link.forgetConnection(new Error('the peer has moved'));
  }

  info(): Promise<ElectionInfo> {
    return askInfo(this.#link);
  }

  standing(query: VoterQuery): Promise<VoterAnswer | undefined> {
    return askStanding(this.#link, query);
  }

  cast(ballot: Uint8Array, onPromise?: (promise: string) => void): Promise<string> {
    return askCast(this.#link, ballot, onPromise);
  }

  enrol(enrolment: Uint8Array): Promise<string> {
    return askEnrol(this.#link, enrolment);
  }

  handIn(message: TrusteeMessage): Promise<void> {
    return askHandIn(this.#link, message);
  }

  inclusion(which: InclusionQuery): ReturnType<PeerClient['inclusion']> {
    return askInclusion(this.#link, which);
  }

  exchange(given: Exchange): Promise<ExchangeAnswer> {
    return askExchange(this.#link, given);
  }

  reportChecks(report: BallotCheckReport): Promise<void> {
    return tellChecks(this.#link, report);
  }

  consistency(first: number, second?: number): Promise<ConsistencyAnswer> {
    return askConsistency(this.#link, first, second);
  }

  entries(from: number, to?: number): AsyncIterable<readonly Uint8Array[]> {
    return askEntries(this.#link, from, to);
  }

  checkpoints(from: number): AsyncIterable<string> {
    return askCheckpoints(this.#link, from);
  }

  latestCheckpoint(): Promise<string | undefined> {
    return askLatestCheckpoint(this.#link);
  }

  follow(from: number): AsyncIterable<LogUpdate> {
    return followLog(this.#link, from, this.#init.silenceMs);
  }

  async close(): Promise<void> {
    this.#init.closing.abort(
      unreachable('client-closed', `The connection to ${this.name} was closed by this program.`),
    );
    await this.#init.host.stop();
  }
}
