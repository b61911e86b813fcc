import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js';
import { type EntryChecker, inProcessChecker } from '#src/audit/checker.js';
import type { CheckId } from '#src/audit/report.js';
import { audit } from '#src/audit/run.js';
import { workerPool } from '#src/audit/worker-pool.js';
import { fromHex, toHex } from '#src/base/bytes.js';
import { encodeTrustees } from '#src/belenios/v1/encoding/trustees.js';
import type { Answer, Ciphertext } from '#src/belenios/v1/messages.js';
import { group } from '#src/crypto/group/group.js';
import type { Policy } from '#src/election/entries.js';
import { QUESTION, SECOND, VOTERS } from '../support/build-log.js';
import { SealedLogBuilder, tampered } from '../support/build-sealed-log.js';

const [amara, bo, chiara, dmitri] = VOTERS;

/** Two rounds: questions, weights, a blank vote, a replaced ballot; then a run-off of one question. */
function sampleSealedLog(): SealedLogBuilder {
  const log = new SealedLogBuilder().begin();
  log.openRound(1, [QUESTION, SECOND]);
  log.cast(amara, 1, [[0], [1]]);
  log.cast(bo, 1, [[0], [0]]);
  log.log.checkpoint();
  log.cast(chiara, 1, [null, []]);
  log.cast(bo, 2, [[1, 2], [0]]);
  log.close(1);
  log.tally(1);
  log.decryption(1, 2);
  log.log.checkpoint();
  log.decryption(1, 1);
  log.result(1, [
    { answers: [1, 3, 3], blank: 1 },
    { answers: [3, 1], blank: 0 },
  ]);
  log.openRound(2);
  log.cast(dmitri, 1, [[2]]);
  log.close(2);
  log.tally(2);
  log.decryption(2, 1);
  log.decryption(2, 2);
  log.result(2, [{ answers: [0, 0, 2], blank: 0 }]);
  log.log.checkpoint();
  return log;
}

const reportOf = async (log: SealedLogBuilder, checker: EntryChecker = inProcessChecker()) => {
  try {
    return await audit(log.source(), { checker });
  } finally {
    await checker.close();
  }
};

describe('the audit of a log with sealed ballots', () => {
  it('counts again under encryption and follows the decryptions to the result, in this thread and in others', async () => {
    const log = sampleSealedLog();
    for (const start of [inProcessChecker, () => workerPool(1)]) {
      const report = await reportOf(log, start());
      assert.equal(report.first, undefined, JSON.stringify(report.first));
      const judged = report.checks.filter(({ verdict }) => verdict !== 'valid').map(({ id }) => id);
      assert.deepEqual(judged, [
        'identity',
        'history',
        'word',
        'registrar',
        'enrolments',
        'ceremony',
        'readiness',
      ]);
      assert.equal(report.trustees?.keys.length, 2);
      const [first, second] = report.rounds;
      assert.deepEqual(first?.result.questions, [
        { answers: [1, 3, 3], blank: 1, winners: [1, 2] },
        { answers: [3, 1], blank: 0, winners: [0] },
      ]);
      assert.deepEqual(first.result.turnout, { voters: 5, weight: 8, voted: 3, votedWeight: 5, ballots: 4 });
      assert.equal(first.sealed?.tally?.numTallied, 3);
      assert.deepEqual(
        first.sealed.weights,
        new Map([
          [1, 2],
          [3, 1],
        ]),
      );
      assert.deepEqual(second?.result.questions, [{ answers: [0, 0, 2], blank: 0, winners: [2] }]);
    }
  });

  it('says of an unfinished round who voted, and nothing of what', async () => {
    const log = new SealedLogBuilder().begin();
    log.openRound(1);
    log.cast(amara, 1, [[0]]);
    log.log.checkpoint();
    const open = await reportOf(log);
    assert.equal(open.verdict, 'valid');
    assert.deepEqual(open.rounds[0]?.result.questions, []);
    assert.equal(open.rounds[0].result.turnout.voted, 1);
    log.close(1);
    log.tally(1);
    log.decryption(1, 1);
    log.log.checkpoint();
    const closed = await reportOf(log);
    assert.equal(closed.verdict, 'valid');
    assert.deepEqual(closed.rounds[0]?.result.questions, []);
    assert.equal(closed.rounds[0].sealed?.tally?.totalWeight, 1);
  });

  it('takes a round in which nobody voted', async () => {
    const log = new SealedLogBuilder(1).begin();
    log.openRound(1);
    log.close(1);
    log.tally(1);
    log.decryption(1, 1);
    log.result(1, [{ answers: [0, 0, 0], blank: 0 }]);
    log.log.checkpoint();
    assert.equal((await reportOf(log)).first, undefined);
  });
});

/** Does something that is not allowed, in a log that is chained and signed as it should be; returns the entry at fault. */
type Cheat = (log: SealedLogBuilder) => number;

