import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import { encodeDagCbor } from '#src/base/dag-cbor.js';
import { chainEntry } from '#src/log/entry-codec.js';
import { PeerRefusal } from '#src/services/ports.js';
import { AT, LogBuilder, QUESTION, VOTERS, sampleLog, testVoter } from '../support/build-log.ts';
import { Watcher, type WatcherOptions } from '../support/observing.ts';
import { Puppet, genesisOf } from '../support/puppet.ts';
import { Relay } from '../support/relay.ts';
import { testKey } from '../support/test-keys.ts';

const AUTHORITY = testKey(1).seed;
const [AMARA, BO] = VOTERS;

/** A valid log with an open round and one ballot, under a checkpoint. */
function begunLog(): LogBuilder {
  const log = new LogBuilder();
  log.genesis();
  log.roll(VOTERS);
  log.openRound(1, [QUESTION]);
  log.cast(AMARA, 1, [[0]]);
  log.checkpoint();
  return log;
}

async function follow(t: TestContext, log: LogBuilder, options: WatcherOptions): Promise<Watcher> {
  return Watcher.of(t, genesisOf(log), options);
}

/** What an authority can do to its log that no rule allows, after some ballots that are as they should be. */
const BREACHES: readonly {
  readonly name: string;
  readonly check: string;
  readonly breach: (log: LogBuilder) => void;
}[] = [
  {
    name: 'an entry that is no DAG-CBOR',
    check: 'format',
    breach: (log) => log.raw(Uint8Array.of(0xff, 0, 1, 2)),
  },
  {
    name: 'an entry of an unknown kind',
    check: 'format',
    breach: (log) =>
      log.raw(encodeDagCbor({ v: 1, kind: 'bribe', seq: log.size, prev: log.head.cid, time: log.now })),
  },
  {
    name: 'an entry that is chained to another one',
    check: 'chain',
    breach: (log) => {
      const elsewhere = { ...log.head, cid: sampleLog('public', testKey(2)).head.cid };
      log.raw(chainEntry(elsewhere, { kind: 'close', round: 1, reason: 'organiser' }, log.now).bytes);
    },
  },
  {
    name: 'a ballot with a bad signature',
    check: 'signatures',
    breach: (log) =>
      log.cast(BO, 1, [[1]], {
        forge: (ballot) => ({ ...ballot, signature: ballot.signature.map((byte) => byte ^ 1) }),
      }),
  },
  {
    name: 'a ballot of somebody who is not on the roll',
    check: 'eligibility',
    breach: (log) => log.cast(testVoter('nobody', 77), 1, [[1]]),
  },
  {
    name: 'a second ballot with the number of the first',
    check: 'revote',
    breach: (log) => log.cast(AMARA, 1, [[2]]),
  },
  {
    name: 'a result that is not the count',
    check: 'tally',
    breach: (log) => {
      log.close(1);
      log.append({
        kind: 'result',
        round: 1,
        turnout: { voters: 5, weight: 8, voted: 3, votedWeight: 3, ballots: 3 },
        questions: [{ answers: [8, 0, 0], blank: 0, winners: [0] }],
      });
    },
  },
];

describe('an observer of an authority that signs what breaks the rules', () => {
  for (const { name, check, breach } of BREACHES) {
    it(`raises the alarm at ${name}, and keeps and cosigns what comes before`, async (t) => {
      const log = begunLog();
      const authority = await Puppet.start(t, { seed: AUTHORITY });
      authority.serve(log);
      const observer = await follow(t, log, { dial: [authority.address] });
      const sound = log.size;
      await observer.holds(sound);
      breach(log);
      log.checkpoint();
      authority.serve(log);
      const alarm = await observer.event('invalid-log');
      assert.equal(alarm.finding.check, check, alarm.finding.message);
      assert.equal(alarm.checkpoint, log.checkpoints.at(-1));
      assert.equal(observer.copy.head.size, sound);
      assert.equal(observer.copy.newestCheckpoint, log.checkpoints[0]);
      assert.ok(!observer.events.some((event) => event.type === 'cosigned' && event.size > sound));
      assert.deepEqual([observer.count('bad-source'), observer.count('defect')], [0, 0]);
    });
  }

  it('keeps what comes before where all of it comes at once, and the first checkpoint that convicts', async (t) => {
    const log = begunLog();
    let sound = 0;
    for (let number = 1; number <= 900; number++) {
      if (number === 600) {
        sound = sizeOf(log.checkpoints.at(-1) ?? '');
        log.cast(AMARA, 1, [[2]]);
      }
      log.cast(BO, number, [[number % 3]]);
      if (number % 10 === 5) log.checkpoint();
    }
    log.checkpoint();
    const authority = await Puppet.start(t, { seed: AUTHORITY });
    authority.serve(log);
    const observer = await follow(t, log, { dial: [authority.address] });
    const { finding, checkpoint } = await observer.event('invalid-log');
    assert.equal(finding.check, 'revote');
    const covering = log.checkpoints.filter((text) => sizeOf(text) > (finding.seq ?? 0));
    assert.ok(covering.indexOf(checkpoint) < 40, 'it is one of the next frame at most');
    // As many as were in whole frames before.
    assert.ok(
      observer.copy.head.size > 300 && observer.copy.head.size <= sound,
      `${observer.copy.head.size}`,
    );
    assert.equal(observer.count('bad-source'), 0);
  });

  it('raises it once, however often the authority is tried again', async (t) => {
    const log = begunLog();
    log.cast(AMARA, 1, [[2]]);
    log.checkpoint();
    const authority = await Puppet.start(t, { seed: AUTHORITY });
    authority.serve(log);
    const start = Date.now();
    const clock = { now: () => start + 10_000 * (Date.now() - start) };
    const observer = await follow(t, log, { dial: [authority.address], clock });
    await observer.event('invalid-log');
    await observer.until(() => observer.count('following') > 2, 'it is followed again, twice');
    assert.equal(observer.count('invalid-log'), 1);
    assert.equal(observer.observer.alarms.length, 1);
  });

  it('has no log of a genesis that is not the one it observes', async (t) => {
    const log = sampleLog();
    const another = sampleLog('public', testKey(2));
    const authority = await Puppet.start(t, { seed: AUTHORITY });
    authority.serve(another);
    const observer = await follow(t, log, { dial: [authority.address] });
    assert.match((await observer.event('bad-source')).reason, /another election/);
    assert.equal(observer.copy.head.size, 0);
    assert.deepEqual(observer.observer.alarms, []);
  });
});

