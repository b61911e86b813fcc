import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { publicKeyOf } from '#src/crypto/signature.js';
import { formatInvite } from '#src/net/index.js';
import { runVerifyLog } from '#src/cli/verify-log.js';
import { writeKeyFile } from '#src/store/key-files.js';
import { capturedIo } from '../support/captured-io.ts';
import { SealedElection } from '../support/sealed-election.ts';
import { AUTHORITY, QUESTION } from '../support/temp-election.ts';
import { openPolls } from './open-polls.ts';
import { AdminPlace } from './admin-support.ts';

/** A folder with an election whose first round is counted, and whose second one is open. */
async function placeWithRounds(t: TestContext): Promise<AdminPlace> {
  const place = await AdminPlace.create(t);
  const election = await SealedElection.create(t, { folder: place.data, questions: [QUESTION] });
  await election.open();
  await election.vote(0, [[1]]);
  await election.close();
  await election.count(election.decryption(1));
  await election.election.organiser.prepare({
    title: 'Again',
    questions: [QUESTION],
    opens: null,
    closes: null,
  });
  await election.open();
  await election.vote(2, [null]);
  const { uuid } = election.election.log.genesis;
  await election.election.close();
  const key = join(place.keys, `admin-${uuid}.key`);
  await place.file('keys/.keep', '');
  await writeKeyFile(key, { role: 'admin', seed: AUTHORITY, publicKey: publicKeyOf(AUTHORITY) });
  return place;
}

describe('admin export --belenios', () => {
  it('writes the newest round or the one that is named, which verify-log finds valid', async (t) => {
    const place = await placeWithRounds(t);
    const newest = await place.admin('export', '--belenios', place.path('newest.bel'));
    assert.equal(newest.code, 0, newest.err);
    assert.match(newest.out, /^Exported round 2 to .*newest\.bel/);
    const { code, lines } = await place.json('export', '--belenios', place.path('first.bel'), '--round', '1');
    assert.equal(code, 0);
    assert.deepEqual(lines, [
      { event: 'exported', format: 'belenios', file: place.path('first.bel'), entries: 11, round: 1 },
    ]);
    for (const [name, stage] of [
      ['newest.bel', 'open'],
      ['first.bel', 'tallied'],
    ] as const) {
      const io = capturedIo();
      assert.equal(await runVerifyLog([place.path(name)], io), 0, io.err());
      assert.match(io.out(), new RegExp(`protocol version 1, ${stage}`));
    }
    assert.match(
      (await place.admin('export', '--belenios', place.path('first.bel'))).err,
      /first\.bel.*exists/s,
    );
    assert.equal((await place.admin('export', '--belenios', place.path('first.bel'), '--force')).code, 0);
    const none = await place.admin('export', '--belenios', place.path('third.bel'), '--round', '4');
    assert.equal(none.code, 1);
    assert.match(none.err, /There is no round 4: there are 2 rounds/);
  });

  it('writes the same of a running election, and of any log that verify-log reads', async (t) => {
    const place = await placeWithRounds(t);
    assert.equal((await place.admin('export', '--belenios', place.path('own.bel'), '--round', '1')).code, 0);
    assert.equal((await place.admin('export', '--car', place.path('log.car'))).code, 0);
    const expected = await readFile(place.path('own.bel'));
    const elsewhere = ['--data', place.path('elsewhere')];
    const { address } = await openPolls(t, place);
    for (const options of [
      [],
      [...elsewhere, '--from', place.path('log.car')],
      [...elsewhere, '--from', place.data],
      [...elsewhere, '--from', address],
    ]) {
      const file = place.path('copy.bel');
      const { code, err } = await place.admin(
        ...options.slice(0, 2),
        ...['export', '--belenios', file, '--round', '1', '--force', ...options.slice(2)],
      );
      assert.equal(code, 0, err);
      assert.deepEqual(await readFile(file), expected, options.join(' '));
    }
    const [, at = '', peerId = ''] = /^(.*)\/p2p\/(.*)$/.exec(address) ?? [];
    const invite = (electionId: string) => formatInvite({ peerId, electionId, addresses: [at] });
    const { electionId } = ((await place.json('status')).lines[0] as { status: { electionId: string } })
      .status;
    for (const [id, code] of [
      [electionId, 0],
      ['bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy', 1],
    ] as const) {
      const file = place.path(`invited-${code}.bel`);
      const invited = await place.admin(...elsewhere, 'export', '--belenios', file, '--from', invite(id));
      assert.equal(invited.code, code, invited.err);
      if (code === 1) assert.match(invited.err, /keeps the log of another election/);
    }
    const nothing = await place.admin(
      'export',
      '--belenios',
      place.path('x.bel'),
      '--from',
      place.path('no'),
    );
    assert.equal(nothing.code, 2);
    assert.match(nothing.err, /There is no log at/);
  });

  it('is refused for open ballots, and its options without it', async (t) => {
    const place = await AdminPlace.withElection(t, '--open');
    const open = await place.admin('export', '--belenios', place.path('open.bel'));
    assert.equal(open.code, 1);
    assert.match(open.err, /open ballots/);
    const { code, err } = await place.admin('export', '--car', place.path('log.car'), '--round', '1');
    assert.equal(code, 2);
    assert.match(err, /--round is for --belenios/);
  });
});
