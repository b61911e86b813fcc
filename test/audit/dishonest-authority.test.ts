import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ED25519_TORSION_SUBGROUP } from '@noble/curves/ed25519.js';
import { inProcessChecker } from '#src/audit/checker.js';
import type { CheckId } from '#src/audit/report.js';
import { audit } from '#src/audit/run.js';
import { encodeDagCbor } from '#src/base/dag-cbor.js';
import { cidFromDigest } from '#src/crypto/cid.js';
import { signBallot } from '#src/election/ballot.js';
import type { EntryContent, Policy, Question, Voter } from '#src/election/entries.js';
import { encodeEntry } from '#src/log/entry-codec.js';
import {
  LogBuilder,
  QUESTION,
  ROUND_1,
  SECOND,
  TURNOUT_1,
  VOTERS,
  pseudonymous,
  sampleLog,
  testVoter,
} from '../support/build-log.js';
import { Point, hex } from '../support/made-signatures.js';

/** Builds a log that is chained and signed as it should be; resolves to the places at fault. */
type Cheat = (log: LogBuilder) => number | undefined;

const [amara, bo, chiara] = VOTERS;
const stranger = testVoter('zoe', 77);

interface Beginning {
  /** Whether the log has its genesis and roll before the cheat. */
  readonly begin?: boolean;
  readonly names?: Policy['names'];
  readonly revote?: Policy['revote'];
}

/** A log with its roll; then whatever the cheat does; then a checkpoint over it all. */
async function auditOf(cheat: Cheat, { begin = true, names = 'public', revote = 'last' }: Beginning = {}) {
  const log = new LogBuilder();
  if (begin) {
    log.genesis({ policy: { names, revote } });
    log.roll(names === 'public' ? VOTERS : pseudonymous(VOTERS));
  }
  const seq = cheat(log);
  log.checkpoint();
  const report = await audit(log.source(), { checker: inProcessChecker() });
  return { log, seq, report };
}

async function expectFound(check: CheckId, cheat: Cheat, options?: Beginning): Promise<void> {
  await messageOf(check, cheat, options);
}

/** The message of the first finding, which must be of this check, at the place that the cheat names, and of no other. */
async function messageOf(check: CheckId, cheat: Cheat, options?: Beginning): Promise<string> {
  const { seq, report } = await auditOf(cheat, options);
  assert.equal(report.verdict, 'invalid');
  assert.deepEqual([report.first?.check, report.first?.seq], [check, seq], JSON.stringify(report.first));
  const invalid = report.checks.filter(({ verdict }) => verdict === 'invalid').map(({ id }) => id);
  assert.deepEqual(invalid, [check]);
  return report.first?.message ?? '';
}

async function expectSound(cheat: Cheat, options?: Beginning): Promise<void> {
  const { report } = await auditOf(cheat, options);
  assert.equal(report.first, undefined);
}

