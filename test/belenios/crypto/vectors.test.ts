import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { auditBelenios } from '#src/audit/archive/audit-file.js';
import { startBallotThreads } from '#src/audit/archive/ballot-threads.js';
import {
  CASES,
  ELECTIONS,
  type ExpectedCase,
  type ExpectedElection,
  expectedOf,
  fixture,
} from '../fixtures.ts';

const audit = (path: string, workers: number) =>
  auditBelenios(Readable.from([fixture(path)]), {
    threads: startBallotThreads(workers),
    onProgress: () => undefined,
    signal: new AbortController().signal,
  });

describe("elections of Belenios' own program, with our cryptography", () => {
  for (const name of ELECTIONS) {
    const expected = expectedOf(name) as ExpectedElection;
    for (const file of Object.keys(expected.verify)) {
      it(`finds ${name}/${file} valid, in threads`, async () => {
        const found = await audit(`${name}/${file}`, 2);
        assert.equal(found.verdict, 'valid', JSON.stringify(found.checks));
        if (found.stage === 'tallied')
          assert.deepEqual(
            found.result,
            expected.result.result.map((row) => row.map(BigInt)),
          );
      });
    }
  }
});

describe('archives with one defect or none, with our cryptography', () => {
  for (const name of CASES) {
    const { expect, why } = expectedOf(`invalid/${name}`) as ExpectedCase;
    it(`${expect}s ${name}`, async () => {
      const { verdict } = await audit(`invalid/${name}/archive.bel`, 0);
      assert.equal(verdict === 'valid' ? 'accept' : 'reject', expect, why);
    });
  }
});
