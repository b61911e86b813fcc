import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '#src/base/bytes.js';
import { type ArchiveProblem, readArchive, readArchiveHeader } from '#src/belenios/v1/archive/reader.js';
import { ArchiveWriter } from '#src/belenios/v1/archive/writer.js';
import { decodeOwned, decodeSizedEncryptedTally } from '#src/belenios/v1/encoding/tally.js';
import { encodeHeader } from '#src/belenios/v1/encoding/events.js';
import { valueOf } from '../../support/results.js';
import { CASES, ELECTIONS, entriesOf, expectedOf, fixture } from '../fixtures.js';

const archives = [
  ...ELECTIONS.flatMap((name) =>
    Object.keys((expectedOf(name) as { verify: object }).verify).map((file) => `${name}/${file}`),
  ),
  'unsupported/lists.bel',
];
const small = fixture('h-single/tallied.bel');

async function problemOf(
  archive: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<ArchiveProblem | undefined> {
  let problem: ArchiveProblem | undefined;
  for await (const read of readArchive(archive)) if (!read.ok) problem = read.error;
  return problem;
}

/** An archive written again from its texts. */
async function rewritten(archive: Uint8Array): Promise<Uint8Array> {
  const writer = new ArchiveWriter(valueOf(await readArchiveHeader([archive])));
  const chunks = [writer.begin()];
  for (const { event, data } of await entriesOf(archive)) {
    chunks.push(
      writer.append(
        event.type,
        data.map(({ text }) => text),
      ),
    );
  }
  return concatBytes(...chunks);
}

describe('archives', () => {
  for (const path of archives) {
    it(`${path} is written again byte for byte`, async () => {
      assert.deepEqual(await rewritten(fixture(path)), fixture(path));
    });
  }

  it('a number as timestamp is kept as it is', async () => {
    const archive = fixture('invalid/tar-belenios-timestamp-number/archive.bel');
    assert.deepEqual(await rewritten(archive), archive);
  });

  it('are written by the event as Belenios writes them', async () => {
    const [setup, ...entries] = await entriesOf(small);
    const [election = '', trustees = '', credentials = ''] = setup?.data.map(({ text }) => text) ?? [];
    const writer = new ArchiveWriter(valueOf(await readArchiveHeader([small])));
    const chunks = [writer.begin(), writer.setup({ election, trustees, credentials })];
    for (const { event, data } of entries) {
      const [first = '', second = ''] = data.map(({ text }) => text);
      if (event.type === 'Ballot') chunks.push(writer.ballot(first));
      if (event.type === 'EndBallots') chunks.push(writer.endBallots());
      if (event.type === 'EncryptedTally') {
        chunks.push(writer.encryptedTally(first, valueOf(decodeSizedEncryptedTally(second))));
      }
      if (event.type === 'PartialDecryption') {
        chunks.push(writer.partialDecryption(valueOf(decodeOwned(second)).owner, first));
      }
      if (event.type === 'Result') chunks.push(writer.result(first));
    }
    assert.deepEqual(concatBytes(...chunks), small);
  });

  it('are continued by a new writer from the last event', async () => {
    const open = fixture('h-single/open.bel');
    const entries = await entriesOf(small);
    const last = entries.slice(0, (await entriesOf(open)).length).at(-1);
    assert.ok(last);
    const { height, type } = last.event;
    const writer = new ArchiveWriter(valueOf(await readArchiveHeader([small])), {
      hash: last.file.hash,
      height,
      type,
    });
    const rest = entries.slice(height + 1).map(({ event, data }) =>
      writer.append(
        event.type,
        data.map(({ text }) => text),
      ),
    );
    assert.deepEqual(concatBytes(open, ...rest), small);
  });

  it('read the same in chunks of any size', async () => {
    const expected = await entriesOf(small);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1 }), async (sizes) => {
        async function* chunks(): AsyncGenerator<Uint8Array> {
          for (let at = 0, i = 0; at < small.length; i++) {
            // One byte now and then, so that a list of zeros ends too.
            const size = Math.max(sizes[i % sizes.length] ?? 0, i % 7 === 0 ? 100 : 0);
            await Promise.resolve();
            yield small.subarray(at, at + size);
            at += size;
          }
        }
        const entries = [];
        for await (const entry of readArchive(chunks())) entries.push(valueOf(entry));
        assert.deepEqual(entries, expected);
      }),
      { numRuns: 20 },
    );
  });

  it('are an earlier stage when cut after any event, and refused when cut anywhere else', async () => {
    const entries = await entriesOf(small);
    const ends = new Set(
      entries.map(({ file }) => {
        const length = new TextEncoder().encode(file.text).length;
        return file.offset + 512 + Math.ceil(length / 512) * 512;
      }),
    );
    // With nothing but BELENIOS, an archive has just begun.
    ends.add(1024);
    for (let end = 0; end <= small.length; end += 512) {
      const problem = await problemOf([small.subarray(0, end)]);
      assert.equal(problem === undefined, ends.has(end), `cut at ${end}: ${JSON.stringify(problem)}`);
    }
  });

  it('are refused when any byte is changed', async () => {
    const archive = fixture('made-empty/open.bel');
    await fc.assert(
      fc.asyncProperty(
        fc.nat(archive.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, difference) => {
          const changed = archive.slice();
          changed[at] = (changed[at] ?? 0) ^ difference;
          assert.notEqual(await problemOf([changed]), undefined);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('are refused when something is added', async () => {
    for (const extra of ['\0', 'x', '\0'.repeat(512), '\0'.repeat(1024)]) {
      const problem = await problemOf([small, new TextEncoder().encode(extra)]);
      assert.equal(problem?.offset, small.length);
    }
  });
});

describe('refusals of the archive’s reader', () => {
  it('say at which byte and why', async () => {
    const at = async (name: string): Promise<string> => {
      const problem = await problemOf([fixture(`invalid/${name}/archive.bel`)]);
      return problem === undefined ? 'none' : `${problem.offset}: ${problem.message}`;
    };
    assert.equal(await at('tar-mode'), '8809: the mode is not 0644');
    assert.equal(await at('tar-empty'), '0: the archive is empty');
    assert.equal(await at('tar-padding-not-zero'), '9397: a file is not filled up with zeros');
    assert.match(await at('chain-parent-missing'), /^15872: the parent is not the event before it/);
    assert.match(await at('chain-event-extra-field'), /^15872: event: unknown field "note"/);
    assert.equal(await at('chain-payload-missing'), '15872: Ballot has no payload');
    assert.equal(await at('events-no-setup'), '3584: the first event is Ballot instead of Setup');
  });

  it('come for names that are no ASCII, and would be longer as text', async () => {
    for (const length of [1, 98, 99]) {
      const header = Buffer.alloc(512);
      header.fill(0xe9, 0, length);
      header.write('00000000000', 124, 'latin1');
      header.write('00000000001', 136, 'latin1');
      const problem = await problemOf([header]);
      assert.match(problem?.message ?? '', /no name/);
    }
  });

  it('come for each case of broken tar', async () => {
    const valid = new Set(['tar-belenios-timestamp-number', 'tar-truncated-between-events']);
    for (const name of CASES.filter((each) => each.startsWith('tar-'))) {
      const problem = await problemOf([fixture(`invalid/${name}/archive.bel`)]);
      assert.equal(problem === undefined, valid.has(name), name);
    }
  });

  it('come before a large file is read', async () => {
    const read = readArchive([small], { maxFileBytes: 300 });
    const first = await read.next();
    assert.ok(first.done !== true && !first.value.ok);
    assert.match(first.value.error.message, /403 bytes, more than the 300 allowed/);
  });
});

describe('the archive’s writer', () => {
  it('refuses events out of order, with too few files, and headers that are none', () => {
    const writer = new ArchiveWriter(encodeHeader(1_700_000_000));
    assert.throws(() => writer.ballot('{}'), RangeError);
    assert.throws(() => writer.append('Setup', ['{}']), RangeError);
    assert.equal(writer.head, undefined);
    assert.throws(() => new ArchiveWriter('{"version":1}'), RangeError);
  });

  it('writes what the reader takes, for any texts', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 2000 });
    await fc.assert(
      fc.asyncProperty(
        fc.record({ election: text, trustees: text, credentials: text }),
        fc.array(text, { maxLength: 5 }),
        fc.nat(8 ** 11 - 1),
        async (setup, ballots, startedAt) => {
          const writer = new ArchiveWriter(encodeHeader(startedAt));
          const archive = concatBytes(
            writer.begin(),
            writer.setup(setup),
            ...ballots.map((ballot) => writer.ballot(ballot)),
            writer.endBallots(),
          );
          const read = await entriesOf(archive);
          assert.deepEqual(
            read.slice(1, -1).map(({ data }) => data[0]?.text),
            ballots,
          );
          assert.equal(read[0]?.data[0]?.text, setup.election);
          assert.equal(writer.head?.hash, read.at(-1)?.file.hash);
        },
      ),
      { numRuns: 50 },
    );
  });
});
