import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { PsephosError, refused } from '#src/base/errors.js';
import { guardHistory } from '#src/cli/admin/history-guard.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { decodeSignedBallot } from '#src/election/ballot.js';
import { origin, signCheckpoint } from '#src/log/checkpoint.js';
import { BallotChecks } from '#src/services/ballot-checks.js';
import { Caretaker } from '#src/services/caretaker.js';
import type { AppendPlan } from '#src/services/election-log.js';
import { EnrolmentDesk } from '#src/services/enrolment-desk.js';
import { PeerRefusal, type Store } from '#src/services/ports.js';
import { ServedLog } from '#src/services/served-log.js';
import type { WitnessEvent } from '#src/services/witness-desk.js';
import { AUTHORITY, TempElection } from '../support/temp-election.ts';
import { witnessDesk } from '../support/witness.ts';

const WHY = refused('history-incomplete', 'There is more than this.');

/** A store whose commits wait, once it is closed, until it is opened. */
class Gate {
  #passed: Promise<void> = Promise.resolve();
  open: () => void = () => undefined;
  #onArrival: () => void = () => undefined;

  close(): void {
    this.#passed = new Promise((resolve) => (this.open = resolve));
  }

  /** Resolves when a commit waits. */
  arrival(): Promise<void> {
    return new Promise((resolve) => (this.#onArrival = resolve));
  }

  readonly wrap = (store: Store): Store =>
    new Proxy(store, {
      get: (target, name) => {
        if (name === 'commit')
          return async (batch: Parameters<Store['commit']>[0]) => {
            this.#onArrival();
            await this.#passed;
            return target.commit(batch);
          };
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
}

const isBusy = (error: unknown) => {
  assert.ok(error instanceof PeerRefusal, String(error));
  assert.equal(error.code, 'busy');
  assert.ok((error.retryAfter ?? 0) >= 10_000);
  assert.match(error.message, /takes nothing in/);
  return true;
};

describe('a log that is halted', () => {
  it('drops what is signed and not being written yet, and finishes what is', async (t) => {
    const gate = new Gate();
    const election = await TempElection.create(t, { wrapStore: gate.wrap });
    await election.organiser.open();
    const { log } = election;
    const before = log.head.size;
    const planOf = (voter: number): AppendPlan => {
      const ballot = decodeSignedBallot(election.ballot(voter, [[0]]));
      assert.ok(ballot.ok);
      return { contents: [{ kind: 'ballot', ballot: ballot.value }] };
    };
    gate.close();
    const arrival = gate.arrival();
    const writing = log.appendBallots(() => planOf(0));
    await arrival;
    let plan: () => void = () => undefined;
    const planned = new Promise<void>((resolve) => (plan = resolve));
    const prepared = log.appendBallots(() => {
      plan();
      return planOf(1);
    });
    const dropped = assert.rejects(prepared, WHY);
    await planned;
    log.halt(WHY);
    gate.open();
    assert.equal((await writing).entries.length, 1);
    await dropped;
    assert.equal(log.head.size, before + 1);
    await election.reopen();
    assert.equal(election.log.head.size, before + 1);
    assert.equal(election.log.halted, undefined);
  });

  it('takes no ballot, but tells those of earlier ones again that they are in it', async (t) => {
    const election = await TempElection.create(t);
    await election.organiser.open();
    const { log } = election;
    const station = election.station();
    const receipt = await station.cast(election.ballot(0, [[0]]));
    const { size } = log.head;
    const under = assert.rejects(station.cast(election.ballot(1, [[0]])), isBusy);
    log.halt(WHY);
    await under;
    const promised = (promise: string) => assert.fail(`it promised what it can not keep: ${promise}`);
    await assert.rejects(station.cast(election.ballot(2, [[0]]), promised), isBusy);
    assert.equal(log.promise(new Uint8Array(32), election.now), undefined);
    assert.equal(log.head.size, size);
    assert.equal(await station.cast(election.ballot(0, [[0]])), receipt);
  });

  it('is read as before, and says to its organiser why nothing can be done', async (t) => {
    const election = await TempElection.create(t, { draft: { closes: 2_000_000 } });
    const { log, organiser } = election;
    await assert.doesNotReject(organiser.open());
    log.halt(WHY);
    log.halt(refused('other', 'Another reason.'));
    await assert.rejects(organiser.close(), WHY);
    await assert.rejects(
      log.setDraft({ title: 'R', questions: [], opens: null, closes: null }, () => undefined),
      WHY,
    );
    await assert.rejects(new EnrolmentDesk(log, () => undefined).enrol(new Uint8Array()), isBusy);
    const step = { kind: 'step', ceremony: 'x', invitation: null } as const;
    const given = { ...step, step: { kind: 'key', trustee: 1, text: '', signature: '' } } as const;
    await assert.rejects(election.trusteeDesk().handIn(given), isBusy);
    // What falls due is not tried over and over.
    election.now = 3_000_000;
    const clock = { now: () => election.now };
    const onEvent = (event: unknown) => {
      assert.fail(JSON.stringify(event));
    };
    await new Caretaker({ log, organiser, clock, onEvent, askTrusteesEvery: Infinity }).tick();
    const served = new ServedLog(log, witnessDesk(log), () => election.now);
    assert.equal((await served.info()).checkpoint, await log.store.latestCheckpoint());
  });

  it('is so from the moment at which somebody shows what its key signed besides, and stays so', async (t) => {
    const election = await TempElection.create(t);
    await election.organiser.open();
    const { log, organiser, folder } = election;
    const place = { data: folder, keys: folder };
    const checks = new BallotChecks();
    const opened = { log, organiser, place, checks, seed: AUTHORITY, onEvent: () => undefined };
    const observers = [['/ip6/::1/tcp/1/p2p/12D3KooWKc4925ckZKCwcfr3RjA9pP3rKAt6hZP9rkjEkhMhTtx6']];
    let afterwards: (() => Promise<void>) | undefined;
    const desk = witnessDesk(log, {
      onEvent: (event: WitnessEvent) => {
        afterwards = guardHistory(event, opened, () => observers) ?? afterwards;
      },
    });
    const size = log.head.size + 1;
    const head = { origin: origin(log.electionId), size, root: new Uint8Array(32) };
    const checkpoint = signCheckpoint(head, AUTHORITY, publicKeyOf(AUTHORITY));
    await desk.exchange({ checkpoint, observer: null, evidence: [] });
    assert.ok(log.halted instanceof PsephosError);
    assert.equal(log.halted.code, 'history-incomplete');
    await afterwards?.();
    const kept: unknown = JSON.parse(await readFile(join(folder, 'unconfirmed.json'), 'utf8'));
    assert.deepEqual(kept, {
      ...{ psephos: 'unconfirmed', version: 1, why: 'other-history' },
      ...{ observers, checkpoints: [checkpoint] },
    });
  });

  it('is so where two histories are proven, too', async (t) => {
    const election = await TempElection.create(t);
    await election.organiser.open();
    const { log, organiser, folder } = election;
    const place = { data: folder, keys: folder };
    const checks = new BallotChecks();
    const opened = { log, organiser, place, checks, seed: AUTHORITY, onEvent: () => undefined };
    const work: (() => Promise<void>)[] = [];
    const desk = witnessDesk(log, {
      onEvent: (event) => {
        const afterwards = guardHistory(event, opened, () => []);
        if (afterwards !== undefined) work.push(afterwards);
      },
    });
    const head = { origin: origin(log.electionId), size: log.head.size, root: new Uint8Array(32) };
    const checkpoint = signCheckpoint(head, AUTHORITY, publicKeyOf(AUTHORITY));
    await desk.exchange({ checkpoint, observer: null, evidence: [] });
    assert.equal(log.halted?.code, 'log-conflict');
    for (const afterwards of work) await afterwards();
    const kept = await readFile(join(folder, 'unconfirmed.json'), 'utf8');
    assert.ok(kept.includes(JSON.stringify(checkpoint)));
  });
});
