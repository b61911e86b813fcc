import type { Expected } from '../../audit/checks/identity.ts';
import type { AuditReport } from '../../audit/report.ts';
import { PsephosError, unusable } from '../../base/errors.ts';
import { equalBytes, toHex } from '../../base/bytes.ts';
import { peerIdText } from '../../crypto/peer-id.ts';
import { openCosigned } from '../../log/cosignature.ts';
import { type Checkpoint, type LogKey, origin } from '../../log/checkpoint.ts';
import {
  type ForkEvidence,
  continuity,
  formatEvidence,
  judgeEvidence,
  parseEvidence,
} from '../../log/evidence.ts';
import type { DialTarget, DialledPeer } from '../../net/index.ts';
import { ManySources } from '../../services/many-sources.ts';
import { knownGenesis } from '../../services/observing/known-genesis.ts';
import { type ExchangeAnswer, PeerRefusal } from '../../services/ports.ts';
import { writeFileAtomic } from '../../store/files.ts';
import type { Console } from '../console.ts';
import { printable } from '../printable.ts';
import { programLine } from '../program-line.ts';
import type { Target } from './target.ts';

/** Observers that are dialled where that is asked for: enough to find out about a second history. */
const MOST_ASKED = 8;

/** Where a log is read from over the network. */
export interface Peers {
  readonly clients: readonly DialledPeer[];
  /** Where there are several. */
  readonly many: ManySources | undefined;
  /** Whether one of them is the authority of the election that it shows. */
  readonly hasAuthority: boolean;
}

/**
 * Dials the peers that were named, all at once. Throws as `dialPeer` where one can't be reached (of several: where none can), `wrong-election` where invites
 * name different ones, and `ForkFound`.
 */
