import { PsephosError, unusable } from '../base/errors.ts';
import { mayMean, parseDialTarget } from '../net/index.ts';
import type { ObserverAddress } from '../services/ports.ts';

/** What people say of how a program that serves others is to be found. */
export interface DiscoveryFlags {
  readonly bootstrap: readonly string[];
  /** False with --no-dht. */
  readonly dht: boolean;
}

/** Throws `bad-address` for what is no multiaddr with a peer id, and as `parseDialTarget`. */
export function readBootstrap(texts: readonly string[]): string[] {
  return texts.map((text) => {
    const { addresses, peerId } = parseDialTarget(text);
    if (!text.trim().startsWith('/') || peerId === undefined) {
      throw unusable(
        'bad-address',
        `The address ${text} of --bootstrap does not end in /p2p/ and a peer id.`,
        {
          hint: 'Name a relay or an observer, by the address that it prints when it starts.',
        },
      );
    }
    return `${addresses[0] ?? ''}/p2p/${peerId}`;
  });
}

/** Of observers' addresses, which they say themselves, those that can be dialled from a machine that has `own` ones. */
export function worthDialling(
  own: readonly string[],
  observers: readonly Pick<ObserverAddress, 'addresses'>[],
): string[] {
  return observers.flatMap(({ addresses }) =>
    addresses.filter((address) => isAddress(address) && mayMean(address, own)),
  );
}

function isAddress(text: string): boolean {
  if (!text.startsWith('/')) return false;
  try {
    return parseDialTarget(text).peerId !== undefined;
  } catch (error) {
    if (error instanceof PsephosError) return false;
    throw error;
  }
}
