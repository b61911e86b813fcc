import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { auditArchive } from '#src/belenios/v1/audit/audit-archive.js';
import { cryptography } from '#src/belenios/v1/cryptography.js';
import { proveBound } from '#src/belenios/v1/bound-decryption.js';
import { encodePrivateKeyFile } from '#src/belenios/v1/encoding/key-files.js';
import { decodeEncryptedTally, decodePartialDecryption } from '#src/belenios/v1/encoding/tally.js';
import { group } from '#src/crypto/group/group.js';
import { platformRandom } from '#src/services/platform-random.js';
import { dataHash } from '#src/belenios/v1/encoding/hashes.js';
import { runVerifyLog } from '#src/cli/verify-log.js';
import { exportCar } from '#src/store/car.js';
import { trackerOf } from '#src/election/ballot.js';
import { belenios, hasBelenios } from '../support/belenios-tool.ts';
import { capturedIo } from '../support/captured-io.ts';
import { plainCount, runScenario, scenarios } from '../support/sealed-scenarios.ts';
import { SealedElection, singleTrustees } from '../support/sealed-election.ts';
import { valueOf } from '../support/results.ts';
import { QUESTION, tempFolder } from '../support/temp-election.ts';

describe("Belenios' own program takes elections of ours:", async () => {
  for (const [what, scenario] of Object.entries(await scenarios())) {
    it(what, async (t) => {
      if (!hasBelenios(t)) return;
      const folder = await tempFolder(t);
      const { election, stages } = await runScenario(t, scenario, folder);
      const archives = await Promise.all(stages.map(({ path }) => readFile(path)));

      for (const [index, { stage, folder: own }] of stages.entries()) {
        const verified = await belenios('election', 'verify', '--dir', own);
        assert.ok(verified.accepted, `${stage}: ${verified.messages}`);
        assert.match(verified.messages, /all checks passed/);
        const before = stages[index - 1];
        if (before === undefined) continue;
        const grown = await belenios('election', 'verify-diff', '--dir1', before.folder, '--dir2', own);
        assert.ok(grown.accepted, `${before.stage} to ${stage}: ${grown.messages}`);
        const [shorter, longer] = [archives[index - 1], archives[index]];
        assert.ok(shorter !== undefined && longer?.subarray(0, shorter.length).equals(shorter), stage);
      }
      for (const archive of archives)
        assert.equal((await auditArchive([archive], { cryptography })).verdict, 'valid');
      const last = stages.at(-1);
      assert.ok(last !== undefined);
      const log = join(folder, 'log.car');
      await exportCar(election.source, log);
      for (const path of [last.path, log]) {
        const io = capturedIo();
        assert.equal(await runVerifyLog([path], io), 0, io.out() + io.err());
      }

      // What it works out from the ballots and decryptions is what our log says.
      const ask = async (command: string) =>
        (await belenios('election', command, '--dir', last.folder)).output;
      const expected = plainCount(scenario);
      assert.deepEqual(JSON.parse(await ask('compute-result')), { result: expected });
      const { tally, result } = election.round;
      assert.ok(tally !== undefined && result !== undefined);
      assert.deepEqual(
        result.entry.questions.map(({ answers, blank }, at) =>
          scenario.questions[at]?.blank === true ? [blank, ...answers] : answers,
        ),
        expected,
      );
      const [theirTally = '', theirSize = ''] = (await ask('compute-encrypted-tally')).split('\n');
      assert.equal(theirTally, tally.encryptedTally);
      assert.deepEqual(JSON.parse(theirSize), {
        num_tallied: tally.numTallied,
        total_weight: tally.totalWeight,
        encrypted_tally: dataHash(tally.encryptedTally),
      });
      const checksums = JSON.parse(await ask('compute-checksums')) as Record<string, unknown>;
      assert.equal(checksums['election'], dataHash(election.sealed.electionText));
      assert.equal(checksums['encrypted_tally'], dataHash(tally.encryptedTally));
      assert.equal(checksums['num_voters'], scenario.voters);
      const summary = JSON.parse(await ask('compute-ballot-summary')) as unknown[];
      assert.equal(summary.length, tally.numTallied);
    });
  }

  it('a run-off, which is an election of its own, and the round before it', async (t) => {
    if (!hasBelenios(t)) return;
    const folder = await tempFolder(t);
    const election = await SealedElection.create(t, { questions: [QUESTION], voters: 2 });
    const uuids: string[] = [];
    for (const title of ['First', 'Run-off']) {
      if (uuids.length > 0)
        await election.election.organiser.prepare({
          title,
          questions: [QUESTION],
          opens: null,
          closes: null,
        });
      await election.open();
      await election.vote(0, [[1]]);
      uuids.push(election.sealed.election.uuid);
      await election.close();
      await election.count(election.decryption(1));
      await election.exportTo(join(folder, title, 'then.bel'));
    }
    assert.notEqual(uuids[0], uuids[1]);
    for (const [index, title] of ['First', 'Run-off'].entries()) {
      const verified = await belenios('election', 'verify', '--dir', join(folder, title));
      assert.ok(verified.accepted, verified.messages);
      const later = join(folder, `${title}, later`, 'now.bel');
      await election.exportTo(later, index + 1);
      assert.deepEqual(await readFile(later), await readFile(join(folder, title, 'then.bel')));
    }
  });
});

