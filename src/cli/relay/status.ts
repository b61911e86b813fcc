import * as z from 'zod';
import type { RelayNode } from '../../net/index.ts';
import type { Served } from './admission.ts';

const count = z.int().min(0);

/** What a relay does, as `status --json` prints it. */
export const statusSchema = z.strictObject({
  event: z.literal('status'),
  peerId: z.string(),
  addresses: z.array(z.string()),
  serves: z.strictObject({
    anybody: z.boolean(),
    peers: z.array(z.string()),
    elections: z.array(z.string()),
  }),
  reservations: count,
  /** Relayed connections now, and since the start; bytes both ways. */
  relayed: count,
  relayedEver: count,
  bytes: count,
  /** Requests refused, by the status that was answered. */
  refused: z.record(z.string(), count),
});
export type StatusReport = z.infer<typeof statusSchema>;

export function statusOf(relay: RelayNode, { anybody, peers, elections }: Served): StatusReport {
  return {
    event: 'status',
    peerId: relay.peerId,
    addresses: relay.addresses(),
    serves: { anybody, peers: [...peers], elections: [...elections] },
    ...relay.figures(),
  };
}

export function statusText(report: StatusReport): string {
  const refused = Object.entries(report.refused).map(([status, times]) => `${status}: ${times}`);
  const rows: (readonly [string, string])[] = [
    ...report.addresses.map((address) => ['Address', address] as const),
    ['Serves', servesText(report.serves)],
    ['So far', figuresText(report)],
    ['Refused', refused.length === 0 ? 'nothing' : refused.join(', ')],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return `${rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n')}\n`;
}

export function servesText({ anybody, peers, elections }: StatusReport['serves']): string {
  if (anybody) return 'whoever asks';
  return [
    ...peers.map((peer) => `peer ${peer}`),
    ...elections.map((id) => `the organiser of election ${id}`),
  ].join(', ');
}

/** One line for now and then. */
export function figuresText({
  reservations,
  relayed,
  relayedEver,
  bytes,
}: Pick<StatusReport, 'reservations' | 'relayed' | 'relayedEver' | 'bytes'>): string {
  return `${reservations} can be reached through here; ${relayed} connections now, ${relayedEver} since the start, ${sizeText(bytes)} passed on`;
}

function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  const power = Math.min(Math.floor(Math.log10(bytes) / 3), units.length);
  return `${(bytes / 1000 ** power).toFixed(1)} ${units[power - 1]}`;
}
