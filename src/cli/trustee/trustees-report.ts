import type { AuditReport } from '../../audit/report.ts';
import type { Console } from '../console.ts';
import { printable } from '../printable.ts';
import { trusteeRowsOf } from '../trustee-rows.ts';

/** Shows all trustees with the fingerprints of their keys, to be compared aloud; `own` is the number of who reads it. */
export function reportTrusteesOf({ trustees }: AuditReport, own: number, out: Console): void {
  if (trustees === undefined) return;
  const rows = trusteeRowsOf(trustees);
  out.emit({ event: 'trustees', own, trustees: rows });
  const lines = rows.map(
    ({ trustee, name, fingerprint }) =>
      `  ${fingerprint}  ${printable(name ?? `trustee ${trustee}`)}${trustee === own ? ' (you)' : ''}\n`,
  );
  out.say(
    `The trustees' keys. Compare these fingerprints aloud with the others, or with the organiser:\n${lines.join('')}`,
  );
}
