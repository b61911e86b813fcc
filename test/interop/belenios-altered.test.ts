import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { type ArchiveEntry, readArchiveHeader } from '#src/belenios/v1/archive/reader.js';
import { ArchiveWriter } from '#src/belenios/v1/archive/writer.js';
import { auditArchive } from '#src/belenios/v1/audit/audit-archive.js';
import { cryptography } from '#src/belenios/v1/cryptography.js';
import type { EventType } from '#src/belenios/v1/encoding/events.js';
import { decodeOwned, decodeSizedEncryptedTally } from '#src/belenios/v1/encoding/tally.js';
import { entriesOf } from '../belenios/fixtures.ts';
import { belenios, hasBelenios } from '../support/belenios-tool.ts';
import { valueOf } from '../support/results.ts';
import { type Scenario, runScenario } from '../support/sealed-scenarios.ts';
import { singleTrustees } from '../support/sealed-election.ts';
import { QUESTION, tempFolder } from '../support/temp-election.ts';

const SCENARIO: Scenario = {
  voters: 3,
  weightOf: (voter) => voter + 1,
  questions: [QUESTION],
  trustees: singleTrustees(2),
  votes: [
    [0, [0]],
    [1, [1]],
    [0, [2]],
    [2, null],
  ],
  decrypting: [1, 2],
};

interface Event {
  readonly type: EventType;
  readonly texts: readonly string[];
}

/** An archive of other events with the same beginning: names, references and chain are made anew, so that they hold. */
async function relinked(archive: Uint8Array, change: (events: Event[]) => Event[]): Promise<Uint8Array> {
  const events = (await entriesOf(archive)).map(({ event, data }) => ({
    type: event.type,
    texts: data.map(({ text }) => text),
  }));
  const writer = new ArchiveWriter(valueOf(await readArchiveHeader([archive])));
  return Buffer.concat([writer.begin(), ...change(events).map((event) => written(writer, event))]);
}

function written(writer: ArchiveWriter, { type, texts }: Event): Uint8Array {
  const [first = '', second = '', third = ''] = texts;
  switch (type) {
    case 'Setup':
      return writer.setup({ election: first, trustees: second, credentials: third });
    case 'EncryptedTally':
      return writer.encryptedTally(first, valueOf(decodeSizedEncryptedTally(second)));
    case 'PartialDecryption':
      return writer.partialDecryption(valueOf(decodeOwned(second)).owner, first);
    case 'Ballot':
    case 'EndBallots':
    case 'Shuffle':
    case 'EndShuffles':
    case 'Result':
      return writer.append(type, texts);
  }
}

const nextDigit = (digit: string) => (digit === '1' ? '2' : '1');

/** Changes the first digit that the pattern's only group finds, in one text of the first event of a type. */
function altered(type: EventType, text: number, pattern: RegExp): (events: Event[]) => Event[] {
  return (events) => {
    const at = events.findIndex((event) => event.type === type);
    return events.map((event, index) => {
      if (index !== at) return event;
      const changed = event.texts.map((source, place) =>
        place === text
          ? source.replace(pattern, (found, digit: string) => `${found.slice(0, -1)}${nextDigit(digit)}`)
          : source,
      );
      assert.notDeepEqual(changed, event.texts, `nothing to change in ${type}`);
      return { ...event, texts: changed };
    });
  };
}

interface Change {
  /** The first stage of an archive that has what is changed. */
  readonly from: 'voted' | 'closed' | 'decrypted by 1' | 'decrypted by 2';
  readonly change: (events: Event[]) => Event[];
  /** Stages at which Belenios' program 3.0 does not see it; after `from` on it sees it always where this is not there. */
  readonly unseen?: 'always' | 'without result';
}

const ballotsOf = (events: readonly Event[]) =>
  events.flatMap(({ type }, index) => (type === 'Ballot' ? [index] : []));

