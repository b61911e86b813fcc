import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { runVerifyLog } from '#src/cli/verify-log.js';
import { scalarOfSeed } from '#src/crypto/group/seed.js';
import { encodeSignedBallot, sealedTracker, signBallot } from '#src/election/ballot.js';
import type { Choice } from '#src/election/choices.js';
import type { Question } from '#src/election/entries.js';
import { platformRandom } from '#src/services/platform-random.js';
import { sealVote } from '#src/services/sealing.js';
import { exportCar, openSnapshot } from '#src/store/index.js';
import { type OpenedBallot, writeOpenedBallot } from '#src/store/opened-ballot-files.js';
import { capturedIo } from '../support/captured-io.ts';
import { firstProof, forged, plusOne, plusOrder } from '../support/forged-seals.ts';
import { jsonLines } from '../support/processes.ts';
import { repositoryPath } from '../support/repository.ts';
import { SealedElection } from '../support/sealed-election.ts';
import { QUESTION, TempElection, tempFolder, testSeed } from '../support/temp-election.ts';

const QUESTIONS: readonly Question[] = [
  QUESTION,
  { ...QUESTION, question: 'Board?', answers: ['x', 'y', 'z'], min: 0, max: 2, blank: false },
];
const VOTE: readonly Choice[] = [[1], [0, 2]];

/** An opened ballot as it stands in its file. */
interface FileJson {
  electionId: string;
  round: number;
  tracker: string;
  sealed: string;
  choices: unknown[];
  randomness: string[][];
}

async function verifyLog(...argv: string[]) {
  const io = capturedIo();
  const code = await runVerifyLog([...argv, '--json'], io);
  const events = jsonLines(io.out());
  const error = events.find((line) => 'error' in line)?.['error'] as { code: string } | undefined;
  return { code, err: io.err(), last: events.at(-1) ?? {}, error: error?.code };
}

/** A sealed election whose round is open, a ballot that voter 0 had opened, and its file. */
class Trial {
  readonly election: SealedElection;
  readonly opened: OpenedBallot;
  readonly file: string;

  private constructor(election: SealedElection, opened: OpenedBallot, file: string) {
    this.election = election;
    this.opened = opened;
    this.file = file;
  }

  static async start(t: TestContext, choices = VOTE): Promise<Trial> {
    const election = await SealedElection.create(t, { questions: QUESTIONS });
    await election.open();
    await election.vote(1, VOTE);
    const { log } = election.election;
    const { genesis } = log;
    const sealed = sealVote(
      { genesis, trustees: election.trustees },
      election.round,
      testSeed(0),
      choices,
      platformRandom,
    );
    const opened = { ...sealed, electionId: log.electionId, round: 1, tracker: sealedTracker(sealed.sealed) };
    const file = join(await tempFolder(t), 'opened.json');
    await writeOpenedBallot(file, opened);
    return new Trial(election, opened, file);
  }

  get folder(): string {
    return this.election.election.folder;
  }

  verify() {
    return verifyLog(this.folder, '--ballot', this.file);
  }

  /** Verifies the file with something changed in it. */
  async changed(change: (json: FileJson) => void) {
    const text = await readFile(this.file, 'utf8');
    const json = JSON.parse(text) as FileJson;
    change(json);
    const changed = JSON.stringify(json);
    assert.notEqual(changed, JSON.stringify(JSON.parse(text)));
    return this.written(changed);
  }

  /** Verifies a file that holds this. */
  async written(content: string | Uint8Array) {
    const path = `${this.file}.changed`;
    await writeFile(path, content);
    const ran = await verifyLog(this.folder, '--ballot', path);
    const { randomness } = JSON.parse(await readFile(this.file, 'utf8')) as FileJson;
    for (const secret of randomness.flat())
      assert.ok(!ran.err.includes(secret), 'a random number is never repeated');
    return ran;
  }
}

