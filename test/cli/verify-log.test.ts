import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { Level } from 'level';
import { CHECKS } from '#src/audit/report.js';
import { exitCodeOfVerdict, runVerifyLog } from '#src/cli/verify-log.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { leafHash } from '#src/log/merkle.js';
import { formatReceipt } from '#src/log/receipt.js';
import { exportCar, exportJsonLines, openSnapshot } from '#src/store/index.js';
import { AT, LogBuilder, ROUND_1, TURNOUT_1, VOTERS, memoryLog, sampleLog } from '../support/build-log.js';
import { capturedIo } from '../support/captured-io.js';
import { NaiveTree } from '../support/naive-merkle.js';
import { PollingPlace } from '../support/polling-place.js';
import { jsonLines } from '../support/processes.js';
import { storeLog } from '../support/stored-log.js';
import { AUTHORITY, tempFolder } from '../support/temp-election.js';

async function run(...argv: string[]) {
  const io = capturedIo();
  const code = await runVerifyLog(argv, io);
  return { code, out: io.out(), err: io.err(), last: io.out().trimEnd().split('\n').at(-1) ?? '' };
}

async function stored(t: TestContext, log: LogBuilder = sampleLog()): Promise<string> {
  const folder = join(await tempFolder(t), 'election');
  await storeLog(folder, log);
  return folder;
}

/** A file next to the data folder. */
async function fileBeside(folder: string, name: string, text: string): Promise<string> {
  const path = join(folder, '..', name);
  await writeFile(path, text);
  return path;
}

/** A log in which the ballot at index 6 was cast by nobody on the roll. */
function badLog(): LogBuilder {
  const log = new LogBuilder();
  log.genesis();
  log.roll(VOTERS.slice(1));
  log.openRound(1);
  log.cast(VOTERS[1], 1, [[0]]);
  log.cast(VOTERS[2], 1, [[0]]);
  log.cast(VOTERS[0], 1, [[0]]);
  log.checkpoint();
  return log;
}

