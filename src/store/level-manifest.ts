import { Fields } from './level-fields.ts';
import { readRecords } from './level-records.ts';

/** Which files LevelDB needs, as its manifest says: a log of changes to that set (LevelDB, db/version_edit.cc). */
export interface LiveFiles {
  /** Names of table files. */
  readonly tables: readonly string[];
  /** Write-ahead logs from this number on hold what no table holds yet. */
  readonly firstLog: number;
}

const TAGS = {
  comparator: 1,
  logNumber: 2,
  nextFileNumber: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLogNumber: 9,
} as const;

/** Reads a manifest, of which the last record may be incomplete; undefined where one isn't of the known form. */
export function readManifest(bytes: Uint8Array): LiveFiles | undefined {
  const tables = new Map<string, number>();
  let firstLog = 0;
  for (const record of readRecords(bytes)) {
    const edit = readEdit(record);
    if (edit === undefined) return undefined;
    // A table that moves to another level is deleted from one and new in the other, within one record.
    for (const { level, number } of edit.deleted) tables.delete(`${level}/${number}`);
    for (const { level, number } of edit.added) tables.set(`${level}/${number}`, number);
    firstLog = edit.firstLog ?? firstLog;
  }
  const names = [...new Set(tables.values())].map((number) => `${String(number).padStart(6, '0')}.ldb`);
  return { tables: names, firstLog };
}

interface TableOfLevel {
  readonly level: number;
  readonly number: number;
}

interface Edit {
  readonly firstLog: number | undefined;
  readonly deleted: readonly TableOfLevel[];
  readonly added: readonly TableOfLevel[];
}

function readEdit(bytes: Uint8Array): Edit | undefined {
  const fields = new Fields(bytes);
  const deleted: TableOfLevel[] = [];
  const added: TableOfLevel[] = [];
  let firstLog: number | undefined;
  while (!fields.done) {
    switch (fields.number()) {
      case TAGS.logNumber:
        firstLog = fields.number();
        break;
      case TAGS.nextFileNumber:
      case TAGS.lastSequence:
      case TAGS.previousLogNumber:
        fields.number();
        break;
      case TAGS.comparator:
        fields.skipText();
        break;
      case TAGS.compactPointer:
        fields.number();
        fields.skipText();
        break;
      case TAGS.deletedFile:
        deleted.push({ level: fields.number(), number: fields.number() });
        break;
      case TAGS.newFile:
        added.push({ level: fields.number(), number: fields.number() });
        fields.number();
        fields.skipText();
        fields.skipText();
        break;
      default:
        return undefined;
    }
  }
  return fields.overrun ? undefined : { firstLog, deleted, added };
}
