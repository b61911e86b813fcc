import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { describe, it } from 'node:test';
import type { PeerRefusal } from '#src/services/ports.js';
import { MadeCeremony, invited } from '../support/made-ceremony.ts';
import { TrusteePlace } from '../support/trustee-place.ts';
import { eventsOf } from '../support/trustee-program.ts';

describe('a trustee who cheats', () => {
  it('with a wrong secret for another is named by the complaint of that one, and the ceremony begins anew without it', async (t) => {
    const set = await TrusteePlace.start(t, invited(0, 3, 2));
    const { invite, organiser } = set.place;
    await set.trustees.settle(invite, 1, 2);
    // The third one is not our program, but built of the same parts.
    const cheat = await set.cheater(3);
    await cheat.certificate();
    await set.trustees.settle(invite, 1, 2);
    await cheat.wrongPolynomial();
    const ran = await set.trustees.once(1, invite);
    assert.deepEqual(eventsOf(ran).slice(0, 1), ['complaint']);
    assert.deepEqual(organiser.ceremony.standing()?.ended?.accused, [3]);
    const told = set.place.events.find(({ type }) => type === 'ceremony-ended');
    assert.deepEqual(told?.type === 'ceremony-ended' && told.accused, [{ trustee: 3, name: 'Cleo' }]);
    await assert.rejects(organiser.open(), { code: 'ceremony-unfinished' });
    assert.equal(await set.verdict(), 'valid');
    const again = invited(0, 2, 2);
    await organiser.ceremony.start(again.start);
    await set.invite(again);
    await set.trustees.settle(invite, 1, 2);
    await set.voteAndClose();
    await set.trustees.settle(invite, 1, 2);
    assert.equal(set.votes, 6);
    assert.equal(await set.verdict(), 'valid');
  });

  for (const [kind, done] of [
    ['certificate', []],
    ['polynomial', ['certificate']],
    ['share', ['certificate', 'polynomial']],
  ] as const)
    it(`by vanishing before its ${kind} is shown as missing, and the others can begin anew`, async (t) => {
      const set = await TrusteePlace.start(t, invited(0, 3, 2));
      const { invite, organiser } = set.place;
      const cheat = await set.cheater(3);
      for (const step of done) {
        await set.trustees.settle(invite, 1, 2);
        await cheat.honest(step);
      }
      await set.trustees.settle(invite, 1, 2);
      const standing = organiser.ceremony.standing();
      assert.deepEqual(
        standing?.invited.map(({ next }) => next),
        kind === 'share' ? ['nothing', 'nothing', 'share'] : ['others', 'others', kind],
      );
      await assert.rejects(organiser.open(), ({ code, message }: { code: string; message: string }) => {
        assert.equal(code, 'ceremony-unfinished');
        assert.match(message, /waiting for Cleo\./);
        return true;
      });
      const again = invited(0, 2, 2);
      await organiser.ceremony.start(again.start);
      await set.invite(again);
      await set.trustees.settle(invite, 1, 2);
      assert.equal(organiser.ceremony.standing()?.done, true);
      assert.equal(await set.verdict(), 'valid');
    });

  it('with steps replayed, reordered, of another ceremony, or in another’s name is refused', async (t) => {
    const set = await TrusteePlace.start(t, invited(0, 2, 2));
    const { log } = set.place;
    const cheat = await set.cheater(2);
    await cheat.certificate();
    const size = log.head.size;
    const [step] = log.state.ceremony?.steps ?? [];
    assert.ok(step !== undefined);
    await cheat.give(step);
    assert.equal(log.head.size, size, 'the same again changes nothing');
    const other = new MadeCeremony(set.who).step(1);
    const elsewhere = new MadeCeremony(set.who);
    for (const [refused, given] of [
      ['bad-proof', { step: other, invitation: null }],
      ['bad-proof', { step: other, invitation: set.who.codes[1] }],
      ['bad-proof', { step: other, invitation: set.who.codes[0] }],
      ['bad-proof', { step: { ...step, text: `${step.text} ` }, invitation: set.who.codes[1] }],
      ['bad-proof', { step: { ...step, trustee: 1 }, invitation: set.who.codes[0] }],
      ['bad-proof', { step: { ...step, kind: 'polynomial' }, invitation: null }],
      ['too-late', { ceremony: elsewhere.cid.toString(), step: other, invitation: set.who.codes[0] }],
      ['bad-proof', { step: { ...step, trustee: 9 }, invitation: null }],
    ] as const)
      await assert.rejects(cheat.hand(given as never), (error: PeerRefusal) => {
        assert.equal(error.code, refused, error.message);
        return true;
      });
    await assert.rejects(cheat.early('polynomial'), { code: 'too-late' });
    assert.equal(log.head.size, size);
    assert.deepEqual(set.place.defects, []);
  });

  it('is the only one who can be accused: what a stranger sends in somebody’s name shows nothing', async (t) => {
    const set = await TrusteePlace.start(t, invited(0, 2, 2));
    const stranger = await set.cheater(2);
    const step = { kind: 'polynomial', trustee: 1, text: '{}', signature: '{}' } as const;
    for (const kind of ['polynomial', 'share', 'complaint'] as const)
      await assert.rejects(stranger.hand({ step: { ...step, kind }, invitation: null }));
    for (const kind of ['certificate', 'key'] as const)
      await assert.rejects(stranger.hand({ step: { ...step, kind }, invitation: 'AAAA' }));
    const refused = set.place.events.flatMap((event) => (event.type === 'trustee-refused' ? [event] : []));
    assert.equal(refused.length, 5);
    assert.ok(refused.every(({ evidence }) => evidence === null));
  });

  it('with a certificate of another spelling is refused, so that no message grows too long for the log', async (t) => {
    const set = await TrusteePlace.start(t, invited(0, 2, 2));
    const cheat = await set.cheater(1);
    await assert.rejects(cheat.paddedCertificate(' '.repeat(100_000)), (error: PeerRefusal) => {
      assert.match(error.message, /not in its one form/);
      return true;
    });
    await cheat.certificate();
  });

  it('can not have a key that was put back from a copy complain, which could reveal the share that it gave before', async (t) => {
    const set = await TrusteePlace.start(t, invited(0, 2, 2));
    const { invite } = set.place;
    await set.trustees.once(1, invite);
    const cheat = await set.cheater(2);
    await cheat.certificate();
    await set.trustees.once(1, invite);
    await rm(`${set.trustees.key(1)}.notes`);
    await cheat.wrongPolynomial();
    const ran = await set.trustees.once(1, invite);
    assert.equal((ran.lines.at(-1)?.['error'] as { code: string }).code, 'ceremony-fault');
    assert.match(ran.err, /does not know what it gave/);
  });
});
