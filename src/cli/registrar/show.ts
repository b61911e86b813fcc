import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '../../base/bytes.ts';
import { registrarFingerprint, rollFingerprint } from '../../election/registration.ts';
import { fileError } from '../../store/fs-errors.ts';
import { readRollFile } from '../../store/roll-files.ts';
import type { Console } from '../console.ts';
import { printable } from '../printable.ts';
import { ROLL_FILE } from './folder.ts';

/** Checks a roll, in a registrar's folder or by itself, and prints it. Throws as `readRollFile` does. */
export async function show(name: string, out: Console): Promise<void> {
  const isFolder = await stat(name).then(
    (found) => found.isDirectory(),
    (error: unknown) => {
      throw fileError(error, name);
    },
  );
  const file = isFolder ? join(name, ROLL_FILE) : name;
  const registration = await readRollFile(file);
  const { uuid, names, kdf, voters } = registration;
  const weight = voters.reduce((sum, voter) => sum + voter.weight, 0);
  const registrar = registrarFingerprint(registration.registrar);
  const roll = rollFingerprint(registration);
  out.emit({
    event: 'roll',
    file,
    uuid,
    names,
    kdf,
    voters: voters.length,
    weight,
    registrar,
    rollFingerprint: roll,
  });
  for (const voter of voters) out.emit({ event: 'voter', ...voter, key: toHex(voter.key) });
  const heading = [
    `${file} is as its registrar signed it.`,
    `  Voters       ${voters.length}, of weight ${weight} together`,
    `  Names        ${names === 'public' ? 'usernames' : 'pseudonyms'}`,
    `  Registrar    ${registrar}`,
    `  Roll         ${roll}`,
    '',
  ];
  const rows = voters.map((voter) => `${String(voter.weight).padStart(9)}  ${printable(voter.name)}`);
  out.say(`${[...heading, '   weight  name', ...rows].join('\n')}\n`);
}
