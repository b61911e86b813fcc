import { refused, unreachable, unusable } from '../../base/errors.ts';
import type { Checkpoint } from '../../log/checkpoint.ts';
import { openCosigned } from '../../log/cosignature.ts';
import { type ForkEvidence, type ProvenPrefix, continuity } from '../../log/evidence.ts';
import { type KnownGenesis, knownGenesis } from '../observing/known-genesis.ts';
import type { PeerClient } from '../ports.ts';
import { within } from './deadline.ts';
import { type LeftOut, leftOutFor, reasonsText } from './left-out.ts';

/** A peer, and the newest checkpoint that it showed: signed by the authority. */
export interface MetPeer {
  readonly client: PeerClient;
  readonly newest: Checkpoint;
}

/** Peers that serve one history of one election. */
export interface Agreement {
  readonly genesis: KnownGenesis;
  /** By decreasing size: the log of the first one continues those of all others. */
  readonly peers: readonly [MetPeer, ...MetPeer[]];
  readonly leftOut: readonly LeftOut[];
}

export interface AgreementInit {
  /** The id that the election must have, where it is known. */
  readonly electionId?: string | undefined;
  /** For a peer to answer, where there are others, in ms; ANSWER_MS unless given. */
  readonly answerMs?: number;
}

/** Two peers' newest checkpoints are of two histories, which the authority signed both. */
export class ForkFound extends Error {
  override readonly name = 'ForkFound';
  readonly evidence: ForkEvidence;

  constructor(evidence: ForkEvidence, message: string) {
    super(message);
    this.evidence = evidence;
  }
}

/** A busy peer on a poor line answers a short question in this time. */
export const ANSWER_MS = 20_000;

/**
 * Asks peers for their newest checkpoints, and compares these: each smaller one must be proven to be continued by the largest. Peers that don't
 * answer, can't prove what they show, or show another election than is wanted are left out. Throws `ForkFound`; `no-source`
 * (unreachable) where none is left, and `which-election` (usage) where they show several and it is not said which one is wanted.
 */
export async function agree(clients: readonly PeerClient[], init: AgreementInit = {}): Promise<Agreement> {
  const leftOut: LeftOut[] = [];
  const patience = clients.length > 1 ? (init.answerMs ?? ANSWER_MS) : undefined;
  const shown = await meetAll(clients, patience, leftOut);
  const genesis = whichElection(shown, init.electionId, leftOut);
  const peers: MetPeer[] = [];
  for (const { client, genesis: own, checkpoint } of shown) {
    const { name } = client;
    // Signatures of others are no part of what is agreed on.
    const newest = openCosigned(checkpoint, genesis.key, () => false);
    if (own.electionId !== genesis.electionId)
      leftOut.push({ name, why: 'other-election', reason: `It serves another election, ${own.electionId}.` });
    else if (newest.ok) peers.push({ client, newest: { ...newest.value, text: newest.value.bare } });
    else
      leftOut.push({
        name,
        why: 'wrong-answer',
        reason: `Its newest checkpoint is not good: ${newest.error}.`,
      });
  }
  peers.sort((a, b) => b.newest.size - a.newest.size);
  for (;;) {
    const [largest, ...others] = peers;
    if (largest === undefined) throw noSource(leftOut);
    const unable = await continuesAll(largest, others, genesis, patience);
    if (unable === undefined) return { genesis, peers: [largest, ...others], leftOut };
    leftOut.push(unable);
    peers.shift();
  }
}

/** That no peer is left, and what became of each. */
export function noSource(leftOut: readonly LeftOut[]): Error {
  return unreachable('no-source', `No peer is left to read the log from.${reasonsText(leftOut)}`, {
    hint: 'Name other observers, or the organiser.',
  });
}

interface ShownLog {
  readonly client: PeerClient;
  readonly genesis: KnownGenesis;
  readonly checkpoint: string;
}

async function meetAll(
  clients: readonly PeerClient[],
  patience: number | undefined,
  leftOut: LeftOut[],
): Promise<ShownLog[]> {
  const met = await Promise.all(
    clients.map(async (client) => {
      try {
        return await patiently(patience, meet(client));
      } catch (error) {
        leftOut.push(leftOutFor(client.name, error));
        return undefined;
      }
    }),
  );
  return met.filter((one) => one !== undefined);
}

async function meet(client: PeerClient): Promise<ShownLog> {
  const [entry, checkpoint] = await Promise.all([firstEntry(client), client.latestCheckpoint()]);
  if (entry === undefined || checkpoint === undefined)
    throw refused('bad-answer', 'Its log has no entry, or no checkpoint.');
  return { client, genesis: knownGenesis(entry), checkpoint };
}

async function firstEntry(client: PeerClient): Promise<Uint8Array | undefined> {
  for await (const [first] of client.entries(0, 1)) if (first !== undefined) return first;
  return undefined;
}

/** Never the one that most peers show: anybody can run any number of them. */
function whichElection(
  shown: readonly ShownLog[],
  wanted: string | undefined,
  leftOut: readonly LeftOut[],
): KnownGenesis {
  const ids = new Set(shown.map(({ genesis }) => genesis.electionId));
  if (wanted === undefined && ids.size > 1) {
    const which = shown.map(({ client, genesis }) => `\n  ${client.name}: ${genesis.electionId}`).join('');
    throw unusable('which-election', `The peers serve different elections.${which}`, {
      hint: 'Say which one is meant, with --election or an invite.',
    });
  }
  const found = shown.find(({ genesis }) => wanted === undefined || genesis.electionId === wanted);
  if (found !== undefined) return found.genesis;
  const others = shown.map(({ client, genesis }) => ({
    name: client.name,
    why: 'other-election' as const,
    reason: `It serves another election, ${genesis.electionId}.`,
  }));
  throw noSource([...leftOut, ...others]);
}

/** Undefined where the largest log is proven to continue all others; else why its peer is to be left out. Throws `ForkFound`. */
async function continuesAll(
  largest: MetPeer,
  others: readonly MetPeer[],
  genesis: KnownGenesis,
  patience: number | undefined,
): Promise<LeftOut | undefined> {
  const { name } = largest.client;
  const found = await Promise.all(
    others.map(async ({ client, newest }): Promise<LeftOut | undefined> => {
      let prefix: ProvenPrefix;
      try {
        prefix = await prefixOf(largest, newest.size, patience);
      } catch (error) {
        return leftOutFor(name, error);
      }
      switch (continuity(newest, largest.newest, prefix)) {
        case 'continues':
          return undefined;
        case 'unproven':
          return {
            name,
            why: 'wrong-answer',
            reason: `It can not prove that its log goes on from that of ${client.name}.`,
          };
        case 'conflicts': {
          const { root, proof } = prefix;
          const [first, second] = [newest.text, largest.newest.text];
          throw new ForkFound(
            { kind: 'fork', genesis: genesis.bytes, first, second, root, proof },
            `${client.name} (${newest.size} entries) and ${name} (${largest.newest.size} entries) show two histories, and the authority signed both`,
          );
        }
      }
    }),
  );
  return found.find((one) => one !== undefined);
}

/** How the log of a peer begins. */
function prefixOf(
  { client, newest }: MetPeer,
  size: number,
  patience: number | undefined,
): Promise<ProvenPrefix> {
  if (size === newest.size) return Promise.resolve({ root: newest.root, proof: [] });
  return patiently(patience, client.consistency(size, newest.size));
}

function patiently<T>(ms: number | undefined, promise: Promise<T>): Promise<T> {
  return ms === undefined ? promise : within(ms, promise);
}
