import { CID } from 'multiformats/cid';
import { PsephosError, unusable } from '../../base/errors.ts';
import { isEntryCid } from '../../crypto/cid.ts';
import { peerIdText } from '../../crypto/peer-id.ts';
import { type RelayApplicant, parseDialTarget, publicKeyOfPeer } from '../../net/index.ts';
import { knownGenesis } from '../../services/observing/known-genesis.ts';

/** Whom a relay serves. */
export interface Served {
  readonly anybody: boolean;
  readonly peers: ReadonlySet<string>;
  /** Of these the authority is served, which is known by its key in the genesis. */
  readonly elections: ReadonlySet<string>;
}

/** Reads invites, peer ids, addresses that end in one, and election ids. Throws `nobody-served`, and usage errors for what can't be read. */
export function readServed(texts: readonly string[], anybody: boolean): Served {
  if (texts.length === 0 && !anybody) {
    throw unusable('nobody-served', 'Nothing says whom this relay serves.', {
      hint: "Name the election with --serve (its invite, its id, or the organiser's peer id); or say --open, and it serves whoever asks.",
    });
  }
  const peers = new Set<string>();
  const elections = new Set<string>();
  for (const text of texts.map((given) => given.trim())) {
    if (isElectionId(text)) elections.add(text);
    else for (const peer of readPeers(text)) peers.add(peer);
  }
  return { anybody, peers, elections };
}

/** Whether a relay lets itself be used to reach a peer. */
export async function admits(served: Served, applicant: RelayApplicant): Promise<boolean> {
  if (served.anybody || served.peers.has(applicant.peerId)) return true;
  if (served.elections.size === 0) return false;
  const bytes = await applicant.genesis();
  if (bytes === undefined) return false;
  try {
    // Anybody can show an election's genesis; its authority alone has the key in it, which is this peer's identity then.
    const { electionId, entry } = knownGenesis(bytes);
    return served.elections.has(electionId) && peerIdText(entry.authority) === applicant.peerId;
  } catch (error) {
    // What it shows is no genesis.
    if (error instanceof PsephosError) return false;
    throw error;
  }
}

/** Of an invite the organiser, and the observers that it names. */
function readPeers(text: string): string[] {
  if (!text.startsWith('psephos:') && !text.startsWith('/')) {
    publicKeyOfPeer(text);
    return [text];
  }
  const { peerId, observers } = parseDialTarget(text);
  if (peerId === undefined) {
    throw unusable('bad-address', `"${text}" does not say which peer is to be served.`, {
      hint: 'Give the invite, or the peer id that an address ends in after /p2p/.',
    });
  }
  return [peerId, ...observers.flatMap((address) => parseDialTarget(address).peerId ?? [])];
}

function isElectionId(text: string): boolean {
  try {
    const cid = CID.parse(text);
    return isEntryCid(cid) && cid.toString() === text;
  } catch {
    // The library throws for whatever is no CID: a peer id, an invite.
    return false;
  }
}