describe('verify-log --ballot', () => {
  it('says which choices an opened ballot encrypts: to a data folder and to an export', async (t) => {
    const trial = await Trial.start(t);
    const car = `${trial.file}.car`;
    const source = await openSnapshot(trial.folder);
    await exportCar(source, car);
    await source.close();
    for (const log of [trial.folder, car]) {
      const { code, err, last } = await verifyLog(log, '--ballot', trial.file);
      assert.equal(code, 0, err);
      assert.match(err, /1\. Which one\?\n {4}→ b\n {2}2\. Board\?\n {4}→ x; z\n\nVALID/);
      assert.deepEqual(last, {
        event: 'ballot',
        electionId: trial.opened.electionId,
        round: 1,
        tracker: trial.opened.tracker,
        verdict: 'valid',
        reason: null,
        choices: [
          { question: 'Which one?', blank: false, answers: ['b'] },
          { question: 'Board?', blank: false, answers: ['x', 'z'] },
        ],
      });
    }
  });

  it('tells a blank vote and one for none of the answers', async (t) => {
    const { code, err } = await (await Trial.start(t, [null, []])).verify();
    assert.equal(code, 0, err);
    assert.match(err, /→ blank\n[^]*→ none of the answers\n/);
  });

  it('still holds after the round was closed and counted', async (t) => {
    const trial = await Trial.start(t);
    await trial.election.close();
    await trial.election.count(trial.election.decryption(1));
    assert.equal((await trial.verify()).code, 0);
  });

  it('is invalid where the opened ballot was cast all the same', async (t) => {
    const trial = await Trial.start(t);
    const { election, opened } = trial;
    const ballot = signBallot(
      { form: 'sealed', round: election.round.cid, number: 1, sealed: opened.sealed },
      testSeed(0),
    );
    await election.election.station().cast(encodeSignedBallot(ballot));
    const { code, err, last } = await trial.verify();
    assert.equal(code, 1);
    assert.equal(last['verdict'], 'invalid');
    const seq = await election.election.log.store.ballotSeq(opened.tracker);
    assert.match(err, new RegExp(`INVALID: ballot .*it was cast: it is entry ${String(seq)} of the log`));
    assert.doesNotMatch(err, /→ b\n/);
  });

  it('is invalid for whatever does not fit the sealed text', async (t) => {
    const trial = await Trial.start(t);
    const other = (await TempElection.create(t)).log.electionId;
    const own = scalarOfSeed(testSeed(0));
    const reseal = (json: FileJson, sealed: string) => {
      json.sealed = sealed;
      json.tracker = sealedTracker(sealed);
    };
    const first = (json: FileJson) => json.randomness[0] ?? [];
    const cases: readonly (readonly [RegExp, (json: FileJson) => void])[] = [
      [/it is for election bafy/, (json) => (json.electionId = other)],
      [/the log has no round 2/, (json) => (json.round = 2)],
      [/its tracker is really/, (json) => (json.tracker = `A${json.tracker.slice(1).replace(/^A/, 'B')}`)],
      [/question 1: the ballot does not encrypt the choice/, (json) => (json.choices[0] = [0])],
      [/question 1: the ballot does not encrypt the choice/, (json) => (json.choices[0] = null)],
      [/question 2: the ballot does not encrypt the choice/, (json) => (json.choices[1] = [0])],
      [/no valid vote: question 1: 2 chosen/, (json) => (json.choices[0] = [0, 1])],
      [/no valid vote: question 1: there is no answer number 8/, (json) => (json.choices[0] = [7])],
      [/no valid vote: question 2: .*increasing/, (json) => (json.choices[1] = [2, 0])],
      [/no valid vote: 1 answered questions/, (json) => json.choices.pop()],
      [/does not encrypt/, (json) => (first(json)[0] = plusOne(first(json)[0] ?? ''))],
      [/does not encrypt/, (json) => first(json).reverse()],
      [/does not encrypt/, (json) => (first(json)[3] = '0')],
      [/question 1: 3 random numbers for 4/, (json) => first(json).pop()],
      [/question 1: 5 random numbers for 4/, (json) => first(json).push('1')],
      [/random numbers of 1 answers of 2/, (json) => json.randomness.pop()],
      [/random numbers of 3 answers of 2/, (json) => json.randomness.push([])],
      [
        /INVALID/,
        (json) => {
          const sealed = forged(json.sealed, own, (seal) => {
            firstProof(seal).response = plusOne(firstProof(seal).response);
          });
          reseal(json, sealed);
        },
      ],
      [
        /INVALID/,
        (json) => {
          reseal(json, `${json.sealed} `);
        },
      ],
      [
        /INVALID/,
        (json) => {
          reseal(json, 'sealed');
        },
      ],
    ];
    for (const [why, change] of cases) {
      const { code, err, last } = await trial.changed(change);
      assert.equal(code, 1, String(why));
      assert.match(err, why);
      assert.match(err, /\nINVALID: ballot /);
      assert.deepEqual(
        { verdict: last['verdict'], choices: last['choices'] },
        { verdict: 'invalid', choices: null },
      );
    }
  });

  it('can not read what is no opened ballot, and says why', async (t) => {
    const trial = await Trial.start(t);
    const text = await readFile(trial.file, 'utf8');
    const [[scalar = ''] = []] = (JSON.parse(text) as FileJson).randomness;
    const cases: Readonly<Record<string, string | Uint8Array>> = {
      'an empty file': '',
      'no JSON': 'psephos',
      'half of it': text.slice(0, text.length / 2),
      'two of it': text + text,
      'no text': Uint8Array.of(0xff, 0xfe, 0x00),
      'a list': `[${text}]`,
      'another file of ours': text.replace('opened-ballot', 'decryption'),
      'another version': text.replace('"version": 1', '"version": 2'),
      'a field more': text.replace('{', '{"more": 1,'),
      'a field less': text.replace('"round": 1,', ''),
      'a field twice': text.replace('{', '{"psephos": "opened-ballot",'),
      'a number of q or more': text.replace(scalar, plusOrder(scalar)),
      'a number that is too long': text.replace(scalar, '9'.repeat(200)),
      'another spelling of a number': text.replace(scalar, `0${scalar}`),
      'a negative number': text.replace(scalar, `-${scalar}`),
      'a number that is no text': text.replace(`"${scalar}"`, '17'),
      'an answer before the first': text.replace(/"choices": \[\s*\[\s*1/, '"choices": [[-1'),
      'half an answer': text.replace(/"choices": \[\s*\[\s*1/, '"choices": [[1.5'),
      'too deep': `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
      'a huge file': text + ' '.repeat(1_000_000),
      'a huge list': text.replace('"randomness": [', `"randomness": [${'[],'.repeat(1000)}`),
    };
    for (const [what, content] of Object.entries(cases)) {
      assert.notEqual(content, text, what);
      const ran = await trial.written(content);
      assert.deepEqual(
        { code: ran.code, error: ran.error },
        { code: 2, error: 'not-an-opened-ballot' },
        what,
      );
      assert.match(ran.err, /can't be read as an opened ballot: .+\.\n/, what);
    }
    const missing = await verifyLog(trial.folder, '--ballot', `${trial.file}.absent`);
    assert.deepEqual({ code: missing.code, error: missing.error }, { code: 2, error: 'not-found' });
    assert.equal((await verifyLog(trial.folder, '--ballot', trial.folder)).code, 2);
  });

  it('is not judged by a log that is not valid, and has no meaning for other logs', async (t) => {
    const trial = await Trial.start(t);
    const wrong = await verifyLog(trial.folder, '--ballot', trial.file, '--election', 'bafyreiother');
    assert.equal(wrong.code, 1);
    assert.equal(wrong.last['verdict'], 'not-judged');
    assert.match(wrong.err, /\nNOT JUDGED: /);

    const open = await TempElection.create(t);
    await open.organiser.open();
    const path = `${trial.file}.open`;
    await writeOpenedBallot(path, { ...trial.opened, electionId: open.log.electionId });
    const ran = await verifyLog(open.folder, '--ballot', path);
    assert.equal(ran.code, 1);
    assert.match(ran.err, /the ballots of this election are open/);

    const archive = repositoryPath('test/fixtures/belenios/h-single/tallied.bel');
    const bel = await verifyLog(archive, '--ballot', trial.file);
    assert.deepEqual({ code: bel.code, error: bel.error }, { code: 2, error: 'usage' });
    const nobody = '/ip6/::1/tcp/1/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5';
    assert.equal((await verifyLog(nobody, '--ballot', trial.file)).code, 3);
  });
});