/** The audit's first finding must be of this check and at that entry, and no other check may find anything. */
async function expectFound(check: CheckId, cheat: Cheat, policy?: Partial<Policy>): Promise<string> {
  const log = new SealedLogBuilder().begin(policy);
  const seq = cheat(log);
  log.log.checkpoint();
  const report = await reportOf(log);
  assert.deepEqual([report.first?.check, report.first?.seq], [check, seq], JSON.stringify(report.first));
  const invalid = report.checks.filter(({ verdict }) => verdict === 'invalid').map(({ id }) => id);
  assert.deepEqual(invalid, [check]);
  return report.first?.message ?? '';
}

async function found(check: CheckId, cheat: Cheat, policy?: Partial<Policy>): Promise<void> {
  await expectFound(check, cheat, policy);
}

const inRound =
  (cheat: Cheat): Cheat =>
  (log) => {
    log.openRound(1);
    return cheat(log);
  };

/** Changes the first ciphertext of a vote of amara's. */
const withAlpha = (change: (ciphertext: Ciphertext) => Ciphertext): Cheat =>
  inRound((log) => {
    const sealed = tampered(log.seal(amara, [[0]]), (ballot) => {
      const [answer] = ballot.answers as readonly [Answer];
      const [first, ...rest] = answer.choices as readonly [Ciphertext, ...Ciphertext[]];
      return { ...ballot, answers: [{ ...answer, choices: [change(first), ...rest] }] };
    });
    return log.castText(amara, 1, sealed);
  });