describe("Belenios' own program works with our voters and trustees:", () => {
  it('takes a ballot that we sealed, under the tracker that we name, and none with a digit changed', async (t) => {
    if (!hasBelenios(t)) return;
    const folder = await tempFolder(t);
    const election = await SealedElection.create(t, { questions: [QUESTION], voters: 2 });
    await election.open();
    await election.exportTo(join(folder, 'here.bel'));
    const verify = async (text: string) => {
      const ballot = join(folder, 'ballot.json');
      await writeFile(ballot, text);
      return belenios('election', 'verify-ballot', '--dir', folder, '--ballot', ballot);
    };
    const sealed = election.seal(0, [[1]]);
    const good = await verify(sealed);
    assert.ok(good.accepted, good.messages);
    const bad = await verify(
      sealed.replace(/"response":"(\d)/, (_, digit: string) => `"response":"${digit === '1' ? 2 : 1}`),
    );
    assert.ok(!bad.accepted);

    const cast = await election.vote(1, [null]);
    await election.exportTo(join(folder, 'cast', 'here.bel'));
    const { output } = await belenios('election', 'compute-ballot-summary', '--dir', join(folder, 'cast'));
    const [{ hash }] = JSON.parse(output) as [{ hash: string }];
    const ballot = { form: 'sealed', round: election.round.cid, voter: new Uint8Array(), number: 1 } as const;
    const tracker = trackerOf({ ...ballot, sealed: cast }, new Uint8Array());
    assert.equal(`${tracker}=`, Buffer.from(hash, 'hex').toString('base64'));
  });

  it("decrypts with a trustee's secret of ours, and the count takes what it made", async (t) => {
    if (!hasBelenios(t)) return;
    const folder = await tempFolder(t);
    const election = await SealedElection.create(t, {
      questions: [QUESTION],
      voters: 2,
      weightOf: () => 1,
      trustees: singleTrustees(2),
    });
    await election.open();
    await election.vote(0, [[2]]);
    await election.vote(1, [null]);
    await election.close();
    await election.exportTo(join(folder, 'closed', 'round.bel'));
    for (const [index, secret] of election.secrets.entries()) {
      const key = join(folder, 'trustee.privkey');
      await writeFile(key, encodePrivateKeyFile(secret));
      const trustee = index + 1;
      const made = await belenios(
        ...['election', 'decrypt', '--dir', join(folder, 'closed')],
        ...['--privkey', key, '--trustee-id', String(trustee)],
      );
      assert.ok(made.accepted, made.messages);
      const [partialDecryption = ''] = made.output.split('\n');
      // Its program makes no proof of the whole, which our logs want.
      const statement = {
        electionHash: election.sealed.electionHash,
        trustee,
        key: group.multiplyBase(secret),
        tally: valueOf(decodeEncryptedTally(election.round.tally?.encryptedTally ?? '')),
        factors: valueOf(decodePartialDecryption(partialDecryption)).decryptionFactors,
      };
      const proof = proveBound(statement, secret, platformRandom);
      const progress = await election.count({ trustee, partialDecryption, proof });
      assert.deepEqual(progress.invalid, []);
    }
    const [question] = election.round.result?.entry.questions ?? [];
    assert.deepEqual(question, { answers: [0, 0, 1], blank: 1, winners: [2] });
    await election.exportTo(join(folder, 'tallied', 'round.bel'));
    const verified = await belenios('election', 'verify', '--dir', join(folder, 'tallied'));
    assert.ok(verified.accepted, verified.messages);
  });
});