/** Changes that leave the chain whole, so that only what they change can give them away. */
const CHANGES: Readonly<Record<string, Change>> = {
  'a bound in the election': { from: 'voted', change: altered('Setup', 0, /"max":(\d)/) },
  "a digit of a trustee's proof": { from: 'voted', change: altered('Setup', 1, /"challenge":"(\d)/) },
  "a digit of a trustee's key": { from: 'voted', change: altered('Setup', 1, /"public_key":"[a-f]*(\d)/) },
  "a digit of a voter's credential": { from: 'voted', change: altered('Setup', 2, /^\["[a-f]*(\d)/) },
  "a voter's weight": { from: 'closed', change: altered('Setup', 2, /,(\d)"/), unseen: 'always' },
  "a digit of a ballot's ciphertext": { from: 'voted', change: altered('Ballot', 0, /"alpha":"[a-f]*(\d)/) },
  'a digit of the proof of a cell': {
    from: 'voted',
    change: altered('Ballot', 0, /"individual_proofs":\[\[{"challenge":"(\d)/),
  },
  'a digit of the overall proof': {
    from: 'voted',
    change: altered('Ballot', 0, /"overall_proof":\[{"challenge":"(\d)/),
  },
  'a digit of the proof about the blank vote': {
    from: 'voted',
    change: altered('Ballot', 0, /"blank_proof":\[{"challenge":"(\d)/),
  },
  "a digit of a ballot's signature": {
    from: 'voted',
    change: altered('Ballot', 0, /"signature":{"hash":"[^"]*","proof":{"challenge":"(\d)/),
  },
  'a digit of the tally': {
    from: 'closed',
    change: altered('EncryptedTally', 0, /"beta":"[a-f]*(\d)/),
    unseen: 'without result',
  },
  'how many ballots are in the tally': {
    from: 'closed',
    change: altered('EncryptedTally', 1, /"num_tallied":(\d)/),
    unseen: 'always',
  },
  'the weight of the tally': {
    from: 'closed',
    change: altered('EncryptedTally', 1, /"total_weight":(\d)/),
    unseen: 'always',
  },
  'a digit of a decryption factor': {
    from: 'decrypted by 1',
    change: altered('PartialDecryption', 0, /^{"decryption_factors":\[\["[a-f]*(\d)/),
    unseen: 'without result',
  },
  'a digit of the proof of a decryption': {
    from: 'decrypted by 1',
    change: altered('PartialDecryption', 0, /"challenge":"(\d)/),
    unseen: 'without result',
  },
  'who decrypted': {
    from: 'decrypted by 1',
    change: altered('PartialDecryption', 1, /"owner":(\d)/),
    unseen: 'without result',
  },
  'a number of the result': { from: 'decrypted by 2', change: altered('Result', 0, /(\d)/) },
  'a ballot left out': {
    from: 'closed',
    change: (events) => events.toSpliced(ballotsOf(events).at(-1) ?? 0, 1),
    unseen: 'always',
  },
  'the ballots of a voter in another order': {
    from: 'closed',
    change: (events) => {
      const [first = 0, , third = 0] = ballotsOf(events);
      const [a, b] = [events[first], events[third]];
      assert.ok(a !== undefined && b !== undefined);
      return events.with(first, b).with(third, a);
    },
    unseen: 'always',
  },
  'a ballot that is there twice': {
    from: 'voted',
    change: (events) => events.toSpliced((ballotsOf(events).at(-1) ?? 0) + 1, 0, ...events.slice(1, 2)),
  },
};

const ORDER = ['opened', 'voted', 'closed', 'decrypted by 1', 'decrypted by 2'];

/** Where an event and its files begin and end in the archive. */
function extents(archive: Uint8Array, entries: readonly ArchiveEntry[]) {
  const starts = entries.map(({ data: [first], file }) => (first ?? file).offset);
  return starts.map((start, index) => ({
    type: entries[index]?.event.type,
    start,
    end: starts[index + 1] ?? archive.length,
  }));
}

it("an archive of ours with something changed is refused by us, and by Belenios' own program where it can see it", async (t) => {
  if (!hasBelenios(t)) return;
  const folder = await tempFolder(t);
  const { stages } = await runScenario(t, SCENARIO, join(folder, 'stages'));
  let tried = 0;
  const verdicts = async (archive: Uint8Array) => {
    const own = join(folder, `changed ${tried++}`);
    await mkdir(own);
    await writeFile(join(own, 'round.bel'), archive);
    const [{ verdict }, { accepted }] = await Promise.all([
      auditArchive([archive], { cryptography }),
      belenios('election', 'verify', '--dir', own),
    ]);
    return { ours: verdict, theirs: accepted ? 'valid' : 'invalid' };
  };

  for (const { stage, path } of stages) {
    const archive = await readFile(path);
    await t.test(`${stage}: nothing changed`, async () => {
      assert.deepEqual(await relinked(archive, (events) => events), archive);
      assert.deepEqual(await verdicts(archive), { ours: 'valid', theirs: 'valid' });
    });

    for (const [what, { from, change, unseen }] of Object.entries(CHANGES)) {
      if (ORDER.indexOf(stage) < ORDER.indexOf(from)) continue;
      const isUnseen = unseen === 'always' || (unseen !== undefined && stage !== ORDER.at(-1));
      await t.test(`${stage}: ${what}`, async () => {
        const { ours, theirs } = await verdicts(await relinked(archive, change));
        assert.equal(ours, 'invalid');
        if (!isUnseen) assert.equal(theirs, 'invalid');
      });
    }

    const entries = await entriesOf(archive);
    const parts = extents(archive, entries);
    await t.test(`${stage}: one digit of any file`, async () => {
      for (const { data, file } of entries) {
        for (const { text } of [...data, file]) {
          const at = archive.indexOf(text) + text.search(/\d/);
          const changed = Buffer.from(archive);
          changed.write(nextDigit(String.fromCharCode(archive[at] ?? 0)), at, 'latin1');
          assert.deepEqual(
            await verdicts(changed),
            { ours: 'invalid', theirs: 'invalid' },
            text.slice(0, 60),
          );
        }
      }
    });
    await t.test(`${stage}: an event missing, or two in each other's place`, async () => {
      for (const [index, { start, end, type = '' }] of parts.entries()) {
        const next = parts[index + 1];
        // Without its last event it is an archive of an earlier stage.
        if (next === undefined) continue;
        const before = archive.subarray(0, start);
        const without = Buffer.concat([before, archive.subarray(end)]);
        const swapped = Buffer.concat([
          ...[before, archive.subarray(next.start, next.end)],
          ...[archive.subarray(start, end), archive.subarray(next.end)],
        ]);
        for (const changed of [without, swapped])
          assert.deepEqual(await verdicts(changed), { ours: 'invalid', theirs: 'invalid' }, type);
      }
    });
    await t.test(`${stage}: cut off, or with something behind it`, async () => {
      for (const changed of [archive.subarray(0, -512), Buffer.concat([archive, Buffer.alloc(1024)])])
        assert.deepEqual(await verdicts(changed), { ours: 'invalid', theirs: 'invalid' });
    });
  }
});