describe('an observer of a source that makes entries up', () => {
  for (const { name, breach } of BREACHES) {
    it(`does not hold ${name} against the authority, nor against the next source`, async (t) => {
      const log = begunLog();
      for (const voter of VOTERS.slice(1)) {
        log.cast(voter, 1, [[1]]);
        log.checkpoint();
      }
      const made = begunLog();
      breach(made);
      const liar = await Puppet.start(t);
      // Signed for by the authority, and not of these entries.
      const checkpoints = log.checkpoints.filter((text) => sizeOf(text) === made.size);
      liar.serve({ entries: made.entries, checkpoints });
      const honest = await Puppet.start(t);
      honest.serve(log);
      const observer = await follow(t, log, { dial: [liar.address, honest.address] });
      await observer.holds(log.size);
      const bad = observer.events.flatMap((event) => (event.type === 'bad-source' ? [event.peer] : []));
      assert.deepEqual(bad, [liar.address]);
      assert.deepEqual(observer.observer.alarms, []);
      await observer.event('cosigned', ({ size }) => size === log.size);
    });
  }

  it('goes on from an honest one where the liar hung up before it could be found out', async (t) => {
    const log = sampleLog();
    const liar = await Puppet.start(t);
    // One sound entry that is signed for, then one made up, that is not; then nothing any more.
    liar.serve({
      entries: [...log.entries.slice(0, 3), Uint8Array.of(1, 2, 3)],
      checkpoints: log.checkpoints.slice(0, 1),
    });
    const honest = await Puppet.start(t);
    const observer = await follow(t, log, { dial: [liar.address, honest.address] });
    await observer.holds(3);
    honest.serve(log);
    await liar.node.stop();
    await observer.holds(AT.size);
    assert.equal(observer.count('bad-source'), 0);
    assert.deepEqual(observer.observer.alarms, []);
  });

  it('reads no further where entries have no end and no checkpoint', async (t) => {
    const log = sampleLog();
    const liar = await Puppet.start(t);
    const endless = await Puppet.start(t);
    const filler = new Uint8Array(50_000);
    let sent = 0;
    endless.serve(log);
    endless.entries = async function* (from: number) {
      if (from < AT.size) yield log.entries.slice(from);
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        sent++;
        yield [filler];
      }
    };
    liar.serve(log);
    const observer = await follow(t, log, {
      dial: [endless.address, liar.address],
      maxUncoveredBytes: 1_000_000,
    });
    assert.match((await observer.event('bad-source')).reason, /no checkpoint covers/);
    await observer.holds(AT.size);
    // What is on its way is bounded by the network's windows, not by the test.
    assert.ok(sent < 1000, `${sent} entries of 50 kB were sent`);
  });

  it('reads no further where entries without end have next to no bytes', async (t) => {
    const log = sampleLog();
    const endless = await Puppet.start(t);
    const honest = await Puppet.start(t);
    let sent = 0;
    endless.serve(log);
    endless.entries = async function* (from: number) {
      if (from < AT.size) yield log.entries.slice(from);
      const fillers = Array.from({ length: 1000 }, () => new Uint8Array(1));
      // Far fewer bytes than an observer takes without a checkpoint, and more objects than its memory has room for if all are kept.
      while (sent < 900_000) {
        await new Promise((resolve) => setImmediate(resolve));
        sent += fillers.length;
        yield fillers;
      }
    };
    honest.serve(log);
    const observer = await follow(t, log, {
      dial: [endless.address, honest.address],
      maxUncoveredBytes: 1_000_000,
    });
    await observer.holds(AT.size);
    assert.match((await observer.event('bad-source')).reason, /no checkpoint covers/);
  });

  it('takes any number of entries that are signed for', async (t) => {
    const log = begunLog();
    for (let number = 1; number <= 300; number++) {
      for (const voter of VOTERS.slice(1)) log.cast(voter, number, [[number % 3]]);
      log.checkpoint();
    }
    const authority = await Puppet.start(t, { seed: AUTHORITY });
    authority.serve(log);
    // Room for what comes at once, which is less than there is in all.
    const observer = await follow(t, log, { dial: [authority.address], maxUncoveredBytes: 300_000 });
    await observer.holds(log.size);
    assert.equal(observer.count('bad-source'), 0);
  });
});

