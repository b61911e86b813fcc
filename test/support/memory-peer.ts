import { leafHash } from '#src/log/merkle.js';
import { type ExchangeAnswer, type PeerClient, PeerRefusal } from '#src/services/ports.js';
import { type LogBuilder, memoryLog } from './build-log.ts';
import { NaiveTree } from './naive-merkle.ts';

/** A peer in this process that serves a made log honestly, up to `size` entries where that is given, but for what `misbehave` replaces. */
export function memoryPeer(
  name: string,
  log: LogBuilder,
  { misbehave = () => ({}), size = log.size }: MemoryPeerOptions = {},
): PeerClient {
  const entries = log.entries.slice(0, size);
  const checkpoints = log.checkpoints.filter((text) => sizeOf(text) <= size);
  const newest = checkpoints.at(-1);
  if (newest === undefined) throw new Error('a log without a checkpoint');
  const tree = new NaiveTree(entries.map(leafHash));
  const source = memoryLog(entries, checkpoints, 100);
  const unused = () => Promise.reject(new Error('not to be asked'));
  const answer: ExchangeAnswer = {
    checkpoint: newest,
    prefix: null,
    cosigned: [],
    observers: [],
    evidence: [],
  };
  const honest: PeerClient = {
    ...source,
    name,
    peerKey: log.authority.publicKey,
    info: unused,
    consistency: (first, second = sizeOf(newest)) =>
      second > entries.length
        ? Promise.reject(new PeerRefusal('not-found', 'That long the log is not.'))
        : Promise.resolve({
            root: tree.root(first),
            proof: first === 0 ? [] : tree.proof(first, second),
            checkpoint: newest,
          }),
    exchange: () => Promise.resolve(answer),
    standing: unused,
    cast: unused,
    enrol: unused,
    handIn: unused,
    inclusion: unused,
    reportChecks: unused,
    follow: () => {
      throw new Error('not to be asked');
    },
    close: () => Promise.resolve(),
  };
  return { ...honest, ...misbehave(honest) };
}

export interface MemoryPeerOptions {
  readonly misbehave?: (honest: PeerClient) => Partial<PeerClient>;
  readonly size?: number;
}

function sizeOf(checkpoint: string): number {
  return Number(checkpoint.split('\n')[1]);
}
