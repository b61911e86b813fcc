import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { carryOver } from '#src/cli/admin/next-round.js';
import { cidOf } from '#src/crypto/cid.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import type { Question } from '#src/election/entries.js';
import { openCheckpoint } from '#src/log/checkpoint.js';
import { openExport } from '#src/store/open-export.js';
import { openLevelStore } from '#src/store/level-store.js';
import { capturedIo } from '../support/captured-io.ts';
import { needs } from '../support/needs.ts';
import { run } from '../support/processes.ts';
import { QUESTION } from '../support/temp-election.ts';
import { AdminPlace } from './admin-support.ts';
import { cleanUp } from '../support/cleanup.ts';

interface Status {
  readonly phase: string;
  readonly round: { readonly round: number; readonly turnout: { readonly voted: number } } | null;
  readonly draft: { readonly questions: readonly Question[] } | null;
}

async function statusOf(place: AdminPlace): Promise<Status> {
  const { lines } = await place.json('status');
  return lines[0]?.['status'] as Status;
}

/** A round's result as carryOver sees it. */
function lastRound(
  votes: readonly number[],
  question: Partial<Question> = {},
): Parameters<typeof carryOver>[0] {
  const answers = votes.map((_, index) => `answer ${index}`);
  const questions = [{ ...QUESTION, answers, ...question }];
  const base = { v: 1, seq: 0, prev: null, time: 0 } as const;
  return {
    entry: { ...base, kind: 'round', round: 1, title: 'R', questions, closes: null },
    result: {
      entry: {
        ...base,
        kind: 'result',
        round: 1,
        turnout: { voters: 0, weight: 0, voted: 0, votedWeight: 0, ballots: 0 },
        questions: [{ answers: votes, blank: 0, winners: [] }],
      },
      cid: cidOf(new Uint8Array()),
    },
  };
}

describe('answers carried over to a next round', () => {
  it('are those with the most votes, in the order of the ballot paper', () => {
    const { questions, tied } = carryOver(lastRound([3, 9, 1, 7]), 2);
    assert.deepEqual(questions[0]?.answers, ['answer 1', 'answer 3']);
    assert.deepEqual(tied, []);
  });

  it('are more than asked for where they tie at the cut', () => {
    const { questions, tied } = carryOver(lastRound([3, 9, 3, 1]), 2);
    assert.deepEqual(questions[0]?.answers, ['answer 0', 'answer 1', 'answer 2']);
    assert.deepEqual(tied, ['answer 0', 'answer 2']);
  });

  it('never leave out one that has as many votes as one that stays', () => {
    const votes = fc.array(fc.nat(4), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(votes, fc.nat(6), (list, wish) => {
        const count = Math.min(wish + 1, list.length - 1);
        const kept = new Set(carryOver(lastRound(list), count).questions[0]?.answers);
        const least = Math.min(...list.filter((_, index) => kept.has(`answer ${index}`)));
        assert.ok(kept.size >= count);
        list.forEach((number, index) => {
          assert.equal(kept.has(`answer ${index}`), number >= least);
        });
        assert.ok(list.filter((number) => number > least).length < count);
      }),
    );
  });

  it('leave no more choices to a ballot than there are answers', () => {
    const [question] = carryOver(lastRound([3, 2, 1, 0], { min: 3, max: 4 }), 2).questions;
    assert.deepEqual([question?.min, question?.max], [2, 2]);
  });

  it('are refused where it is not clear which they are', () => {
    assert.throws(() => carryOver(undefined, 2), /No round has a result yet/);
    assert.throws(
      () => carryOver(lastRound([1, 2]), 2),
      /Round 1 had 2 answers, of which 2 can't be a choice/,
    );
    const two = lastRound([1, 2]);
    const questions = [QUESTION, QUESTION];
    assert.throws(
      () => carryOver(two && { ...two, entry: { ...two.entry, questions } }, 1),
      /had 2 questions/,
    );
  });
});