describe('an authority that signs a log with a sealed ballot it had to refuse', () => {
  it('is found out for a ciphertext that the proofs are not about', async () => {
    await expectFound(
      'votes',
      withAlpha(({ alpha, beta }) => ({ alpha, beta: group.add(beta, group.generator) })),
    );
  });

  it('is found out for points outside the group, and for encodings that are not canonical', async () => {
    const torsion = ED25519_TORSION_SUBGROUP.map((hex) => fromHex(hex) ?? assert.fail());
    for (const point of torsion.slice(1, 4)) {
      await expectFound(
        'votes',
        withAlpha(({ beta }) => ({ alpha: point as typeof beta, beta })),
      );
      const mixed = ed25519.Point.fromHex(toHex(point));
      await expectFound(
        'votes',
        withAlpha(({ alpha, beta }) => ({
          alpha: ed25519.Point.fromBytes(alpha).add(mixed).toBytes() as typeof alpha,
          beta,
        })),
      );
    }
    const bigOne = new Uint8Array(32).fill(0xff).with(0, 0xee).with(31, 0x7f);
    await expectFound(
      'votes',
      withAlpha(({ beta }) => ({ alpha: bigOne as typeof beta, beta })),
    );
  });

  it('is found out for another spelling of the text', async () => {
    for (const change of [
      (text: string) => `${text} `,
      (text: string) => text.replace('{', '{ '),
      (text: string) => text.replace(/"election_uuid":"[^"]*",/, ''),
      (text: string) => text.replace(/^\{("election_uuid":"[^"]*"),/, '{$1,$1,'),
      (text: string) => text.replace(/^\{("election_uuid":"[^"]*"),("election_hash":"[^"]*")/, '{$2,$1'),
      (text: string) => text.replace('"challenge":"', '"challenge":"0'),
    ]) {
      await expectFound(
        'votes',
        inRound((log) => log.castText(amara, 1, change(log.seal(amara, [[0]])))),
      );
    }
  });

  it('is found out for a vote sealed by another voter', () =>
    found(
      'votes',
      inRound((log) => log.castText(bo, 1, log.seal(amara, [[0]]))),
    ));

  it('is found out for a vote sealed for another round', () =>
    found('votes', (log) => {
      log.openRound(1);
      const sealed = log.seal(amara, [[0]]);
      log.close(1);
      log.tally(1);
      log.decryption(1, 1);
      log.decryption(1, 2);
      log.result(1, [{ answers: [0, 0, 0], blank: 0 }]);
      log.openRound(2);
      return log.castText(amara, 1, sealed);
    }));

  it('is found out for a sealed text that is cast again under the next number', () =>
    found(
      'revote',
      inRound((log) => {
        const sealed = log.seal(amara, [[0]]);
        log.castText(amara, 1, sealed);
        log.cast(amara, 2, [[1]]);
        return log.castText(amara, 3, sealed);
      }),
    ));

  it('is found out for a second ballot where the first one stands', () =>
    found(
      'revote',
      inRound((log) => {
        log.cast(amara, 1, [[0]]);
        return log.cast(amara, 2, [[1]]);
      }),
      { revote: 'never' },
    ));

  it('is found out for an open ballot', () =>
    found(
      'votes',
      inRound((log) => log.log.cast(amara, 1, [[0]])),
    ));
});

/** A closed round in which two voters voted, one of them twice. */
function closedRound(log: SealedLogBuilder): { readonly replaced: string } {
  log.openRound(1);
  log.cast(amara, 1, [[0]]);
  const replaced = log.seal(bo, [[1]]);
  log.castText(bo, 1, replaced);
  log.cast(bo, 2, [[2]]);
  log.close(1);
  return { replaced };
}
const VOTES = [{ answers: [1, 0, 3], blank: 0 }];

describe('an authority that counts sealed ballots wrongly', () => {
  it('is found out for a tally that is not the sum of the ballots that count', async () => {
    await expectFound('tally', (log) => {
      const { replaced } = closedRound(log);
      const { encryptedTally } = log.sumOf([{ sealed: replaced, weight: bo.weight }]);
      return log.tally(1, { encryptedTally });
    });
    await expectFound('tally', (log) => {
      closedRound(log);
      return log.tally(1, { numTallied: 3 });
    });
    await expectFound('tally', (log) => {
      closedRound(log);
      return log.tally(1, { totalWeight: 3 });
    });
  });

  it('is found out for a decryption without a proof that holds, and for one by another trustee', async () => {
    await expectFound('decryptions', (log) => {
      closedRound(log);
      log.tally(1);
      return log.log.append({ kind: 'decryption', round: 1, ...log.decryptionOf(1), trustee: 2 });
    });
    await expectFound('decryptions', (log) => {
      const { replaced } = closedRound(log);
      log.tally(1);
      const { encryptedTally } = log.sumOf([{ sealed: replaced, weight: 1 }]);
      return log.log.append({ kind: 'decryption', round: 1, ...log.decryptionOf(1, encryptedTally) });
    });
    await expectFound('decryptions', (log) => {
      closedRound(log);
      log.tally(1);
      return log.log.append({ kind: 'decryption', round: 1, ...log.decryptionOf(1), trustee: 3 });
    });
    for (const proof of ['{}', undefined])
      await expectFound('decryptions', (log) => {
        closedRound(log);
        log.tally(1);
        const other = log.decryptionOf(2).proof;
        return log.log.append({
          kind: 'decryption',
          round: 1,
          ...log.decryptionOf(1),
          proof: proof ?? other,
        });
      });
  });

  it('is found out for a result that the decryptions do not give, or are not enough for', async () => {
    const decrypted = (log: SealedLogBuilder) => {
      closedRound(log);
      log.tally(1);
      log.decryption(1, 1);
      log.decryption(1, 2);
    };
    await expectFound('tally', (log) => {
      decrypted(log);
      return log.result(1, [{ answers: [0, 1, 3], blank: 0 }]);
    });
    await expectFound('tally', (log) => {
      decrypted(log);
      return log.result(1, VOTES, { voted: 3 });
    });
    const missing = await expectFound('tally', (log) => {
      closedRound(log);
      log.tally(1);
      log.decryption(1, 1);
      return log.result(1, VOTES);
    });
    assert.match(missing, /trustee 2 has not decrypted/);
  });

  it('is found out for steps that are out of order', async () => {
    await expectFound('rounds', (log) => {
      log.openRound(1);
      return log.tally(1);
    });
    await expectFound('rounds', (log) => {
      closedRound(log);
      return log.decryption(1, 1);
    });
    await expectFound('rounds', (log) => {
      closedRound(log);
      return log.result(1, VOTES);
    });
    await expectFound('rounds', (log) => {
      closedRound(log);
      log.tally(1);
      return log.tally(1);
    });
    await expectFound('rounds', (log) => {
      closedRound(log);
      log.tally(1);
      log.decryption(1, 1);
      return log.decryption(1, 1);
    });
    await expectFound('rounds', (log) => {
      log.openRound(1);
      return log.appendTrustees();
    });
  });

  it('is found out for trustees whose keys are not sound', async () => {
    const changes: ((log: SealedLogBuilder) => string)[] = [
      // Nobody who could decrypt.
      () => '[]',
      // One key twice: one trustee could stand in for two.
      ({ trustees }) =>
        encodeTrustees([1, 2].map(() => ({ kind: 'Single', key: trustees[0]?.publicKey ?? assert.fail() }))),
      // A key whose secret its owner need not know.
      ({ trustees: [one, two] }) =>
        encodeTrustees([
          {
            kind: 'Single',
            key: {
              pok: one?.publicKey.pok ?? assert.fail(),
              publicKey: two?.publicKey.publicKey ?? assert.fail(),
            },
          },
        ]),
      ({ trusteesText }) => trusteesText.replace(/"challenge":"\d/, '"challenge":"1'),
      ({ trusteesText }) => `${trusteesText} `,
    ];
    for (const change of changes) {
      const log = new SealedLogBuilder();
      log.log.genesis({ policy: { secrecy: 'sealed' } });
      log.log.roll(VOTERS);
      const text = change(log);
      if (text === log.trusteesText) continue;
      const seq = log.appendTrustees(text);
      log.log.checkpoint();
      const { first } = await reportOf(log);
      assert.deepEqual([first?.check, first?.seq], ['trustees', seq], JSON.stringify(first));
    }
  });

  it('is found out for what only a sealed election has, in one with open ballots', async () => {
    const log = new SealedLogBuilder();
    log.log.genesis();
    log.log.roll(VOTERS);
    const seq = log.appendTrustees();
    log.log.checkpoint();
    const { first } = await reportOf(log);
    assert.deepEqual([first?.check, first?.seq], ['rounds', seq]);
  });
});
