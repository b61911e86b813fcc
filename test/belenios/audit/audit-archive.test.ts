import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Result, err, ok } from '#src/base/result.js';
import { ArchiveWriter } from '#src/belenios/v1/archive/writer.js';
import { type ArchiveAuditOptions, auditArchive } from '#src/belenios/v1/audit/audit-archive.js';
import {
  type CheckBallots,
  type CheckedBallot,
  checkBallotsInline,
} from '#src/belenios/v1/audit/ballot-judge.js';
import type { ArchiveAudit, ArchiveCheckId } from '#src/belenios/v1/audit/report.js';
import { decodeBallot } from '#src/belenios/v1/encoding/ballot.js';
import { encodeHeader } from '#src/belenios/v1/encoding/events.js';
import type { ArchiveEntry } from '#src/belenios/v1/archive/reader.js';
import { valueOf } from '../../support/results.js';
import {
  CASES,
  ELECTIONS,
  type ExpectedCase,
  type ExpectedElection,
  entriesOf,
  expectedOf,
  fixture,
} from '../fixtures.js';
import { referenceCryptography as cryptography } from './reference-cryptography.js';

const audit = (archive: Uint8Array, options: Partial<ArchiveAuditOptions> = {}): Promise<ArchiveAudit> =>
  auditArchive([archive], { cryptography, ...options });

const verdicts = ({ checks }: ArchiveAudit): Record<string, string> =>
  Object.fromEntries(checks.map(({ id, verdict }) => [id, verdict]));
const reasonsOf = ({ checks }: ArchiveAudit, id: ArchiveCheckId): readonly string[] =>
  checks.find((check) => check.id === id)?.reasons ?? [];

/** Takes every ballot that can be read, which is quick. */
const trusting: CheckBallots = (_election, texts) =>
  Promise.resolve(
    texts.map((text): Result<CheckedBallot, string> => {
      const { credential, answers } = valueOf(decodeBallot(text));
      return ok({ credential, choices: answers.map(({ choices }) => choices) });
    }),
  );

/** An archive with the files of `entries`, chained anew: setup data and references have to be right already. */
function rebuilt(
  entries: readonly { type: ArchiveEntry['event']['type']; texts: readonly string[] }[],
): Uint8Array {
  const writer = new ArchiveWriter(encodeHeader(1));
  return Buffer.concat([writer.begin(), ...entries.map(({ type, texts }) => writer.append(type, texts))]);
}
const partsOf = async (path: string) =>
  (await entriesOf(fixture(path))).map(({ event, data }) => ({
    type: event.type,
    texts: data.map(({ text }) => text),
  }));

describe('audit of whole elections', () => {
  for (const name of ELECTIONS) {
    const expected = expectedOf(name) as ExpectedElection;
    for (const file of Object.keys(expected.verify)) {
      it(`takes ${name}/${file}`, async () => {
        // The proofs of hundreds of ballots take the reference long.
        const found = await audit(
          fixture(`${name}/${file}`),
          name === 'h-large' ? { checkBallots: trusting } : {},
        );
        assert.equal(found.verdict, 'valid', JSON.stringify(found.checks));
        assert.equal(found.stage, file.replace('.bel', ''));
        if (found.stage !== 'tallied') {
          assert.equal(found.result, undefined);
          assert.equal(verdicts(found)['result'], 'absent');
          return;
        }
        assert.deepEqual(
          found.result,
          expected.result.result.map((row) => row.map(BigInt)),
        );
        assert.equal(found.numBallots, expected.numBallots);
        assert.ok(found.checks.every(({ verdict }) => verdict === 'valid'));
      });
    }
  }

  it('tells who may vote, who did, and what weight counts', async () => {
    const { numVoters, numBallots, numCounted, totalWeight, election, head } = await audit(
      fixture('h-single/tallied.bel'),
    );
    assert.deepEqual(
      { numVoters, numBallots, numCounted, totalWeight },
      { numVoters: 6, numBallots: 6, numCounted: 5, totalWeight: 5n },
    );
    assert.equal(election?.name, 'Single choice');
    assert.equal(election.hash, 'VrtTm4HiGaPM7VZPLe0YlnG7f8/AbF0tIBOQwcy/vo8');
    assert.equal(head?.height, 10);
  });
});

