import { describeFinding } from '../../audit/report.ts';
import type { Alarm } from '../../services/observing/events.ts';
import { printable } from '../printable.ts';

/** What an alarm is about, in a sentence or two. */
export function alarmText(alarm: Alarm): string {
  switch (alarm.type) {
    case 'fork':
      return (
        `THE AUTHORITY SIGNED TWO HISTORIES, one of ${alarm.first} entries and one of ${alarm.second}, that can not both be true: ` +
        'it shows different people different logs, or somebody else has its key.'
      );
    case 'invalid-log':
      return `THE AUTHORITY SIGNED A LOG THAT BREAKS THE RULES: ${printable(describeFinding(alarm.finding))}.`;
    case 'rolled-back':
      return `THE AUTHORITY SHOWS ${alarm.size} ENTRIES, and it signed for ${alarm.ownSize}, which are all here: it lost or hides the rest.`;
  }
}

/** An alarm as nobody overlooks it. */
export function alarmBox(text: string): string {
  const line = '='.repeat(78);
  return `\n${line}\nALARM\n${text}\n${line}\n`;
}