describe('verify-log', () => {
  it('ends with code 0 for a valid log alone', () => {
    assert.deepEqual(
      { valid: exitCodeOfVerdict('valid'), invalid: exitCodeOfVerdict('invalid') },
      { valid: 0, invalid: 1 },
    );
  });

  it('shows each check, each result and the verdict for a data folder', async (t) => {
    const log = sampleLog();
    const { code, out, last } = await run(await stored(t, log));
    assert.equal(code, 0);
    assert.equal(last, 'VALID: 18 entries and 2 published results checked, nothing wrong.');
    assert.ok(out.startsWith('Best to-go restaurant\n'));
    assert.ok(out.includes(log.electionId) && out.includes(String(log.head.cid)));
    assert.match(out, /✓ The published results are what the ballots give/);
    assert.match(out, /– It is the election that was expected \(no expected election was given\)/);
    assert.match(out, /Ciao +█+▍? +5 +71\.4 % +◀ most votes/);
    assert.match(out, /A tie between Bella, Ciao\./);
  });

  it('gives all of it as lines of JSON, and people’s text on standard error', async (t) => {
    const log = sampleLog();
    const { code, out, err } = await run(await stored(t, log), '--json');
    assert.equal(code, 0);
    const lines = jsonLines(out);
    const events = lines.map((line) => line['event']);
    assert.equal(events[0], 'election');
    assert.equal(events.filter((event) => event === 'check').length, CHECKS.length);
    assert.equal(events.at(-1), 'verdict');
    const result = lines.find((line) => line['event'] === 'result');
    assert.deepEqual(result?.['turnout'], TURNOUT_1);
    const [question] = result['questions'] as { answers: { votes: number }[]; blank: number; tie: boolean }[];
    assert.ok(question);
    assert.deepEqual(
      question.answers.map(({ votes }) => votes),
      ROUND_1[0]?.answers,
    );
    assert.deepEqual([question.blank, question.tie], [1, false]);
    assert.equal(lines.at(-1)?.['verdict'], 'valid');
    assert.equal(lines.at(-1)?.['head'], String(log.head.cid));
    assert.match(err, /^VALID: /m);
  });

  it('says the same of exports in either form', async (t) => {
    for (const log of [sampleLog(), badLog()]) {
      const folder = await stored(t, log);
      const source = await openSnapshot(folder);
      const [car, jsonl] = [join(folder, '..', 'log.car'), join(folder, '..', 'log.jsonl')];
      await exportCar(source, car);
      await exportJsonLines(source, jsonl);
      await source.close();
      const ofFolder = await run(folder);
      for (const path of [car, jsonl]) {
        const ofExport = await run(path, '--workers', '1');
        assert.equal(ofExport.code, ofFolder.code);
        assert.equal(ofExport.out.replaceAll(path, folder), ofFolder.out);
      }
    }
  });

  it('ends with code 1 and names the first bad entry, and why', async (t) => {
    const folder = await stored(t, badLog());
    const { code, out, last } = await run(folder);
    assert.equal(code, 1);
    assert.equal(
      last,
      "INVALID: entry 6: The ballot's key is not on the roll, or its voter enrolled another one.",
    );
    assert.match(out, /✗ Every ballot is by a voter on the roll\n {6}entry 6: /);
    const { out: json } = await run(folder, '--json');
    const verdict = jsonLines(json).at(-1);
    assert.equal(verdict?.['verdict'], 'invalid');
    assert.deepEqual((verdict['first'] as { seq: number }).seq, 6);
  });

  it('names the entry that is damaged on disk, and leaves it as it is', async (t) => {
    const folder = await stored(t);
    const db = new Level<string, Uint8Array>(join(folder, 'log'), { valueEncoding: 'view' });
    const keys = (await db.keys().all()).filter((key) => key.startsWith('entry/'));
    const key = keys[AT.ballots + 1] ?? '';
    const sealed = Uint8Array.from(await db.get(key));
    sealed[100] = (sealed[100] ?? 0) ^ 1;
    await db.put(key, sealed);
    await db.close();
    const { code, last } = await run(folder);
    assert.equal(code, 1);
    assert.match(last, /^INVALID: entry 5: .*damaged/);
    const { code: again } = await run(folder);
    assert.equal(again, 1);
  });

  it('names the entry that is damaged in an export', async (t) => {
    const folder = await stored(t);
    const source = await openSnapshot(folder);
    const path = join(folder, '..', 'log.jsonl');
    await exportJsonLines(source, path);
    await source.close();
    const lines = (await readFile(path, 'utf8')).split('\n');
    const at = lines.findIndex((line) => line.includes('"seq":7'));
    lines[at] = (lines[at] ?? '').replace('"kind":"ballot"', '"kind":"ballet"');
    await writeFile(path, lines.join('\n'));
    const { code, last } = await run(path);
    assert.equal(code, 1);
    assert.match(last, /^INVALID: entry 7: /);
  });

  it('does not let a log write to the terminal as it likes', async (t) => {
    const log = new LogBuilder();
    log.genesis();
    log.raw(Uint8Array.from([0xa1, 0x65, ...Buffer.from('\u001b[31m'), 1]));
    log.checkpoint();
    const { code, out } = await run(await stored(t, log));
    assert.equal(code, 1);
    assert.ok(!out.includes('\u001b'));
  });
});

describe('verify-log with what an auditor knows from before', () => {
  const receiptOf = (log: LogBuilder, index: number, of = 1) => {
    const size = [3, 7, 10, 12, 14, 18][of] ?? 0;
    const proof = new NaiveTree(log.entries.slice(0, size).map(leafHash)).path(index, size);
    return formatReceipt({
      index,
      proof,
      checkpoint: { text: log.checkpoints[of] ?? '' },
      extra: log.entries[index] ?? new Uint8Array(),
    });
  };

  it('takes receipts and checkpoints for what the log must continue', async (t) => {
    const log = sampleLog();
    const folder = await stored(t, log);
    const receipt = await fileBeside(folder, 'mine.tlog-proof', receiptOf(log, 5));
    const checkpoint = await fileBeside(folder, 'checkpoint', log.checkpoints[2] ?? '');
    const { code, out } = await run(
      folder,
      '--receipt',
      receipt,
      '--checkpoint',
      checkpoint,
      '--election',
      log.electionId,
    );
    assert.equal(code, 0);
    assert.match(out, /✓ The log continues every checkpoint known from before/);
    assert.match(out, /✓ It is the election that was expected/);
    assert.match(out, /Receipt .*mine\.tlog-proof: entry 5 of the log/);
  });

  it('ends with code 1 when the log was rolled back behind them, or is another', async (t) => {
    const log = sampleLog();
    const short = new LogBuilder();
    short.genesis();
    short.roll(VOTERS);
    short.checkpoint();
    const folder = await stored(t, short);
    const receipt = await fileBeside(folder, 'mine.tlog-proof', receiptOf(log, 5));
    const rolledBack = await run(folder, '--receipt', receipt);
    assert.equal(rolledBack.code, 1);
    assert.match(rolledBack.last, /^INVALID: checkpoint of 7 entries: .* entries were removed$/);
    const other = await run(folder, '--election', 'bafyother');
    assert.equal(other.code, 1);
    assert.match(other.last, /^INVALID: this is election /);
  });

  it('ends with code 2 for a receipt or checkpoint that is none, or proves nothing', async (t) => {
    const log = sampleLog();
    const folder = await stored(t, log);
    const wrong = await fileBeside(
      folder,
      'wrong.tlog-proof',
      receiptOf(log, 5).replace('index 5', 'index 4'),
    );
    const nonsense = await fileBeside(folder, 'nonsense', 'hello\n');
    for (const argv of [
      ['--receipt', wrong],
      ['--receipt', nonsense],
      ['--checkpoint', nonsense],
      ['--receipt', join(folder, 'nowhere')],
    ]) {
      const { code, err } = await run(folder, ...argv);
      assert.equal(code, 2, argv.join(' '));
      assert.notEqual(err, '');
    }
  });
});