describe('an election without a running admin process', () => {
  it('goes from opening to a run-off by commands alone', async (t) => {
    const place = await AdminPlace.withElection(t);
    assert.equal((await statusOf(place)).phase, 'ready');

    const opened = await place.admin('open');
    assert.equal(opened.code, 0, opened.err);
    assert.match(opened.out, /Round 1 \("Board"\) is open; it closes with "admin close"/);
    await place.cast([0, [1]], [1, [1]], [2, [3]], [3, [3]], [4, null]);
    const status = await place.admin('status', '--voters');
    assert.match(status.out, /Turnout {6}5 of 5 voted, 100 %/);
    assert.match(status.out, /not running: nobody can vote/);
    for (const voter of ['v0', 'v1', 'v2', 'v3', 'v4'])
      assert.ok(status.out.includes(`  Voted        ${voter}\n`));

    const closed = await place.admin('close');
    assert.equal(closed.code, 0, closed.err);
    assert.match(closed.out, /Round 1 is closed/);
    assert.match(closed.out, /A tie between b, d/);
    assert.deepEqual((await readdir(join(place.data, 'results'))).sort(), [
      'round-1.csv',
      'round-1.json',
      'round-1.md',
    ]);

    const next = await place.admin('next-round', '--carry', '2', '--title', 'Run-off', '--open');
    assert.equal(next.code, 0, next.err);
    assert.match(
      next.out,
      /Round 2 \("Run-off"\) is prepared\.\n {2}Board \(choose 1, or vote blank\)\n {4}- b\n {4}- d\n/,
    );
    assert.match(next.out, /Round 2 \("Run-off"\) is open/);
    await place.cast([0, [0]]);
    const { lines } = await place.json('close');
    assert.deepEqual(
      lines.map(({ event }) => event),
      ['closed', 'result'],
    );
    assert.match(await place.read('election/results/round-2.md'), /Most votes: b \(1 vote\)/);
  });

  it('publishes results that can be checked, and writes them again as they were', async (t) => {
    const place = await AdminPlace.withElection(t, '--open');
    await place.cast([0, [2]], [1, [2]], [2, null]);
    await place.admin('close');
    const before = await Promise.all(
      ['json', 'csv', 'md'].map((ext) => place.read(`election/results/round-1.${ext}`)),
    );
    const result = JSON.parse(before[0] as string) as {
      electionId: string;
      questions: { answers: object[]; blank: number; outcome: string }[];
      turnout: object;
      log: { size: number; head: string; checkpoint: string };
    };
    assert.deepEqual(result.questions[0]?.answers, [
      { answer: 'a', votes: 0, winner: false },
      { answer: 'b', votes: 0, winner: false },
      { answer: 'c', votes: 2, winner: true },
      { answer: 'd', votes: 0, winner: false },
    ]);
    assert.deepEqual([result.questions[0].blank, result.questions[0].outcome], [1, 'winner']);
    assert.deepEqual(result.turnout, { voters: 5, weight: 5, voted: 3, votedWeight: 3, ballots: 3 });

    const key = JSON.parse(
      await readFile(join(place.keys, (await readdir(place.keys))[0] as string), 'utf8'),
    ) as { seed: string };
    const publicKey = publicKeyOf(new Uint8Array(Buffer.from(key.seed, 'hex')));
    const checkpoint = openCheckpoint(result.log.checkpoint, {
      origin: `psephos/${result.electionId}`,
      publicKey,
    });
    assert.ok(checkpoint.ok);
    assert.equal(checkpoint.value.size, result.log.size);

    await rm(join(place.data, 'results'), { recursive: true });
    await place.admin('next-round', '--carry', '1', '--open');
    const again = await place.admin('results');
    assert.equal(again.code, 0, again.err);
    assert.match(again.out, /Most votes: c/);
    assert.deepEqual(
      await Promise.all(['json', 'csv', 'md'].map((ext) => place.read(`election/results/round-1.${ext}`))),
      before,
    );
  });

  it('says a tie at the cut of a run-off, and keeps both', async (t) => {
    const place = await AdminPlace.withElection(t, '--open');
    await place.cast([0, [0]], [1, [1]], [2, [1]], [3, [2]]);
    await place.admin('close');
    const { out } = await place.admin('next-round', '--carry', '2');
    assert.match(out, /A tie at the cut: a, c have equally many votes, so all of them were kept/);
    assert.deepEqual((await statusOf(place)).draft?.questions[0]?.answers, ['a', 'b', 'c']);
  });

  it('prepares a round from files, in place of one prepared before', async (t) => {
    const place = await AdminPlace.withElection(t);
    const candidates = await place.file('more.txt', 'x\ny\n');
    const prepared = await place.admin(
      'next-round',
      '--candidates',
      candidates,
      '--question',
      'Which?',
      '--closes',
      '+2h',
    );
    assert.equal(prepared.code, 0, prepared.err);
    assert.match(prepared.out, /Round 1 is prepared.*Which\?.*It closes .* in (?:2 h|1 h 59 min)/s);
    assert.deepEqual(
      (await statusOf(place)).draft?.questions.map(({ question }) => question),
      ['Which?'],
    );
  });

  it('exports its log, and never over a file unless told to', async (t) => {
    const place = await AdminPlace.withElection(t, '--open');
    await place.cast([0, [0]]);
    for (const format of ['car', 'jsonl']) {
      const file = place.path(`log.${format}`);
      const { code, out, err } = await place.admin('export', `--${format}`, file);
      assert.equal(code, 0, err);
      assert.match(out, /Exported 4 entries/);
      let entries = 0;
      for await (const chunk of (await openExport(file)).entries(0)) entries += chunk.length;
      assert.equal(entries, 4);
      assert.equal((await place.admin('export', `--${format}`, file)).code, 1);
      assert.equal((await place.admin('export', `--${format}`, file, '--force')).code, 0);
    }
    assert.match((await place.admin('export')).err, /--car FILE or --jsonl FILE/);
  });

  const wrong: Readonly<
    Record<string, readonly [options: string[], commands: string[][], code: number, message: RegExp]>
  > = {
    'closing what is not open': [[], [['close']], 1, /No round is open/],
    'opening what is open': [['--open'], [['open']], 1, /round 1 is still open/],
    'opening what was not prepared': [['--open'], [['close'], ['open']], 1, /No round is prepared/],
    'preparing while a round is open': [
      ['--open'],
      [['next-round', '--carry', '1']],
      1,
      /No round has a result yet|still open/,
    ],
    'carrying over nothing': [[], [['next-round', '--carry', '0']], 2, /whole number above 0/],
    'carrying over and new candidates': [
      [],
      [['next-round', '--carry', '2', '--candidates', 'x']],
      2,
      /cannot be used with/,
    ],
    'a round about nothing': [[], [['next-round']], 2, /nothing to vote on/],
    'an unknown command': [[], [['begin']], 2, /There is no command "begin"/],
    'more words than a command takes': [[], [['close', 'now']], 2, /Too many arguments/],
  };
  for (const [what, [options, commands, code, message]] of Object.entries(wrong)) {
    it(`refuses ${what}`, async (t) => {
      const place = await AdminPlace.withElection(t, ...options);
      for (const command of commands.slice(0, -1)) await place.admin(...command);
      const ended = await place.admin(...(commands.at(-1) as string[]));
      assert.match(ended.err, message);
      assert.equal(ended.code, code);
    });
  }

  it('reports a failure in JSON too', async (t) => {
    const place = await AdminPlace.withElection(t);
    const { code, lines } = await place.json('close');
    assert.equal(code, 1);
    assert.deepEqual(lines, [{ error: { code: 'not-open', message: 'No round is open.' } }]);
    assert.equal(((await place.json('--what')).lines[0]?.['error'] as { code: string }).code, 'usage');
  });

  it('says where it looked for an election or a key that is not there', async (t) => {
    const place = await AdminPlace.withElection(t);
    const none = await place.admin('status', '--data', place.path('none'));
    assert.equal(none.code, 2);
    assert.match(none.err, /The folder .*none does not exist/);
    const noKey = await place.admin('open', '--keys', place.path('none'));
    assert.equal(noKey.code, 2);
    assert.match(
      noKey.err,
      /key of this election is not there: .*none\/admin-[0-9a-f-]+\.key was looked for/,
    );
    assert.equal((await place.admin('status', '--keys', place.path('none'))).code, 0);
    assert.equal((await place.admin('results', '--keys', place.path('none'))).code, 0);
  });

  it('refuses a key file that others can read, and the key of another election', async (t) => {
    const place = await AdminPlace.withElection(t);
    const file = join(place.keys, (await readdir(place.keys))[0] as string);
    await chmod(file, 0o644);
    const exposed = await place.admin('open');
    assert.equal(exposed.code, 1);
    assert.match(exposed.err, /can be read or changed by other accounts.*chmod 600/s);
    const other = await AdminPlace.withElection(t);
    const theirs = await readFile(join(other.keys, (await readdir(other.keys))[0] as string));
    await rm(file);
    await place.file(`keys/${file.slice(place.keys.length + 1)}`, theirs);
    await chmod(file, 0o600);
    const wrongKey = await place.admin('open');
    assert.equal(wrongKey.code, 2);
    assert.match(wrongKey.err, /another key than the one that signs this election/);
  });

  it('says who holds the folder, where that is not an admin process', async (t) => {
    const place = await AdminPlace.withElection(t);
    const store = await openLevelStore(place.data, { create: false, program: 'a backup' });
    const io = capturedIo();
    setTimeout(io.interrupt, 100);
    const { code, err } = await place.adminOn(io, 'status');
    await store.close();
    assert.equal(code, 1);
    assert.match(err, /in use by a backup \(process \d+/);
    assert.equal((await place.admin('status')).code, 0);
  });

  it('says so where the data folder may not be written, to commands and to a running admin', async (t) => {
    const asRoot = process.getuid?.() === 0;
    if (asRoot && !needs(t, 'setpriv', existsSync('/usr/bin/setpriv'))) return;
    const place = await AdminPlace.withElection(t, '--open');
    execFileSync('chmod', ['-R', asRoot ? 'a+rX' : 'a-w', place.folder]);
    if (!asRoot) cleanUp(t, () => execFileSync('chmod', ['-R', 'u+w', place.folder]));
    const options = asRoot ? { under: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] } : {};
    for (const command of [['status'], ['close'], ['--listen', '/ip6/::1/tcp/0']]) {
      const { code, stderr } = await run('admin', place.arguments(command), options);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /no access to .*election/);
    }
  });

  it('reports a damaged log, and does not take the folder for an empty one', async (t) => {
    const place = await AdminPlace.withElection(t, '--open');
    await place.cast([0, [0]]);
    await rm(join(place.data, 'log', 'CURRENT'));
    const { code, err } = await place.admin('status');
    assert.equal(code, 1);
    assert.match(err, /damaged/);
  });
});

describe('the help of admin', () => {
  for (const command of [
    [],
    ['init'],
    ['open'],
    ['close'],
    ['status'],
    ['next-round'],
    ['results'],
    ['export'],
  ]) {
    it(`of "${['admin', ...command].join(' ')}" has an example, and ends well`, async (t) => {
      const { code, out, err } = await (await AdminPlace.create(t)).admin(...command, '--help');
      assert.equal(code, 0);
      assert.match(
        out,
        new RegExp(`Usage: admin.*\nExample:\n  node dist/admin.js ${command.join(' ')}`, 's'),
      );
      assert.equal(err, '');
    });
  }
});