describe('an authority that signs a log with a ballot it had to refuse', () => {
  it('is found out for a stranger’s ballot', () =>
    expectFound('eligibility', (log) => {
      log.openRound(1);
      return log.cast(stranger, 1, [[0]]);
    }));

  it('is found out for a ballot before any round', () =>
    expectFound('window', (log) => {
      const { head } = log;
      return log.cast(amara, 1, [[0]], { round: head.cid ?? assert.fail() });
    }));

  it('is found out for a ballot after the close entry', () =>
    expectFound('window', (log) => {
      log.openRound(1);
      log.close(1);
      return log.cast(amara, 1, [[0]]);
    }));

  it('is found out for a ballot at or after the round’s closing time, and not for one before it', async () => {
    const closing =
      (wait: number): Cheat =>
      (log) => {
        log.openRound(1, [QUESTION], log.now + 5000);
        log.wait(4000 + wait);
        return log.cast(amara, 1, [[0]]);
      };
    await expectSound(closing(-1));
    await expectFound('window', closing(0));
    await expectFound('window', closing(1000));
  });

  it('is found out for a ballot of an earlier round, and of another election', async () => {
    await expectFound('window', (log) => {
      log.openRound(1);
      const { round } = log;
      log.close(1);
      log.append({
        kind: 'result',
        round: 1,
        turnout: { voters: 5, weight: 8, voted: 0, votedWeight: 0, ballots: 0 },
        questions: [{ answers: [0, 0, 0], blank: 0, winners: [] }],
      });
      log.openRound(2);
      return log.cast(amara, 1, [[0]], { round });
    });
    await expectFound('window', (log) => {
      log.openRound(1);
      return log.cast(amara, 1, [[0]], { round: sampleLog().round });
    });
  });

  it('is found out for a second ballot where the first one stands', () =>
    expectFound(
      'revote',
      (log) => {
        log.openRound(1);
        log.cast(amara, 1, [[0]]);
        log.cast(bo, 1, [[0]]);
        return log.cast(amara, 2, [[1]]);
      },
      { revote: 'never' },
    ));

  it('is found out for an old ballot that is played again', async () => {
    for (const revote of ['last', 'never'] as const) {
      await expectFound(
        'revote',
        (log) => {
          log.openRound(1);
          const ballot = signBallot(
            { form: 'open', round: log.round, number: 1, choices: [[0]] },
            amara.seed,
          );
          log.append({ kind: 'ballot', ballot });
          if (revote === 'last') log.cast(amara, 2, [[1]]);
          return log.append({ kind: 'ballot', ballot });
        },
        { revote },
      );
    }
  });

  it('is found out for a voter’s ballot that it left out', () =>
    expectFound('revote', (log) => {
      log.openRound(1);
      return log.cast(amara, 2, [[0]]);
    }));

  it('is found out for a ballot that another key signed, and for one that was changed after it was signed', async () => {
    await expectFound('signatures', (log) => {
      log.openRound(1);
      const { body } = signBallot({ form: 'open', round: log.round, number: 1, choices: [[0]] }, amara.seed);
      return log.cast(bo, 1, [[0]], { forge: ({ signature }) => ({ body, signature }) });
    });
    await expectFound('signatures', (log) => {
      log.openRound(1);
      return log.cast(amara, 1, [[0]], {
        forge: ({ signature }) => ({
          body: signBallot({ form: 'open', round: log.round, number: 1, choices: [[1]] }, amara.seed).body,
          signature,
        }),
      });
    });
    await expectFound('signatures', (log) => {
      log.openRound(1);
      return log.cast(amara, 1, [[0]], { forge: ({ body }) => ({ body, signature: new Uint8Array(64) }) });
    });
  });

  const strict: Question = { ...QUESTION, min: 1, max: 2, blank: false };
  const badVotes = {
    'too many answers': [[0, 1, 2]],
    'too few answers': [[]],
    'an answer that there is not': [[3]],
    'answers out of order': [[1, 0]],
    'an answer twice': [[1, 1]],
    'a blank vote': [null],
    'a question too many': [[0], [0]],
  };
  for (const [what, choices] of Object.entries(badVotes)) {
    it(`is found out for a vote with ${what}`, () =>
      expectFound('votes', (log) => {
        log.openRound(1, [strict]);
        log.cast(bo, 1, [[0]]);
        return log.cast(amara, 1, choices);
      }));
  }

  it('is found out for a ballot that is not in the one form, however it was signed', () =>
    expectFound('format', (log) => {
      log.openRound(1);
      const body = encodeDagCbor({
        v: 1,
        form: 'open',
        round: log.round,
        voter: amara.key,
        number: 1,
        choices: [[0]],
        more: 1,
      });
      return log.cast(amara, 1, [[0]], { forge: ({ signature }) => ({ body, signature }) });
    }));

  it('has every such ballot named, each by all that is wrong with it, and does not count it', async () => {
    const { report, seq } = await auditOf((log) => {
      log.openRound(1, [QUESTION], log.now + 10_000);
      log.cast(bo, 1, [[1]]);
      log.wait(60_000);
      const first = log.cast(bo, 3, [[9]]);
      log.cast(stranger, 1, [[0]]);
      return first;
    });
    const found = report.checks.flatMap(({ findings }) =>
      findings.map(({ check, seq: at }) => `${check} ${at ?? ''}`),
    );
    assert.deepEqual(found, [
      `eligibility ${(seq ?? 0) + 1}`,
      `window ${seq}`,
      `window ${(seq ?? 0) + 1}`,
      `revote ${seq}`,
      `votes ${seq}`,
    ]);
    assert.deepEqual(report.rounds[0]?.result.questions[0]?.answers, [0, 3, 0]);
  });
});

