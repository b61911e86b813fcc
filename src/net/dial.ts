import type { Connection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import type { Libp2p } from 'libp2p';
import { type PsephosError, refused, unreachable } from '../base/errors.ts';
import type { PeerTarget } from './invite.ts';
import { NEXT_ADDRESS_MS } from './limits.ts';
import { systemCode } from './system-error.ts';

export interface DialLimits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Someone answered, but not the peer that was asked for. */
class WrongPeer extends Error {
  override readonly name = 'WrongPeer';
}

/**
 * Connects to a peer by the first of its addresses that answers: IPv6 first, the next address whenever one fails or
 * has not answered in NEXT_ADDRESS_MS (after RFC 8305). Rejects with `wrong-peer` (refused) or, unreachable, with
 * `handshake-failed` where a program listens that didn't complete the handshake, else `unreachable`.
 */
export async function dialTarget(host: Libp2p, target: PeerTarget, limits: DialLimits): Promise<Connection> {
  limits.signal.throwIfAborted();
  const addresses = [...target.addresses].sort(
    (a, b) => Number(b.startsWith('/ip6/')) - Number(a.startsWith('/ip6/')),
  );
  const settled = new AbortController();
  const deadline = AbortSignal.any([limits.signal, settled.signal, AbortSignal.timeout(limits.timeoutMs)]);
  const failures: { readonly address: string; readonly error: unknown }[] = [];
  try {
    return await new Promise<Connection>((resolve, reject) => {
      let next = 0;
      let timer: NodeJS.Timeout | undefined;
      const tryNext = (): void => {
        clearTimeout(timer);
        const address = addresses[next];
        if (address === undefined) return;
        next += 1;
        timer = setTimeout(tryNext, NEXT_ADDRESS_MS);
        dialOne(host, address, target.peerId, deadline).then(
          (connection) => {
            clearTimeout(timer);
            // Another address may have won in the same moment.
            if (settled.signal.aborted) connection.abort(new Error('connected by another address'));
            settled.abort();
            resolve(connection);
          },
          (error: unknown) => {
            failures.push({ address, error });
            if (failures.length === addresses.length) {
              clearTimeout(timer);
              reject(dialFailure(target, failures));
            } else {
              tryNext();
            }
          },
        );
      };
      tryNext();
    });
  } catch (error) {
    limits.signal.throwIfAborted();
    throw error;
  } finally {
    settled.abort();
  }
}

async function dialOne(
  host: Libp2p,
  address: string,
  peerId: string | undefined,
  signal: AbortSignal,
): Promise<Connection> {
  // The peer id is compared here and not by libp2p, whose error would not say who answered instead.
  const connection = await host.dial(multiaddr(address), { signal, force: true });
  const found = connection.remotePeer;
  if (found.type === 'Ed25519' && (peerId === undefined || found.toString() === peerId)) return connection;
  const error = new WrongPeer(
    `peer ${found.toString()} is there, not ${peerId ?? 'one with an Ed25519 key'}`,
  );
  connection.abort(error);
  throw error;
}

function dialFailure(
  target: PeerTarget,
  failures: readonly { address: string; error: unknown }[],
): PsephosError {
  const tried = failures.map(({ address, error }) => `${address}: ${reasonOf(error)}`).join('; ');
  const cause = failures[0]?.error;
  if (failures.some(({ error }) => error instanceof WrongPeer)) {
    return refused('wrong-peer', `The peer that was asked for is not at this address (${tried}).`, {
      hint: 'Ask the organiser for the current invite. Do not cast a ballot with a peer that it does not name.',
      cause,
    });
  }
  const who = target.peerId === undefined ? 'a peer' : `peer ${target.peerId}`;
  const code = failures.some(({ error }) => isHandshakeFailure(error)) ? 'handshake-failed' : 'unreachable';
  return unreachable(code, `Could not reach ${who} (${tried}).`, {
    hint: 'Check that you are online and that the address is the current one: it changes when the organiser reconnects.',
    cause,
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused: nothing listens there',
  ETIMEDOUT: 'timed out: no answer',
  EHOSTUNREACH: 'no way there: host unreachable',
  ENETUNREACH: 'no way there: this machine has no such network',
  EADDRNOTAVAIL: 'no way there: this machine has no such network',
  EACCES: 'not permitted by this machine or network',
  EPERM: 'not permitted by this machine or network',
  ENOTFOUND: 'no such host name',
  EAI_AGAIN: 'the host name could not be looked up',
};

function reasonOf(error: unknown): string {
  if (error instanceof WrongPeer) return error.message;
  const reason = REASONS[systemCode(error)];
  if (reason !== undefined) return reason;
  if (isTimeout(error)) return 'timed out: no answer';
  return 'something answered, but did not complete the handshake: no Psephos node, or one that is full';
}

function isHandshakeFailure(error: unknown): boolean {
  return !(error instanceof WrongPeer) && !isTimeout(error) && REASONS[systemCode(error)] === undefined;
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');
}