export async function dialPeers(
  names: readonly string[],
  election: string | undefined,
  signal: AbortSignal,
): Promise<Target> {
  // libp2p takes more time and memory than the audit of a small log.
  const { parseDialTarget } = await import('../../net/index.ts');
  const targets = names.map(parseDialTarget);
  const ids = [...new Set([election, ...targets.map(({ electionId }) => electionId)])].filter(
    (id) => id !== undefined,
  );
  if (ids.length > 1) throw unusable('wrong-election', `Different elections are named: ${ids.join(', ')}.`);
  const dialled = await Promise.allSettled(targets.map((target) => dialOrObserver(target, signal)));
  const clients = dialled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failure = dialled.find((one) => one.status === 'rejected');
  const [only] = clients;
  if (only === undefined) throw failure?.reason;
  const close = async () => {
    await Promise.all(clients.map((client) => client.close()));
  };
  try {
    const many = names.length > 1 ? await ManySources.open(clients, { electionId: ids[0] }) : undefined;
    const genesis = many?.genesis ?? knownGenesis((await only.info()).genesis.entry);
    const authority = clients.find(({ peerKey }) => equalBytes(peerKey, genesis.entry.authority));
    const expected: Expected = {
      ...(ids[0] === undefined ? {} : { expectedElection: ids[0] }),
      // An address that names the authority's peer pins the election: its libp2p key is the one that signs checkpoints.
      ...(authority === undefined || !targets.some(({ peerId }) => peerId === authority.peerId)
        ? {}
        : { expectedAuthority: genesis.entry.authority }),
    };
    const peers = { clients, many, hasAuthority: authority !== undefined };
    return { source: many ?? only, expected, close, peers };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Whom an invite leads to: the organiser or, where nobody answers there, the first of the observers that it names. Throws as `dialPeer`. */
async function dialOrObserver(target: DialTarget, signal: AbortSignal): Promise<DialledPeer> {
  const { dialPeer, parseDialTarget } = await import('../../net/index.ts');
  try {
    return await dialPeer(target, { signal });
  } catch (failure) {
    if (!(failure instanceof PsephosError) || failure.kind !== 'unreachable') throw failure;
    for (const address of target.observers) {
      try {
        return await dialPeer(parseDialTarget(address), { signal, retries: 0 });
      } catch (error) {
        // The next one may be there; that the organiser is not is what is said in the end.
        if (!(error instanceof PsephosError)) throw error;
      }
    }
    throw failure;
  }
}

/**
 * Compares the audited log with what the peers know of checkpoints that observers cosigned, and with evidence that they have; with
 * `ask`, with observers that they name, too. Says what came of it; false where the authority signed another history as well.
 */
export async function comparePeers(
  peers: Peers,
  report: AuditReport,
  { ask, signal }: { readonly ask: boolean; readonly signal: AbortSignal },
  out: Console,
): Promise<boolean> {
  const { election, checkpoint } = report;
  tellPeers(peers, out);
  if (election === undefined || checkpoint === undefined) return true;
  const key: LogKey = { origin: origin(election.id), publicKey: election.authority };
  const comparison = new Comparison({ ...checkpoint, origin: key.origin }, key, election.id);
  const observers = new Map<string, readonly string[]>();
  for (const client of peers.clients) {
    const answer = await comparison.with(client);
    for (const { key: observer, addresses } of answer?.observers ?? [])
      observers.set(toHex(observer), addresses);
  }
  if (ask) await askObservers([...observers.values()], comparison, signal, out);
  for (const [observer, size] of comparison.cosigned) {
    out.emit({ event: 'cosigned', observer, size });
    out.say(`  Cosigned by  ${observer}, ${size} entries\n`);
  }
  if (comparison.fork === undefined) return true;
  await reportFork(comparison.fork, out);
  return false;
}

async function askObservers(
  observers: readonly (readonly string[])[],
  comparison: Comparison,
  signal: AbortSignal,
  out: Console,
): Promise<void> {
  const { dialPeer, parseDialTarget } = await import('../../net/index.ts');
  const addresses = observers.flatMap(([address]) => (address === undefined ? [] : [address]));
  await Promise.all(
    addresses.slice(0, MOST_ASKED).map(async (address) => {
      try {
        const client = await dialPeer(parseDialTarget(address), { signal, retries: 0 });
        try {
          await comparison.with(client);
        } finally {
          await client.close();
        }
      } catch (error) {
        if (!(error instanceof PsephosError)) throw error;
        out.note(`The observer at ${printable(address)} does not answer.\n`);
      }
    }),
  );
}

/** Saves evidence of a fork, and says so as loudly as it deserves. */
export async function reportFork(evidence: ForkEvidence, out: Console): Promise<void> {
  const text = formatEvidence(evidence);
  const judged = judgeEvidence(evidence);
  if (!judged.ok) throw new Error(`evidence that shows nothing: ${judged.error}`);
  const file = `psephos-fork-${judged.value.electionId.slice(-8)}.evidence.json`;
  await writeFileAtomic(file, text);
  out.emit({ event: 'fork', electionId: judged.value.electionId, file });
  const line = '='.repeat(78);
  out.note(
    `\n${line}\nALARM: THE AUTHORITY OF THIS ELECTION SIGNED TWO HISTORIES.\nWhat proves it: ${file}\nKeep it, and show it to others: ` +
      `${programLine('verify-log')} --evidence ${file}\n${line}\n`,
  );
  out.say('\nINVALID: the authority signed two histories of this election.\n');
}

function tellPeers({ many, hasAuthority }: Peers, out: Console): void {
  if (!hasAuthority)
    out.note('The log was read from observers; its fingerprint, above, says which election it is.\n');
  if (many === undefined) return;
  for (const { name, size } of many.agreeing) {
    out.emit({ event: 'peer', name, size, agrees: true });
    out.say(`  Agrees       ${printable(name)}, ${size} entries\n`);
  }
  for (const { name, reason } of many.dropped) {
    out.emit({ event: 'peer', name, agrees: false, reason });
    out.note(`  LEFT OUT     ${printable(name)}: ${printable(reason)}\n`);
  }
}

/** Holds what peers tell of checkpoints against a log that was audited. */
class Comparison {
  readonly #audited: Checkpoint;
  readonly #key: LogKey;
  readonly #electionId: string;
  /** By peer id, the largest size that each observer cosigned, of this history. */
  readonly cosigned = new Map<string, number>();
  fork: ForkEvidence | undefined;

  constructor(audited: Checkpoint, key: LogKey, electionId: string) {
    this.#audited = audited;
    this.#key = key;
    this.#electionId = electionId;
  }

  /** Asks a peer; undefined where it does not speak of checkpoints, or does not answer. */
  async with(client: DialledPeer): Promise<ExchangeAnswer | undefined> {
    try {
      const answer = await client.exchange({ checkpoint: this.#audited.text, observer: null, evidence: [] });
      for (const text of answer.evidence) this.#heed(text);
      for (const text of [answer.checkpoint, ...answer.cosigned]) await this.#compare(client, text);
      return answer;
    } catch (error) {
      // Of an older version, or gone: it has nothing to say, which says nothing of the log.
      if (error instanceof PsephosError || error instanceof PeerRefusal) return undefined;
      throw error;
    }
  }

  #heed(text: string): void {
    const evidence = parseEvidence(text);
    if (!evidence.ok || evidence.value.kind !== 'fork') return;
    const judged = judgeEvidence(evidence.value);
    if (judged.ok && judged.value.electionId === this.#electionId) this.fork ??= evidence.value;
  }

  async #compare(client: DialledPeer, text: string): Promise<void> {
    const opened = openCosigned(text, this.#key);
    if (!opened.ok) return;
    const [first, second] =
      opened.value.size <= this.#audited.size ? [opened.value, this.#audited] : [this.#audited, opened.value];
    const prefix =
      first.size === second.size
        ? { root: second.root, proof: [] }
        : await client.consistency(first.size, second.size);
    switch (continuity(first, second, prefix)) {
      case 'continues':
        for (const { observer } of opened.value.cosignatures) {
          const id = peerIdText(observer);
          this.cosigned.set(id, Math.max(this.cosigned.get(id) ?? 0, opened.value.size));
        }
        return;
      case 'conflicts': {
        const genesis = (await client.info()).genesis.entry;
        const { root, proof } = prefix;
        this.fork ??= { kind: 'fork', genesis, first: first.text, second: second.text, root, proof };
        return;
      }
      case 'unproven':
        return;
    }
  }
}