describe('an authority that publishes a result which the ballots do not give', () => {
  const publish =
    (
      change: (
        result: Extract<EntryContent, { kind: 'result' }>,
      ) => Extract<EntryContent, { kind: 'result' }>,
    ): Cheat =>
    (log) => {
      log.openRound(1, [QUESTION, SECOND]);
      log.cast(amara, 1, [[0], [0]]);
      log.cast(bo, 1, [[0], [1]]);
      log.cast(chiara, 1, [[1], []]);
      log.cast(bo, 2, [[1, 2], []]);
      log.cast(chiara, 2, [null, [1]]);
      log.cast(VOTERS[3], 1, [[2], [0]]);
      log.close(1);
      return log.append(change({ kind: 'result', round: 1, turnout: TURNOUT_1, questions: ROUND_1 }));
    };
  const [one, two] = ROUND_1;
  assert.ok(one && two);

  it('is trusted with the right one', () => expectSound(publish((result) => result)));

  it('is found out in each number of it', async () => {
    for (const field of ['voters', 'weight', 'voted', 'votedWeight', 'ballots'] as const) {
      const message = await messageOf(
        'tally',
        publish((result) => ({ ...result, turnout: { ...TURNOUT_1, [field]: TURNOUT_1[field] + 1 } })),
      );
      assert.match(message, new RegExp(`turnout, ${field}:`));
    }
    const message = await messageOf(
      'tally',
      publish((result) => ({ ...result, questions: [{ ...one, answers: [1, 3, 6] }, two] })),
    );
    assert.match(message, /question 1, "Ciao": the result says 6, the log gives 5/);
    await expectFound(
      'tally',
      publish((result) => ({ ...result, questions: [one, { ...two, blank: 1 }] })),
    );
    await expectFound(
      'tally',
      publish((result) => ({ ...result, questions: [{ ...one, winners: [1] }, two] })),
    );
    await expectFound(
      'tally',
      publish((result) => ({ ...result, questions: [{ ...one, winners: [1, 2] }, two] })),
    );
    await expectFound(
      'tally',
      publish((result) => ({ ...result, questions: [one, two, two] })),
    );
    await expectFound(
      'tally',
      publish((result) => ({ ...result, questions: [{ ...one, answers: [1, 3, 5, 0] }, two] })),
    );
  });

  it('is found out in every number when questions are missing', async () => {
    const { report } = await auditOf(publish((result) => ({ ...result, questions: [one] })));
    assert.deepEqual(
      report.checks.find(({ id }) => id === 'tally')?.findings.map(({ message }) => message),
      [
        'question 2, "Yes": the result says nothing, the log gives 3',
        'question 2, "No": the result says nothing, the log gives 1',
        'question 2, blank: the result says nothing, the log gives 0',
      ],
    );
  });
});

