import { join } from 'node:path';
import { PsephosError, refused } from '../../base/errors.ts';
import { toHex, utf8ToBytes } from '../../base/bytes.ts';
import { sha256 } from '../../crypto/hash.ts';
import type { VoterAlarm } from '../../services/witnessing/findings.ts';
import { writeSecretFile } from '../../store/files.ts';
import type { Console } from '../console.ts';
import { alarmBox } from '../observer/alarm-text.ts';
import { printable } from '../printable.ts';
import { programLine, shellWord } from '../program-line.ts';

/** Writes what shows an alarm into a folder, and says loudly what happened and what to do. */
export async function raiseAlarm(alarm: VoterAlarm, folder: string, out: Console): Promise<void> {
  const { suffix, text } = proofOf(alarm);
  const name = `psephos-${alarm.type}-${toHex(sha256(utf8ToBytes(text))).slice(0, 12)}${suffix}`;
  const file = await keep(join(folder, name), text, out);
  const { type, ...about } = alarm;
  out.emit({ event: 'alarm', alarm: type, ...withoutTexts(about), file: file ?? null });
  out.note(alarmBox(`${whatHappened(alarm)}\n\n${whatToDo(alarm, file ?? '<file>')}`));
}

/** The error with which a program ends that raised an alarm. */
export function alarmError(message: string): PsephosError {
  return refused('alarm', message, {
    hint: 'Keep the files that are named above, and show them to observers and to other voters.',
  });
}

function proofOf(alarm: VoterAlarm): { readonly suffix: string; readonly text: string } {
  return 'checkpoint' in alarm
    ? { suffix: '.checkpoint', text: alarm.checkpoint }
    : { suffix: '.evidence.json', text: alarm.evidence };
}

/** Undefined where it could not be written: it is printed then, and must not be lost. */
async function keep(path: string, text: string, out: Console): Promise<string | undefined> {
  try {
    await writeSecretFile(path, text);
    return path;
  } catch (error) {
    if (!(error instanceof PsephosError)) throw error;
    // Named after what is in it.
    if (error.code === 'file-exists') return path;
    out.note(`${error.message}\nCopy this into a file:\n\n${text}\n`);
    return undefined;
  }
}

function withoutTexts(about: object): object {
  return Object.fromEntries(
    Object.entries(about).filter(([name]) => name !== 'evidence' && name !== 'checkpoint'),
  );
}

function whatHappened(alarm: VoterAlarm): string {
  switch (alarm.type) {
    case 'fork':
      return (
        `THE KEY OF THIS ELECTION SIGNED TWO HISTORIES, one of ${alarm.first} entries and one of ${alarm.second}, that can not both be true.\n` +
        'Either the organiser shows different people different logs, or somebody else has the key.'
      );
    case 'rolled-back':
      return (
        `THE ORGANISER SHOWS ${alarm.shown} ENTRIES, and signed for ${alarm.kept}, which this program or an observer saw.\n` +
        'Entries were lost, or are hidden: ballots may be among them.'
      );
    case 'unproven':
      return (
        `THE ORGANISER DOES NOT PROVE that the log goes on from ${alarm.size} entries, which were signed for and which this program or an\n` +
        'observer saw. An honest program always can.'
      );
    case 'omission': {
      const what = alarm.tracker === undefined ? 'KEY' : `BALLOT ${alarm.tracker}`;
      return `YOUR ${what} IS NOT IN THE LOG that the organiser shows, although there is a receipt for it.\n${printable(alarm.reason)}`;
    }
  }
}

function whatToDo(alarm: VoterAlarm, file: string): string {
  const verify = programLine('verify-log');
  const word = shellWord(file);
  const keep = `What shows it is in ${file}. Keep that file, and give it to observers and to other voters.\n`;
  switch (alarm.type) {
    case 'fork':
      return `${keep}Anybody can check it, without any network:\n  ${verify} --evidence ${word}`;
    case 'rolled-back':
    case 'unproven':
      return `${keep}A log that does not go on from there is refused by:\n  ${verify} <log> --checkpoint ${word}`;
    case 'omission':
      return `${keep}Anybody who has the log can check it:\n  ${verify} <log> --evidence ${word}`;
  }
}
