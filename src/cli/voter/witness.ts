import { setTimeout as sleep } from 'node:timers/promises';
import { PsephosError, unusable } from '../../base/errors.ts';
import { VoterWitness } from '../../services/voter-witness.ts';
import type { Console } from '../console.ts';
import type { Io } from '../io.ts';
import type { Met } from './connect.ts';
import { type MemoryFlags, memoryOf } from './memory.ts';

export interface WitnessFlags extends MemoryFlags {
  /** Multiaddrs of observers whom the voter has reason to believe, each ending in a peer id. */
  readonly observer?: readonly string[];
  readonly requireObservers?: number;
  /** Where the receipt is, or is to go; what shows an alarm goes beside it. */
  readonly receipt?: string;
}

/** For an observer to be reached, in ms: comparing notes takes no longer in all. */
const DIAL_MS = 5_000;

/** Throws `bad-address` for an observer that is not named by a multiaddr with its peer id. */
export async function expectObservers({ observer = [] }: Pick<WitnessFlags, 'observer'>): Promise<void> {
  const { parseDialTarget } = await import('../../net/index.ts');
  for (const address of observer) {
    if (!address.startsWith('/') || parseDialTarget(address).peerId === undefined) {
      throw unusable(
        'bad-address',
        `The observer's address ${address} does not end in /p2p/ and its peer id.`,
        { hint: 'Copy it again, in full: an observer prints it when it starts.' },
      );
    }
  }
}

/** The witness of an election that was met, over the network and with what is kept on disk. */
export async function witnessOf(met: Met, flags: WitnessFlags, io: Io, out: Console): Promise<VoterWitness> {
  const { dialPeer, mayMean, parseDialTarget } = await import('../../net/index.ts');
  const { client, election, at, invited } = met;
  const once = { retries: 0, timeoutMs: DIAL_MS };
  const mayDial = (address: string) => {
    try {
      const [bare] = address.startsWith('/') ? parseDialTarget(address).addresses : [];
      return bare !== undefined && mayMean(bare, at.addresses);
    } catch (error) {
      if (error instanceof PsephosError) return false;
      throw error;
    }
  };
  return new VoterWitness({
    peer: client,
    election,
    memory: memoryOf(election.electionId, flags, io, out),
    // In the one spelling that its end is the peer id in.
    named: (flags.observer ?? [])
      .map(parseDialTarget)
      .map(({ addresses, peerId }) => `${addresses[0] ?? ''}/p2p/${peerId ?? ''}`),
    invited,
    dial: (address, signal) => dialPeer(parseDialTarget(address), { ...once, signal }),
    dialAgain: (signal) => dialPeer({ ...at, peerId: client.peerId }, { ...once, signal }),
    mayDial,
    patience: {
      signal: io.signal,
      pause: async (ms, signal) => {
        await sleep(ms, undefined, { signal }).catch(() => {
          // Aborted: whoever pauses looks at the signal.
        });
      },
    },
  });
}