describe('an authority with an unsound roll', () => {
  const roll =
    (voters: readonly Voter[]): Cheat =>
    (log) => {
      log.genesis();
      log.roll(voters, 1000);
      return 1;
    };
  const fresh = { begin: false };
  const mixed = Point.fromBytes(amara.key)
    .add(Point.fromBytes(hex(ED25519_TORSION_SUBGROUP[1] ?? '')))
    .toBytes();
  const badKeys = {
    'of mixed order': mixed,
    'of small order': hex(ED25519_TORSION_SUBGROUP[2] ?? ''),
    'that is the identity': hex(ED25519_TORSION_SUBGROUP[0] ?? ''),
    'that is not canonical': new Uint8Array(32).fill(0xff),
    'that is no point': Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 2 : 0)),
  };
  for (const [what, key] of Object.entries(badKeys)) {
    it(`is found out for a key ${what}`, async () => {
      const message = await messageOf('roll', roll([amara, { name: 'bad', key, weight: 1 }, bo]), fresh);
      assert.match(message, /"bad"/);
    });
  }

  it('can not let such a key vote', async () => {
    const { report } = await auditOf((log) => {
      log.genesis();
      log.roll([{ ...amara, key: mixed }]);
      log.openRound(1);
      const { signature } = signBallot(
        { form: 'open', round: log.round, number: 1, choices: [[0]] },
        amara.seed,
      );
      const forged = encodeDagCbor({
        v: 1,
        form: 'open',
        round: log.round,
        voter: mixed,
        number: 1,
        choices: [[0]],
      });
      return log.append({ kind: 'ballot', ballot: { body: forged, signature } });
    }, fresh);
    const invalid = report.checks.filter(({ verdict }) => verdict === 'invalid').map(({ id }) => id);
    assert.deepEqual(invalid, ['roll', 'eligibility']);
    assert.equal(report.rounds[0]?.result.turnout.ballots, 0);
  });

  it('is found out for a key twice, in one chunk or in two', async () => {
    await expectFound('roll', roll([amara, { ...bo, key: amara.key }]), fresh);
    await expectFound(
      'roll',
      (log) => {
        log.genesis();
        log.roll([amara, bo, chiara, { ...VOTERS[3], key: bo.key }], 2);
        return 2;
      },
      fresh,
    );
  });

  it('is found out for a name twice, and for names out of order', async () => {
    await expectFound('roll', roll([amara, { ...bo, name: 'amara' }]), fresh);
    await expectFound('roll', roll([bo, amara]), fresh);
  });

  it('is found out for a pseudonym that is not the key’s', () =>
    expectFound(
      'roll',
      (log) => {
        log.genesis({ policy: { names: 'pseudonym' } });
        const [first, ...others] = pseudonymous(VOTERS);
        assert.ok(first);
        log.roll([{ ...first, name: 'v-a' }, ...others], 1000);
        return 1;
      },
      fresh,
    ));

  it('is found out for chunks that are missing, out of order or too many', async () => {
    const chunk = (log: LogBuilder, part: number, parts: number, voter: Voter) =>
      log.append({ kind: 'roll', part, parts, voters: [{ name: voter.name, key: voter.key, weight: 1 }] });
    const chunks =
      (...pieces: readonly (readonly [number, number])[]): Cheat =>
      (log) => {
        log.genesis();
        let last = 0;
        for (const [index, [part, parts]] of pieces.entries())
          last = chunk(log, part, parts, VOTERS[index] ?? amara);
        return last;
      };
    await expectFound('roll', chunks([1, 2]), fresh);
    await expectFound('roll', chunks([0, 3], [2, 3]), fresh);
    await expectFound('roll', chunks([0, 2], [1, 3]), fresh);
    await expectFound('roll', chunks([0, 1], [1, 1]), fresh);
  });
});