describe('an observer of a source that stalls', () => {
  it('leaves one that is not heard of, and takes the log from another', async (t) => {
    const log = sampleLog();
    const authority = await Puppet.start(t, { seed: AUTHORITY });
    const port = portOf(authority);
    const line = await Relay.start(t, () => port);
    const other = await Puppet.start(t);
    authority.serve({ entries: log.entries.slice(0, 3), checkpoints: log.checkpoints.slice(0, 1) });
    other.serve(log);
    const observer = await follow(t, log, {
      dial: [line.address(authority.node.peerId), other.address],
      dialling: { silenceMs: 200, timeoutMs: 1_000, retries: 1 },
    });
    await observer.holds(3);
    line.silence();
    await observer.event('source-lost');
    await observer.holds(AT.size);
    assert.equal(observer.count('bad-source'), 0);
  });

  it('hears that one is there which has nothing to say', async (t) => {
    const log = sampleLog();
    const authority = await Puppet.start(t, { seed: AUTHORITY, deadlines: { heartbeatMs: 20 } });
    authority.serve({ entries: log.entries.slice(0, 3), checkpoints: log.checkpoints.slice(0, 1) });
    let asked = 0;
    authority.beforeEntries = () => {
      asked++;
      return Promise.resolve();
    };
    const observer = await follow(t, log, { dial: [authority.address], dialling: { silenceMs: 5_000 } });
    await observer.holds(3);
    // Each heartbeat looks for entries.
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        if (asked < 5) return;
        clearInterval(timer);
        resolve();
      }, 5);
    });
    authority.serve(log);
    await observer.holds(AT.size);
    assert.equal(observer.count('source-lost'), 0);
  });

  it('leaves one that has nothing more to say while others have more', async (t) => {
    const log = sampleLog();
    const authority = await Puppet.start(t, { seed: AUTHORITY, deadlines: { heartbeatMs: 20 } });
    authority.serve({ entries: log.entries.slice(0, 3), checkpoints: log.checkpoints.slice(0, 1) });
    const open = await Puppet.start(t);
    open.serve(log);
    const other = await follow(t, log, { dial: [open.address] });
    await other.holds(AT.size);
    const start = Date.now();
    const clock = { now: () => start + 100 * (Date.now() - start) };
    const observer = await follow(t, log, {
      dial: [authority.address, other.address],
      companions: [other.address],
      clock,
    });
    await observer.holds(AT.size);
    assert.match((await observer.event('source-lost')).reason, /others have more/);
    assert.deepEqual(observer.observer.alarms, []);
  });

  it('stays with one that has less than others where there is no other', async (t) => {
    const log = sampleLog();
    const authority = await Puppet.start(t, { seed: AUTHORITY, deadlines: { heartbeatMs: 20 } });
    authority.serve({ entries: log.entries.slice(0, 3), checkpoints: log.checkpoints.slice(0, 1) });
    const start = Date.now();
    const clock = { now: () => start + 100 * (Date.now() - start) };
    const observer = await follow(t, log, { dial: [authority.address], clock });
    await observer.holds(3);
    await observer.observer.desk.weigh(log.checkpoints.at(-1) ?? '');
    await observer.event('source-lost');
    authority.serve(log);
    await observer.holds(AT.size);
  });

  it('waits for one that is busy', async (t) => {
    const log = sampleLog();
    const authority = await Puppet.start(t, { seed: AUTHORITY });
    authority.serve(log);
    let refusals = 0;
    authority.beforeEntries = () =>
      refusals++ < 3
        ? Promise.reject(new PeerRefusal('busy', 'Too many are reading.', 1))
        : Promise.resolve();
    const observer = await follow(t, log, { dial: [authority.address] });
    await observer.holds(AT.size);
    assert.equal(observer.count('bad-source'), 0);
  });
});

function sizeOf(checkpoint: string): number {
  return Number(checkpoint.split('\n')[1]);
}

function portOf(puppet: Puppet): number {
  return Number(/\/tcp\/(\d+)/.exec(puppet.address)?.[1]);
}
