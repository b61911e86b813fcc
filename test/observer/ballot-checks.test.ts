import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import { dialPeer, parseDialTarget } from '#src/net/index.js';
import type { BallotCheckReport } from '#src/services/ports.js';
import { MAX_CHECKS_REPORTED } from '#src/services/witness-limits.js';
import { cleanUp } from '../support/cleanup.ts';
import { castAll } from '../support/forked-place.ts';
import { Watcher } from '../support/observing.ts';
import { PollingPlace } from '../support/polling-place.ts';

/** A polling place, and what it was told so far; `reach` resolves when the sum of all reports is as many. */
async function startPlace(t: TestContext) {
  const reports: BallotCheckReport[] = [];
  let onReport = (): void => undefined;
  const total = () => reports.reduce((sum, { found, missing }) => sum + found + missing, 0);
  const place = await PollingPlace.start(t, {
    secrets: false,
    voters: 10,
    misbehave: (service) => ({
      reportChecks: async (report) => {
        await service.reportChecks(report);
        reports.push(report);
        onReport();
      },
    }),
  });
  await castAll(place, 0, 3);
  const reach = (count: number) =>
    new Promise<void>((resolve) => {
      onReport = () => {
        if (total() >= count) resolve();
      };
      onReport();
    });
  return { place, reports, reach };
}

async function tell(t: TestContext, address: string, ...reports: readonly BallotCheckReport[]) {
  const client = await dialPeer(parseDialTarget(address));
  cleanUp(t, () => client.close());
  for (const report of reports) await client.reportChecks(report);
}

const FOUND = { round: 1, found: 1, missing: 0 };
const MISSING = { round: 1, found: 0, missing: 1 };

describe('what voters’ programs tell an observer', () => {
  it('reaches the organiser in sums, each once', async (t) => {
    const { place, reach } = await startPlace(t);
    const observer = await Watcher.start(t, place, { dial: [place.address] });
    await observer.holds(place.log.head.size);
    await tell(t, observer.address, FOUND, FOUND, MISSING, FOUND);
    await reach(4);
    assert.deepEqual(place.checks.of(1), { found: 3, missing: 1 });
    await tell(t, observer.address, FOUND);
    await reach(5);
    assert.deepEqual(place.checks.of(1), { found: 4, missing: 1 });
    assert.deepEqual(observer.observer.checks.of(1), { found: 4, missing: 1 });
  });

  it('waits while the organiser is away', async (t) => {
    const { place, reports, reach } = await startPlace(t);
    const observer = await Watcher.start(t, place, { dial: [place.address] });
    await observer.holds(place.log.head.size);
    await place.hangUp();
    await tell(t, observer.address, FOUND, FOUND);
    assert.equal(reports.length, 0);
    await place.listen();
    await reach(2);
    assert.deepEqual(place.checks.of(1), { found: 2, missing: 0 });
  });

  it('does not go round in circles between observers', async (t) => {
    const { place, reach } = await startPlace(t);
    const near = await Watcher.start(t, place, { dial: [place.address] });
    await near.holds(place.log.head.size);
    const far = await Watcher.start(t, place, { dial: [near.address] });
    await far.holds(place.log.head.size);
    await tell(t, far.address, FOUND);
    await tell(t, near.address, FOUND);
    await reach(1);
    await castAll(place, 3, 4);
    await far.holds(place.log.head.size);
    assert.deepEqual(near.observer.checks.of(1), { found: 1, missing: 0 });
    assert.deepEqual(place.checks.of(1), { found: 1, missing: 0 });
  });

  it('is taken only in numbers that can be, and for rounds that there are', async (t) => {
    const { place } = await startPlace(t);
    const client = await dialPeer(parseDialTarget(place.address));
    cleanUp(t, () => client.close());
    await assert.rejects(client.reportChecks({ round: 2, found: 1, missing: 0 }), { code: 'not-found' });
    for (const found of [-1, 0.5, MAX_CHECKS_REPORTED + 1])
      await assert.rejects(client.reportChecks({ round: 1, found, missing: 0 }), { code: 'malformed' });
    assert.deepEqual(place.checks.of(1), { found: 0, missing: 0 });
  });
});