describe('audit of archives with one defect, or none', () => {
  for (const name of CASES) {
    const { expect, why } = expectedOf(`invalid/${name}`) as ExpectedCase;
    it(`${expect}s ${name}`, async () => {
      const { verdict, checks } = await audit(fixture(`invalid/${name}/archive.bel`));
      assert.equal(verdict === 'valid', expect === 'accept', `${why} ${JSON.stringify(checks)}`);
    });
  }
});

describe('the report', () => {
  it('says which check fails', async () => {
    const failing = async (name: string): Promise<string[]> =>
      (await audit(fixture(`invalid/${name}/archive.bel`))).checks
        .filter(({ verdict }) => verdict === 'invalid')
        .map(({ id }) => id);
    assert.deepEqual(await failing('ballot-overvote'), ['ballots']);
    assert.deepEqual(await failing('setup-public-key-mismatch'), ['trustees']);
    assert.deepEqual(await failing('setup-credentials-weight-negative'), ['credentials']);
    assert.deepEqual(await failing('tally-total-weight-tallied'), ['tally']);
    assert.deepEqual(await failing('pd-factor-no-result'), ['decryptions']);
    assert.deepEqual(await failing('result-off-by-one'), ['result']);
    assert.deepEqual(await failing('tar-mode'), ['archive']);
  });

  it('says where it stopped reading, and judges what stands before', async () => {
    const found = await audit(fixture('invalid/events-two-tallies/archive.bel'));
    assert.equal(found.stoppedAt?.message, "EncryptedTally can't come after EncryptedTally");
    assert.deepEqual(verdicts(found), {
      archive: 'invalid',
      election: 'valid',
      trustees: 'valid',
      credentials: 'valid',
      ballots: 'valid',
      tally: 'valid',
      decryptions: 'absent',
      result: 'absent',
    });
  });

  it('names a refused ballot by its number and hash', async () => {
    const found = await audit(fixture('invalid/chain-ballot-duplicated/archive.bel'));
    assert.match(
      reasonsOf(found, 'ballots')[0] ?? '',
      /^ballot 5 \([0-9a-f]{64}\): the same ballot is there already$/,
    );
  });

  it('does not judge kinds of questions that it does not know, and then nothing is valid', async () => {
    const found = await audit(fixture('unsupported/lists.bel'));
    assert.equal(found.verdict, 'invalid');
    assert.equal(found.stage, 'tallied');
    assert.deepEqual(verdicts(found), {
      archive: 'valid',
      election: 'not-judged',
      trustees: 'valid',
      credentials: 'valid',
      ballots: 'not-judged',
      tally: 'not-judged',
      decryptions: 'not-judged',
      result: 'not-judged',
    });
    assert.match(reasonsOf(found, 'election')[0] ?? '', /only homomorphic questions/);
  });

  it('keeps the first reasons and counts the others', async () => {
    const found = await audit(fixture('h-large/tallied.bel'), {
      checkBallots: (_election, texts) => Promise.resolve(texts.map(() => err('refused'))),
    });
    const ballots = found.checks.find(({ id }) => id === 'ballots');
    assert.equal(ballots?.count, 300);
    assert.equal(ballots.reasons.length, 20);
  });
});

