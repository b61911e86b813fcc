import { type PsephosError, refused, unreachable } from '../base/errors.ts';
import { RelayFailure } from './circuit/failure.ts';
import { systemCode } from './system-error.ts';

/** Someone answered, but not the peer that was asked for. */
export class WrongPeer extends Error {
  override readonly name = 'WrongPeer';
}

/** An address that did not lead to the peer, and what went wrong. */
export interface FailedCandidate {
  readonly address: string;
  readonly error: unknown;
}

/** Why a peer could not be reached at any of its addresses: `wrong-peer`, `handshake-failed` or `unreachable`. */
export function dialFailure(peerId: string | undefined, failures: readonly FailedCandidate[]): PsephosError {
  const tried = failures.map(({ address, error }) => `${address}: ${reasonOf(error)}`).join('; ');
  const cause = failures[0]?.error;
  if (failures.some(({ error }) => error instanceof WrongPeer)) {
    return refused('wrong-peer', `The peer that was asked for is not at this address (${tried}).`, {
      hint: 'Ask the organiser for the current invite. Do not cast a ballot with a peer that it does not name.',
      cause,
    });
  }
  const who = peerId === undefined ? 'a peer' : `peer ${peerId}`;
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

/** What went wrong on the way to one address, for people. */
export function reasonOf(error: unknown): string {
  if (error instanceof WrongPeer || error instanceof RelayFailure) return error.message;
  const reason = REASONS[systemCode(error)];
  if (reason !== undefined) return reason;
  if (isTimeout(error)) return 'timed out: no answer';
  return 'something answered, but did not complete the handshake: no Psephos node, or one that is full';
}

function isHandshakeFailure(error: unknown): boolean {
  if (error instanceof WrongPeer || error instanceof RelayFailure) return false;
  return !isTimeout(error) && REASONS[systemCode(error)] === undefined;
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');
}