describe('verify-log on a live election', () => {
  const authority = { seed: AUTHORITY, publicKey: publicKeyOf(AUTHORITY) };
  /** A node that serves a made log. */
  const serving = (t: TestContext, log: LogBuilder): Promise<PollingPlace> => {
    const source = memoryLog(log.entries, log.checkpoints);
    return PollingPlace.start(t, {
      secrets: false,
      misbehave: () => ({
        entries: (from, to) => source.entries(from, to),
        checkpoints: (from) => source.checkpoints(from),
        latestCheckpoint: () => source.latestCheckpoint(),
      }),
    });
  };

  it('audits it over the network, and checks whose it is', async (t) => {
    const log = sampleLog('public', authority);
    const place = await serving(t, log);
    const { code, out, last } = await run(place.address);
    assert.equal(code, 0, out);
    assert.match(last, /^VALID: 18 entries/);
    assert.match(out, /✓ It is the election that was expected/);
    // The invite names the election that the node really runs, which is another.
    const invited = await run(place.invite);
    assert.equal(invited.code, 1);
    assert.match(invited.last, /^INVALID: this is election /);
  });

  it('takes an address for the election of that authority alone, since observers serve those of others', async (t) => {
    const log = sampleLog();
    const place = await serving(t, log);
    const { code, out, last } = await run(place.address);
    assert.equal(code, 0, out);
    assert.match(last, /^VALID: /);
    assert.match(out, /– It is the election that was expected \(no expected election was given\)/);
    assert.match(out, /NOTE: The log was read from observers, .* compare the fingerprint above/);
    const named = await run(place.address, '--election', log.electionId);
    assert.equal(named.code, 0, named.out);
    assert.match(named.out, /✓ It is the election that was expected/);
    const other = await run(place.address, '--election', place.log.electionId);
    assert.equal(other.code, 1);
    assert.match(other.last, /^INVALID: this is election /);
  });

  it('audits a real one while it is open', async (t) => {
    const place = await PollingPlace.start(t, { secrets: false });
    const { code, out } = await run(place.invite);
    assert.equal(code, 0, out);
    assert.match(out, /Round 1: Round 1, not closed: so far/);
  });

  it('ends with code 3 where nobody answers', async () => {
    const { code, err } = await run(
      '/ip6/::1/tcp/1/p2p/12D3KooWQ7pP4RM9rpfUxP4LqYkqdyCb7jrVuPTqNFYfXbkvnYbp',
    );
    assert.equal(code, 3, err);
  });
});

describe('verify-log that is not told what to do', () => {
  it('ends with code 2, and says what is wrong', async (t) => {
    const folder = await tempFolder(t);
    const text = await fileBeside(join(folder, 'x'), 'notes.txt', 'some notes\n');
    for (const argv of [
      [],
      ['a', 'b'],
      [join(folder, 'nowhere')],
      [folder],
      [text],
      [folder, '--workers', 'many'],
      [folder, '--wrong'],
      ['psephos:nonsense'],
    ]) {
      const { code, err } = await run(...argv);
      assert.equal(code, 2, `${argv.join(' ')}: ${err}`);
      assert.notEqual(err, '');
      assert.doesNotMatch(err, /defect/);
    }
  });

  it('shows its help, with examples, and ends with code 0', async () => {
    const { code, out } = await run('--help');
    assert.equal(code, 0);
    assert.match(out, /Examples:\n +verify-log \.\/election/);
  });

  it('ends with code 1 and no verdict when it is interrupted', async (t) => {
    const folder = await stored(t);
    const io = capturedIo();
    io.interrupt();
    assert.equal(await runVerifyLog([folder], io), 1);
    assert.equal(io.out(), '');
    assert.match(io.err(), /Interrupted/);
  });
});
