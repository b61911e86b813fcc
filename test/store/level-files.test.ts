import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Level } from 'level';
import { crc32c } from '#src/store/crc32c.js';
import { readManifest } from '#src/store/level-manifest.js';
import { judgeRecords, readRecords } from '#src/store/level-records.js';
import { isIntactTable } from '#src/store/level-table.js';
import { tempFolder } from './folder.js';
import { madeEntry } from './made-batches.js';

/** Bytes of LevelDB's own making: its log file after synced batches of these sizes. */
async function logOf(folder: string, sizes: readonly number[]): Promise<Buffer> {
  const db = new Level<string, Uint8Array>(folder, { valueEncoding: 'view', compression: false });
  for (const [index, size] of sizes.entries())
    await db.put(`key ${index}`, madeEntry(index, size), { sync: true });
  await db.close();
  return readFile(join(folder, '000003.log'));
}

/** Records from a byte to a block and a half, some of which end near a block's end. */
const SIZES = [1, 100, 32_000, 700, 50_000, 5, 32_768, 32_729, 3, 90_000, 20];

describe("LevelDB's files", () => {
  it('are checked with the CRC that they are written with', () => {
    // RFC 3720 appendix B.4 and the check value of the CRC catalogues.
    assert.equal(crc32c(Buffer.from('123456789'), 0, 9), 0xe3069283);
    assert.equal(crc32c(new Uint8Array(32), 0, 32), 0x8a9136aa);
    assert.equal(crc32c(new Uint8Array(32).fill(0xff), 0, 32), 0x62a8ab43);
    assert.equal(
      crc32c(
        Uint8Array.from({ length: 34 }, (_, i) => i - 1),
        1,
        33,
      ),
      0x46dd794e,
    );
  });

  it('have the same CRC however many bytes are taken at a time', () => {
    const bitByBit = (bytes: Uint8Array) => {
      let crc = 0xffffffff;
      for (const byte of bytes) {
        crc ^= byte;
        for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
      }
      return ~crc >>> 0;
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(20), fc.nat(20), (bytes, before, after) => {
        const from = Math.min(before, bytes.length);
        const to = Math.max(from, bytes.length - after);
        assert.equal(crc32c(bytes, from, to), bitByBit(bytes.subarray(from, to)));
      }),
    );
  });

  it('are whole as LevelDB wrote them, record by record', async (t) => {
    const log = await logOf(await tempFolder(t), SIZES);
    assert.equal(judgeRecords(log), 'whole');
    const records = [...readRecords(log)];
    assert.equal(records.length, SIZES.length);
    for (const [index, record] of records.entries()) {
      assert.ok(Buffer.from(record).includes(Buffer.from(madeEntry(index, SIZES[index]))));
    }
    assert.equal(judgeRecords(new Uint8Array()), 'whole');
  });

  it('are torn where they are cut off anywhere inside a record, and whole where cut off between two', async (t) => {
    const log = await logOf(await tempFolder(t), [100, 40_000, 200]);
    const wholeAt: number[] = [];
    for (let end = 0; end <= log.length; end += 61) {
      const cut = log.subarray(0, end);
      assert.notEqual(judgeRecords(cut), 'damaged', `cut at ${end}`);
      if (judgeRecords(cut) === 'whole') wholeAt.push(end);
    }
    assert.deepEqual(wholeAt, [0]);
    const first = 7 + 12 + 1 + 1 + 'key 0'.length + 1 + 100;
    assert.equal(judgeRecords(log.subarray(0, first)), 'whole');
    assert.equal([...readRecords(log.subarray(0, first))].length, 1);
    for (const zeros of [1, 6, 7, 50, 40_000]) {
      assert.notEqual(judgeRecords(Buffer.concat([log, Buffer.alloc(zeros)])), 'damaged');
    }
  });

  it('are judged in good time whatever they look like', () => {
    for (const byte of [0, 1, 2, 4, 255])
      assert.equal(judgeRecords(new Uint8Array(4 << 20).fill(byte)), 'torn');
  });

  it('are damaged where any bit before the last record is changed', async (t) => {
    const log = await logOf(await tempFolder(t), SIZES);
    // The last record: a fragment's header, the batch's header, the key and its value.
    const last = log.length - (7 + 12 + 1 + 1 + 'key 10'.length + 1 + 20);
    fc.assert(
      fc.property(fc.nat(last - 1), fc.nat(7), (at, bit) => {
        const changed = Buffer.from(log);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        // The few bytes at a block's end that no header fits in mean nothing.
        if (32_768 - (at % 32_768) < 7 && judgeRecords(changed) === 'whole') return;
        assert.equal(judgeRecords(changed), 'damaged', `byte ${at}`);
      }),
      { numRuns: 300 },
    );
  });

  it('are torn or damaged where a bit of the last record is changed', async (t) => {
    const log = await logOf(await tempFolder(t), [50, 60]);
    for (let at = 0; at < log.length; at++) {
      const changed = Buffer.from(log);
      changed[at] = (changed[at] ?? 0) ^ 16;
      assert.notEqual(judgeRecords(changed), 'whole');
    }
  });

  it('are torn where a power cut lost any pages of the last record', async (t) => {
    const log = await logOf(await tempFolder(t), [50, 200_000]);
    for (let page = 4096; page < log.length; page += 4096) {
      const lost = Buffer.from(log);
      lost.fill(0, page, Math.min(page + 4096, log.length));
      assert.equal(judgeRecords(lost), 'torn');
    }
  });

  it('name in the manifest the tables and logs that are there', async (t) => {
    const folder = await tempFolder(t);
    for (let session = 0; session < 9; session++) {
      const db = new Level<string, Uint8Array>(folder, {
        valueEncoding: 'view',
        compression: false,
        writeBufferSize: 65_536,
      });
      for (let i = 0; i < 300; i++) await db.put(`key ${(i * 7919) % 1000}`, Buffer.alloc(500, i));
      await db.close();
    }
    const names = await readdir(folder);
    const manifest = await readFile(join(folder, names.find((name) => name.startsWith('MANIFEST')) ?? ''));
    const live = readManifest(manifest);
    // LevelDB may leave a table that it was making when it was closed.
    assert.ok((live?.tables.length ?? 0) > 1);
    assert.ok(live?.tables.every((name) => names.includes(name)));
    assert.ok(
      names
        .filter((name) => name.endsWith('.log'))
        .every((name) => parseInt(name, 10) >= (live?.firstLog ?? Infinity)),
    );
    for (const name of live?.tables ?? [])
      assert.equal(isIntactTable(await readFile(join(folder, name))), true);
  });

  it('are no intact tables where any bit of one is changed, or it is cut off', async (t) => {
    const folder = await tempFolder(t);
    await logOf(folder, SIZES);
    await logOf(folder, [1]).catch(() => undefined);
    const name = (await readdir(folder)).find((each) => each.endsWith('.ldb')) ?? '';
    const table = await readFile(join(folder, name));
    assert.equal(isIntactTable(table), true);
    fc.assert(
      fc.property(fc.nat(table.length - 1), fc.nat(7), (at, bit) => {
        const changed = Buffer.from(table);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        assert.equal(isIntactTable(changed), isPadding(table, at), `byte ${at}`);
      }),
      { numRuns: 300 },
    );
    fc.assert(fc.property(fc.nat(table.length - 1), (end) => !isIntactTable(table.subarray(0, end))));
    assert.equal(isIntactTable(Buffer.concat([table, table])), false);
  });
});

/** The footer's last 48 bytes: two handles, then zeros that nothing reads, then 8 bytes. */
function isPadding(table: Buffer, at: number): boolean {
  const footer = table.subarray(table.length - 48);
  let end = 0;
  for (let numbers = 0; numbers < 4; end++) if ((footer[end] ?? 0) < 128) numbers++;
  const inFooter = at - (table.length - 48);
  return inFooter >= end && inFooter < 40;
}
