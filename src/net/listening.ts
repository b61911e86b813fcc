import type { Listener } from '@libp2p/interface';
import { type PsephosError, unusable } from '../base/errors.ts';
import type { ListenOutcome } from './host.ts';
import { parseTcpAddress } from './multiaddrs.ts';
import { systemCode } from './system-error.ts';

export interface ListenAddress {
  /** Multiaddr without peer id; port 0 takes any free port. */
  readonly address: string;
  /** The node starts without it where it can't be had, as IPv6 on a machine that has none. */
  readonly optional?: boolean;
}

/** An optional address that could not be listened on, and why, for people. */
export interface FailedAddress {
  readonly address: string;
  readonly reason: string;
}

/** What became of a node's listening addresses. */
export class Listening {
  readonly #wanted: readonly ListenAddress[];
  readonly #listeners: Listener[] = [];
  readonly #errors = new Map<string, unknown>();

  /** Throws `bad-address` (usage) for what can't be listened on in any case. */
  constructor(wanted: readonly ListenAddress[]) {
    this.#wanted = wanted.map(({ address, optional }) => {
      const parsed = parseTcpAddress(address);
      if (!/^\/ip[46]\//.test(parsed.address) || parsed.peerId !== undefined) {
        throw unusable(
          'bad-address',
          `"${address}" can't be listened on: it must be an IP address and a TCP port, and no more.`,
          {
            hint: 'For example /ip6/::/tcp/4000 for every IPv6 address of this machine.',
          },
        );
      }
      return { address: parsed.address, optional: optional ?? false };
    });
  }

  get addresses(): readonly string[] {
    return this.#wanted.map(({ address }) => address);
  }

  readonly record = (address: string, { listener, error }: ListenOutcome): void => {
    if (error === undefined) this.#listeners.push(listener);
    else this.#errors.set(address, error);
  };

  /** The addresses that can be dialled now: a wildcard stands for each interface's, link-local ones left out. */
  dialable(): string[] {
    return this.#listeners.flatMap((listener) => listener.getAddrs().map(String));
  }

  get failed(): FailedAddress[] {
    return [...this.#errors].map(([address, error]) => ({ address, reason: reasonOf(error) }));
  }

  /** Why the node can't start: an address that is not optional failed, or all did. */
  problem(): PsephosError | undefined {
    const failed = this.#wanted.filter(({ address }) => this.#errors.has(address));
    const first =
      failed.find(({ optional }) => optional !== true) ??
      (failed.length === this.#wanted.length ? failed[0] : undefined);
    return first === undefined ? undefined : listenError(first.address, this.#errors.get(first.address));
  }
}

function listenError(address: string, cause: unknown): PsephosError {
  const message = `Can't listen on ${address}: ${reasonOf(cause)}.`;
  switch (systemCode(cause)) {
    case 'EADDRINUSE':
      return unusable('port-in-use', message, {
        hint: 'Choose another port with --listen, or stop the other program. If it is Psephos, it may be running this election already.',
        cause,
      });
    case 'EACCES':
      return unusable('port-not-permitted', message, {
        hint: 'Choose a port above 1023 with --listen.',
        cause,
      });
    default:
      return unusable('address-not-available', message, {
        hint: 'Choose an address of this machine with --listen, or /ip6/::/tcp/4000 for all of them.',
        cause,
      });
  }
}

function reasonOf(error: unknown): string {
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return 'another program uses the port';
    case 'EACCES':
      return 'the system does not permit it';
    case 'EADDRNOTAVAIL':
      return 'this machine does not have the address';
    case 'EAFNOSUPPORT':
      return 'this machine does not have this kind of address';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