describe('an authority that runs the rounds against the rules', () => {
  const nothing = {
    turnout: { voters: 5, weight: 8, voted: 0, votedWeight: 0, ballots: 0 },
    questions: [{ answers: [0, 0, 0], blank: 0, winners: [] }],
  };
  const cheats: Readonly<Record<string, Cheat>> = {
    'a second genesis': (log) => log.genesis(),
    'a first round that is not number 1': (log) => log.openRound(2),
    'a round while one is open': (log) => {
      log.openRound(1);
      return log.openRound(2);
    },
    'a round before the last one’s result': (log) => {
      log.openRound(1);
      log.close(1);
      return log.openRound(2);
    },
    'a close without a round': (log) => log.close(1),
    'a second close': (log) => {
      log.openRound(1);
      log.close(1);
      return log.close(1);
    },
    'a close of another round': (log) => {
      log.openRound(1);
      return log.close(2);
    },
    'a close by the schedule before its time': (log) => {
      log.openRound(1, [QUESTION], log.now + 60_000);
      return log.close(1, 'schedule');
    },
    'a round that closes before it opens': (log) => log.openRound(1, [QUESTION], log.now),
    'a result before the close': (log) => {
      log.openRound(1);
      return log.append({ kind: 'result', round: 1, ...nothing });
    },
    'a second result': (log) => {
      log.openRound(1);
      log.close(1);
      log.append({ kind: 'result', round: 1, ...nothing });
      return log.append({ kind: 'result', round: 1, ...nothing });
    },
  };
  for (const [what, cheat] of Object.entries(cheats)) {
    it(`is found out for ${what}`, () => expectFound('rounds', cheat));
  }

  it('is found out for a round before the roll is complete', () =>
    expectFound(
      'rounds',
      (log) => {
        log.genesis();
        log.append({ kind: 'roll', part: 0, parts: 2, voters: [{ name: 'a', key: amara.key, weight: 1 }] });
        return log.openRound(1);
      },
      { begin: false },
    ));

  it('is found out for a cost of credentials that no voter should run', () =>
    expectFound('rounds', (log) => log.genesis({ kdf: { name: 'argon2id', ops: 1, mem: 8192 } }), {
      begin: false,
    }));

  it('leaves undecided what comes after, and never calls it valid', async () => {
    const { report } = await auditOf((log) => {
      log.openRound(2);
      return log.cast(stranger, 1, [[9]]);
    });
    for (const id of ['eligibility', 'signatures', 'window', 'revote', 'votes', 'tally']) {
      assert.equal(report.checks.find((check) => check.id === id)?.verdict, 'not-judged', id);
    }
  });
});

describe('an authority that signs a log which is no chain', () => {
  const content = { kind: 'round', round: 1, title: 'Round', questions: [QUESTION], closes: null } as const;

  it('is found out for an entry that can not be read, and for nothing else', () =>
    expectFound('format', (log) => log.raw(Uint8Array.of(0xa0))));

  it('is found out for a time before that of the entry before', () =>
    expectFound('chain', (log) => {
      const { cid, size, time } = log.head;
      return log.raw(encodeEntry({ v: 1, seq: size, prev: cid, time: time - 1, ...content }));
    }));

  it('is found out for a wrong number, and for a wrong or missing link', async () => {
    await expectFound('chain', (log) => {
      const { cid, size, time } = log.head;
      return log.raw(encodeEntry({ v: 1, seq: size + 1, prev: cid, time, ...content }));
    });
    await expectFound('chain', (log) => {
      const { size, time } = log.head;
      return log.raw(encodeEntry({ v: 1, seq: size, prev: sampleLog().round, time, ...content }));
    });
    await expectFound('chain', (log) => {
      const { size, time } = log.head;
      return log.raw(encodeEntry({ v: 1, seq: size, prev: null, time, ...content }));
    });
  });

  it('is found out for a link of zeros, which is not the same as none', () =>
    expectFound('chain', (log) => {
      const { size, time } = log.head;
      const prev = cidFromDigest(new Uint8Array(32));
      return log.raw(encodeEntry({ v: 1, seq: size, prev, time, ...content }));
    }));

  it('is found out for a wrong link of a ballot too', () =>
    expectFound('chain', (log) => {
      log.openRound(1);
      const ballot = signBallot({ form: 'open', round: log.round, number: 1, choices: [[0]] }, amara.seed);
      const { size, time } = log.head;
      return log.raw(encodeEntry({ v: 1, seq: size, prev: sampleLog().round, time, kind: 'ballot', ballot }));
    }));
});

describe('a log with everything wrong', () => {
  it('has a bounded number of findings, and says how many there are', async () => {
    const { report } = await auditOf((log) => {
      log.openRound(1);
      for (let i = 0; i < 30; i++) log.cast(stranger, 1, [[0]]);
      return undefined;
    });
    const check = report.checks.find(({ id }) => id === 'eligibility');
    assert.equal(check?.findings.length, 20);
    assert.equal(check.count, 30);
  });
});
