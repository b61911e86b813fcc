import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { PsephosError } from '#src/base/errors.js';
import type { ResultDocument } from '#src/cli/admin/reports.js';
import { resultText } from '#src/cli/admin/result-text.js';
import {
  outcomeText,
  resultCsv,
  resultJson,
  resultMarkdown,
  writeResultFiles,
} from '#src/cli/admin/results.js';
import { tempFolder } from '../support/temp-election.ts';

const RESULT: ResultDocument = {
  title: 'Committee | 2026',
  electionId: 'bafyelection',
  fingerprint: 'AAAA-BBBB',
  round: 2,
  roundTitle: 'Run-off',
  opened: Date.UTC(2026, 4, 2, 10),
  closed: Date.UTC(2026, 4, 2, 12),
  closedBy: 'schedule',
  turnout: { voters: 10, weight: 12, voted: 4, votedWeight: 5, ballots: 6 },
  checks: { found: 3, missing: 1 },
  questions: [
    {
      question: 'Who should chair?',
      min: 1,
      max: 1,
      blankAllowed: true,
      answers: [
        { answer: '=HYPERLINK("http://x")', votes: 2, winner: true },
        { answer: 'Grace, "the" <b>one</b>', votes: 2, winner: true },
        { answer: '*Ada*', votes: 0, winner: false },
      ],
      blank: 1,
      outcome: 'tie',
      winners: ['=HYPERLINK("http://x")', 'Grace, "the" <b>one</b>'],
    },
  ],
  log: {
    size: 42,
    head: 'bafyhead',
    checkpoint: 'psephos/bafyelection\n42\nAAAA\n\n— psephos/bafyelection sig\n',
  },
};

const [QUESTION] = RESULT.questions as [ResultDocument['questions'][number]];
const cells = (csv: string): string[][] => parse(csv);

describe('a result', () => {
  it('is JSON with everything that is needed to check it', () => {
    assert.deepEqual(JSON.parse(resultJson(RESULT)), {
      ...RESULT,
      opened: '2026-05-02T10:00:00.000Z',
      closed: '2026-05-02T12:00:00.000Z',
    });
  });

  it('is CSV in one table', () => {
    const rows = cells(resultCsv(RESULT));
    assert.ok(rows.every((row) => row.length === 5));
    assert.deepEqual(rows[0], ['part', 'question', 'item', 'value', 'outcome']);
    const value = (part: string, item: string) => rows.find((row) => row[0] === part && row[2] === item)?.[3];
    assert.equal(value('election', 'log head'), 'bafyhead');
    assert.equal(value('election', 'checkpoint'), RESULT.log.checkpoint);
    assert.equal(value('election', 'election id'), 'bafyelection');
    assert.equal(value('turnout', 'voted'), '4');
    assert.equal(value('checks', 'missing'), '1');
    assert.equal(value('blank', ''), '1');
    assert.deepEqual(
      rows.filter((row) => row[0] === 'answer').map(([, , item, votes, outcome]) => [item, votes, outcome]),
      [
        ['\'=HYPERLINK("http://x")', '2', 'tie'],
        ['Grace, "the" <b>one</b>', '2', 'tie'],
        ['*Ada*', '0', ''],
      ],
    );
  });

  it('never gives a spreadsheet a formula to run', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'),
        fc.string(),
        (first, rest) => {
          const answers = [{ answer: first + rest, votes: 1, winner: true }];
          const rows = cells(
            resultCsv({ ...RESULT, title: first + rest, questions: [{ ...QUESTION, answers }] }),
          );
          for (const cell of rows.flat()) assert.ok(!/^[=+\-@\t\r＝＋－＠]/.test(cell), cell);
        },
      ),
    );
  });

  it('is Markdown in which nothing from the election is markup', () => {
    const text = resultMarkdown(RESULT);
    assert.match(text, /^# Committee \\\| 2026: result of round 2\n/);
    assert.match(text, /\| Grace, "the" \\<b\\>one\\<\/b\\> \| 2 \| tie \|/);
    assert.match(text, /\| \\\*Ada\\\* \| 0 \| {2}\|/);
    assert.match(text, /\| \*blank\* \| 1 \| \|/);
    assert.match(
      text,
      /A tie: =HYPERLINK\("http\\:\/\/x"\), Grace, "the" \\<b\\>one\\<\/b\\>, with 2 votes each\./,
    );
    assert.match(text, /4 of 10 voters, 5 of 12 by weight; 6 ballots/);
    assert.ok(text.includes(`\`\`\`\n${RESULT.log.checkpoint.trimEnd()}\n\`\`\``));
  });

  it('says who has the most votes, that it is a tie, or that nobody got any', () => {
    assert.match(outcomeText(QUESTION), /^A tie: .* with 2 votes each\.$/);
    const one = {
      ...QUESTION,
      outcome: 'winner',
      winners: ['Ada'],
      answers: [{ answer: 'Ada', votes: 1, winner: true }],
    } as const;
    assert.equal(outcomeText(one), 'Most votes: Ada (1 vote).');
    assert.equal(
      outcomeText({ ...QUESTION, outcome: 'no-votes', winners: [], answers: [] }),
      'No answer got a vote.',
    );
  });

  it('is a table with bars in the terminal', () => {
    const text = resultText(RESULT);
    assert.match(text, /Committee \| 2026: result of round 2 \(Run-off\)/);
    assert.match(text, /█+/);
    assert.match(text, /A tie between/);
    assert.match(text, /Log: 42 entries up to this result, bafyhead/);
  });

  it('is written to files in place of older ones', async (t) => {
    const folder = await tempFolder(t);
    const names = await writeResultFiles(folder, RESULT);
    assert.deepEqual(names, ['results/round-2.json', 'results/round-2.csv', 'results/round-2.md']);
    await writeFile(join(folder, 'results/round-2.md'), 'old');
    await writeResultFiles(folder, RESULT);
    assert.equal(await readFile(join(folder, 'results/round-2.md'), 'utf8'), resultMarkdown(RESULT));
  });

  it('is refused in words where a file is in the way of the folder', async (t) => {
    const folder = await tempFolder(t);
    await writeFile(join(folder, 'results'), '');
    await assert.rejects(writeResultFiles(folder, RESULT), (error) => error instanceof PsephosError);
  });
});