describe('defects that Belenios’ own program lets through', () => {
  it('a partial decryption twice is fine as long as both are right', async () => {
    const parts = await partsOf('h-single/tallied.bel');
    const [decryption] = parts.filter(({ type }) => type === 'PartialDecryption');
    assert.ok(decryption);
    const archive = rebuilt(parts.flatMap((part) => (part === decryption ? [part, part] : [part])));
    assert.equal((await audit(archive)).verdict, 'valid');
  });

  it('a public credential twice, or the neutral element, though nobody voted', async () => {
    const [setup] = await partsOf('h-single/open.bel');
    const [election = '', trustees = '', credentials = ''] = setup?.texts ?? [];
    const judge = async (list: string): Promise<readonly string[]> => {
      const writer = new ArchiveWriter(encodeHeader(1));
      const bytes = Buffer.concat([writer.begin(), writer.setup({ election, trustees, credentials: list })]);
      return reasonsOf(await audit(bytes), 'credentials');
    };
    const keys = JSON.parse(credentials) as string[];
    assert.deepEqual(await judge(credentials), []);
    assert.match((await judge(JSON.stringify([...keys, keys[0]])))[0] ?? '', /twice/);
    assert.match((await judge(JSON.stringify([...keys, '1'.padStart(64, '0')])))[0] ?? '', /neutral/);
    assert.match((await judge(JSON.stringify(keys.map((key) => `${key},0x1`))))[0] ?? '', /decimal/);
    assert.match((await judge(JSON.stringify(keys.map((key) => `${key},${2n ** 252n}`))))[0] ?? '', /sum up/);
  });

  it('shuffles without anything to shuffle', async () => {
    const parts = await partsOf('h-single/closed.bel');
    const archive = rebuilt([...parts, { type: 'EndShuffles', texts: [] }]);
    assert.equal(verdicts(await audit(archive))['decryptions'], 'invalid');
  });
});

describe('spreading ballots', () => {
  const archive = fixture('h-large/tallied.bel');

  it('gives batches to the checker several at a time and takes the verdicts in order', async () => {
    let underway = 0;
    let most = 0;
    const sizes: number[] = [];
    const done: number[] = [];
    const slow: CheckBallots = async (electionText, texts) => {
      sizes.push(texts.length);
      most = Math.max(most, ++underway);
      // Of three batches the last is ready first.
      for (let turns = 3 - (sizes.length % 3); turns > 0; turns--) await nextTurn();
      underway--;
      return trusting(electionText, texts);
    };
    const found = await audit(archive, {
      checkBallots: slow,
      batchSize: 16,
      batchesAtOnce: 3,
      onProgress: (ballots) => done.push(ballots),
    });
    assert.equal(found.verdict, 'valid');
    assert.equal(most, 3);
    assert.deepEqual(sizes, [...Array.from({ length: 18 }, () => 16), 12]);
    assert.deepEqual(
      done,
      Array.from({ length: 300 }, (_, i) => i + 1),
    );
  });

  it('takes no verdict for a refusal', async () => {
    const found = await audit(archive, { checkBallots: () => Promise.resolve([]) });
    assert.match(reasonsOf(found, 'ballots')[0] ?? '', /no verdict/);
  });

  it('rejects when the checker fails', async () => {
    const failing: CheckBallots = () => Promise.reject(new Error('thread lost'));
    await assert.rejects(audit(archive, { checkBallots: failing, batchesAtOnce: 4 }), /thread lost/);
  });

  it('ends when told to', async () => {
    const controller = new AbortController();
    const counting = audit(archive, {
      checkBallots: trusting,
      signal: controller.signal,
      onProgress: (ballots) => {
        if (ballots === 64) controller.abort();
      },
    });
    await assert.rejects(counting, { name: 'AbortError' });
  });

  it('judges a ballot by its election, also after another one', async () => {
    const check = checkBallotsInline(cryptography);
    const parts = await Promise.all(['h-single/open.bel', 'h-blank/open.bel'].map(partsOf));
    const [single = [], blank = []] = parts;
    const electionOf = (of: typeof single): string => of[0]?.texts[0] ?? '';
    const ballotOf = (of: typeof single): string => of[1]?.texts[0] ?? '';
    for (const [election, ballot, valid] of [
      [electionOf(single), ballotOf(single), true],
      [electionOf(blank), ballotOf(blank), true],
      [electionOf(single), ballotOf(blank), false],
      [electionOf(blank), ballotOf(single), false],
    ] as const) {
      const [verdict] = await check(election, [ballot]);
      assert.equal(verdict?.ok, valid);
    }
  });
});
