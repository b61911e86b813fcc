import type { Status } from './messages.ts';

/** A relay did not do what it was asked for; the message says what it said or did, for people. */
export class RelayFailure extends Error {
  override readonly name = 'RelayFailure';
}

/** Why a relay gives nobody a way to a peer, by its answer. */
export function connectRefusal(status: Status | undefined): RelayFailure {
  switch (status) {
    case 'no-reservation':
      return new RelayFailure(
        'the relay can not reach the peer now: it is not connected to it, or the address is an old one',
      );
    case 'connection-failed':
      return new RelayFailure('the relay got no answer from the peer');
    case 'resource-limit-exceeded':
      return new RelayFailure('the relay is full: too many connections go through it now');
    case 'permission-denied':
      return new RelayFailure('the relay refuses to connect to the peer');
    case 'ok':
    case 'reservation-refused':
    case 'malformed-message':
    case 'unexpected-message':
    case undefined:
      return strangeAnswer(status);
  }
}

/** Why a relay gives a peer no reservation, by its answer. */
export function reserveRefusal(status: Status | undefined): RelayFailure {
  switch (status) {
    case 'permission-denied':
      return new RelayFailure(
        'the relay does not serve this peer: whoever runs it must name it with --serve, or start the relay with --open',
      );
    case 'reservation-refused':
      return new RelayFailure('the relay is full: it has given all its reservations');
    case 'resource-limit-exceeded':
      return new RelayFailure('the relay is full: too many ask it for a reservation now');
    case 'ok':
    case 'connection-failed':
    case 'no-reservation':
    case 'malformed-message':
    case 'unexpected-message':
    case undefined:
      return strangeAnswer(status);
  }
}

function strangeAnswer(status: Status | undefined): RelayFailure {
  return new RelayFailure(
    `the relay answers in a way that is not understood${status === undefined ? '' : ` (${status})`}`,
  );
}

/** Nobody there speaks the protocol of relays. */
export function noRelayThere(): RelayFailure {
  return new RelayFailure('a peer answers there, but it is no relay');
}
