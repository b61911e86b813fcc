import { peerIdText } from '../../crypto/peer-id.ts';
import { printable, thousands } from '../printable.ts';
import { isoTime } from '../time.ts';
import type { ReadPeers } from './peers.ts';

/** What came of reading a log from peers, as one object a line. */
export function peersObjects({ gathered, leftOut, hearsay, doubts }: ReadPeers): object[] {
  return [
    ...(gathered?.agreeing ?? []).map(({ name, size, isSlow }) => ({
      event: 'peer',
      name,
      agrees: true,
      size,
      slow: isSlow,
    })),
    ...leftOut.map(({ name, why, reason }) => ({ event: 'peer', name, agrees: false, why, reason })),
    ...hearsay.cosigners.map(({ observer, size, time }) => ({
      event: 'cosigned',
      observer: peerIdText(observer),
      size,
      time,
    })),
    ...doubts.map((message) => ({ event: 'doubt', message })),
    ...(isWithheld(gathered)
      ? [{ event: 'withheld', signed: gathered.signed.size, size: gathered.agreed.size }]
      : []),
  ];
}

/** The same for people; empty where there is nothing to say. */
export function peersText(peers: ReadPeers): string[] {
  const { gathered, leftOut, hearsay, doubts, hasAuthority } = peers;
  const rows = [
    ...(gathered?.agreeing ?? []).map(
      ({ name, size, isSlow }) => `  agrees       ${name}, ${entries(size)}${isSlow ? ', slowly' : ''}`,
    ),
    ...leftOut.map(({ name, reason }) => `  LEFT OUT     ${name}: ${reason}`),
    ...hearsay.cosigners.map(
      ({ observer, size, time }) =>
        `  cosigned by  ${peerIdText(observer)}, ${entries(size)}, ${isoTime(time * 1000)}`,
    ),
  ];
  const warnings = [
    ...doubts,
    ...(isWithheld(gathered)
      ? [
          `The authority signed for ${entries(gathered.signed.size)}, and nobody gave those after ${thousands(gathered.agreed.size)}. Audit again later.`,
        ]
      : []),
    ...(hasAuthority
      ? []
      : [
          'The log was read from observers, whose addresses do not tell which election it is: compare the fingerprint above.',
        ]),
  ].map((text) => `NOTE: ${printable(text)}\n`);
  return [
    ...(rows.length === 0 ? [] : [`Peers\n${rows.map((row) => `${printable(row)}\n`).join('')}`]),
    ...(warnings.length === 0 ? [] : [warnings.join('')]),
  ];
}

function isWithheld(gathered: ReadPeers['gathered']): gathered is NonNullable<ReadPeers['gathered']> {
  return gathered !== undefined && gathered.agreed.size < gathered.signed.size;
}

function entries(count: number): string {
  return `${thousands(count)} ${count === 1 ? 'entry' : 'entries'}`;
}
