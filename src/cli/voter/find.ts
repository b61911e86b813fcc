import { unreachable, unusable } from '../../base/errors.ts';
import { fingerprint } from '../../crypto/credential.ts';
import { peerIdText } from '../../crypto/peer-id.ts';
import type { SaidPeer } from '../../net/index.ts';
import { knownGenesis } from '../../services/observing/known-genesis.ts';
import { isForeseen } from '../../services/ports.ts';
import type { Console } from '../console.ts';
import { deadlineAfter } from '../../net/deadline.ts';
import type { Io } from '../io.ts';
import { printable } from '../printable.ts';
import { askerOf } from './ask.ts';
import { type ConnectFlags, orInterrupted } from './connect.ts';

/** How whoever runs the program says whom to dial: by an address or invite, or by looking in the network. */
export interface PlaceFlags extends Omit<ConnectFlags, 'dial'> {
  readonly dial?: string;
  /** Whom to look for: true for whoever is there. */
  readonly find?: string | true;
}

/** What people published of the election that is looked for. */
interface Pin {
  readonly peerId?: string;
  readonly electionId?: string;
}

interface Found {
  readonly peerId: string;
  readonly address: string;
  readonly electionId: string;
  readonly title: string;
}

/** For elections in the network to answer: the first does within a second, and others a moment later. */
const LOOK_MS = 4_000;
/** For one that answered to say what it is. */
const ASK_MS = 5_000;

/**
 * The flags with an address in --dial, found in the network where they say so. Of an election that nothing pins, the address has no peer
 * id, so that it is treated as any that a stranger gave. Throws `usage`, `not-found-here` and `several-found`.
 */
export async function located<Flags extends PlaceFlags>(
  flags: Flags,
  io: Io,
  out: Console,
): Promise<Flags & ConnectFlags> {
  const { dial, find } = flags;
  if (dial !== undefined) return { ...flags, dial };
  if (find === undefined) {
    throw unusable('usage', 'Nothing says where the election is.', {
      hint: "Give --dial and the organiser's invite; or --find, in the same network as the organiser.",
    });
  }
  const pin = await readPin(find, flags);
  const found = await out.during('Looking in this network', () => look(pin, io));
  const one = await choose(found, io, out);
  out.emit({ event: 'found', ...one });
  out.say(`${describe(one)}\n\n`);
  const isPinned = pin.peerId !== undefined || pin.electionId !== undefined;
  return {
    ...flags,
    dial: isPinned ? `${one.address}/p2p/${one.peerId}` : one.address,
    ...(pin.electionId === undefined ? {} : { election: pin.electionId }),
  };
}

/** `psephos:<peer id>`, a peer id, an election's id, or an invite whose addresses are of no use. */
async function readPin(find: string | true, { election }: PlaceFlags): Promise<Pin> {
  const electionPin = election === undefined ? {} : { electionId: election };
  if (find === true) return electionPin;
  const { parseDialTarget, publicKeyOfPeer } = await import('../../net/index.ts');
  const text = find.trim();
  if (text.startsWith('psephos:') && text.includes('/')) {
    const { peerId, electionId } = parseDialTarget(text);
    return {
      ...(peerId === undefined ? {} : { peerId }),
      ...(electionId === undefined ? {} : { electionId }),
    };
  }
  const bare = text.replace(/^psephos:/, '');
  // An election's id is a CID of DAG-CBOR, and no peer id begins so.
  if (bare.startsWith('bafy')) return { electionId: bare };
  publicKeyOfPeer(bare);
  return { ...electionPin, peerId: bare };
}

/** All that answer within LOOK_MS; where one is pinned, that one as soon as it does. */
async function look(pin: Pin, io: Io): Promise<Found[]> {
  const { findOnLan } = await import('../../net/discovery/lan.ts');
  const enough = new AbortController();
  const { signal, clear } = deadlineAfter(LOOK_MS, 'looked for long enough', io.signal, enough.signal);
  const asked: Promise<void>[] = [];
  const found: Found[] = [];
  try {
    // However many others answer, they are not in the way of the one that is pinned.
    const isSought = (peerId: string) => pin.peerId === undefined || pin.peerId === peerId;
    for await (const peer of findOnLan(signal, isSought)) {
      asked.push(
        whatIsAt(peer, io, enough.signal).then((one) => {
          if (one === undefined || (pin.electionId !== undefined && one.electionId !== pin.electionId))
            return;
          // It may be heard of at several of its addresses.
          if (found.some(({ peerId }) => peerId === one.peerId)) return;
          found.push(one);
          if (pin.peerId !== undefined || pin.electionId !== undefined) enough.abort();
        }),
      );
    }
    await Promise.all(asked);
  } catch (cause) {
    if (!(cause instanceof Error) || !('syscall' in cause)) throw orInterrupted(cause, io);
    throw unreachable(
      'not-found-here',
      `This system does not let the network be searched: ${cause.message}.`,
      {
        hint: HINT,
        cause,
      },
    );
  } finally {
    clear();
  }
  if (io.signal.aborted) throw orInterrupted(io.signal.reason, io);
  return found;
}

/** Which election an authority shows that it is the authority of; undefined where it isn't, or doesn't answer. */
async function whatIsAt(
  { peerId, addresses }: SaidPeer,
  io: Io,
  enough: AbortSignal,
): Promise<Found | undefined> {
  const { dialPeer } = await import('../../net/index.ts');
  const { signal, clear } = deadlineAfter(ASK_MS, 'no answer', io.signal, enough);
  try {
    const client = await dialPeer({ peerId, addresses }, { retries: 0, timeoutMs: ASK_MS, signal });
    try {
      const { electionId, entry } = knownGenesis((await client.info()).genesis.entry);
      if (peerIdText(entry.authority) !== peerId) return undefined;
      return { peerId, address: client.way.address, electionId, title: entry.title };
    } finally {
      await client.close();
    }
  } catch (error) {
    // Anybody in the network can answer; who then has no election to show is none to choose.
    if (isForeseen(error) || isAbort(error)) return undefined;
    throw error;
  } finally {
    clear();
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');
}

async function choose(found: readonly Found[], io: Io, out: Console): Promise<Found> {
  const [first, ...others] = found;
  if (first === undefined) {
    throw unreachable('not-found-here', 'No such election answers in this network.', { hint: HINT });
  }
  if (others.length === 0) return first;
  const ask = await askerOf(io);
  if (ask !== undefined)
    return ask.oneOf(
      'Which election?',
      found.map((one) => ({ name: describe(one), value: one })),
    );
  out.note(`${found.map(describe).join('\n\n')}\n\n`);
  throw unusable('several-found', `${found.length} elections are held in this network.`, {
    hint: 'Say which: --find, and the peer id or the election id that its organiser published.',
  });
}

function describe({ title, peerId, electionId }: Found): string {
  return `"${printable(title)}"\n  fingerprint ${fingerprint(electionId)}\n  peer id     ${peerId}`;
}

const HINT =
  'The organiser must be in the same network, and have started "admin" with --lan; guests of a Wi-Fi often can\'t see each other. ' +
  'Else dial the invite: --dial.';
