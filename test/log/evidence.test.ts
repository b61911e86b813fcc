import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toBase64 } from '#src/base/bytes.js';
import { origin, signCheckpoint } from '#src/log/checkpoint.js';
import { judgeEvidence } from '#src/log/evidence.js';
import { signPromise } from '#src/log/promise.js';
import { AT, LogBuilder } from '../support/build-log.js';
import { errorOf, valueOf } from '../support/results.js';
import {
  authority,
  ballotAt,
  ballotSize,
  entryTree,
  fork,
  genesis,
  headOf,
  honest,
  log,
  omission,
  promise,
  promised,
  signed,
  stranger,
} from '../support/two-histories.js';

const { receipt } = omission;

describe('evidence of an omission', () => {
  it('says which receipt is to be held against which log', () => {
    const { electionId, finding } = valueOf(judgeEvidence(omission));
    assert.equal(electionId, log.electionId);
    assert.ok(finding.kind === 'omission');
    assert.equal(finding.receipt.text, receipt);
    assert.equal(finding.receipt.checkpoint.size, ballotSize);
    assert.deepEqual(finding.served, { origin: log.origin, ...headOf(honest, 25), text: omission.served });
  });

  it('needs a receipt that holds, for the entry that is in it', () => {
    const refuses = (changed: string, why: RegExp): void => {
      assert.match(errorOf(judgeEvidence({ ...omission, receipt: changed })), why);
    };
    refuses('', /receipt can't be read/);
    refuses(receipt.slice(0, -1), /receipt can't be read/);
    refuses(receipt.replace(/^extra .*\n/m, ''), /does not hold the entry/);
    const another = log.entries[ballotAt + 1] as Uint8Array;
    refuses(receipt.replace(/^extra .*$/m, `extra ${toBase64(another)}`), /receipt doesn't hold/);
    refuses(receipt.replace(/^index .*$/m, `index ${ballotAt + 1}`), /receipt doesn't hold/);
    refuses(
      receipt.replace(signed(entryTree, ballotSize), signed(entryTree, ballotSize - 1)),
      /receipt doesn't hold/,
    );
    const root = entryTree.root(ballotSize);
    const foreign = signCheckpoint(
      { origin: log.origin, size: ballotSize, root },
      stranger.seed,
      stranger.publicKey,
    );
    refuses(receipt.replace(signed(entryTree, ballotSize), foreign), /receipt doesn't hold/);
  });

  it('needs a checkpoint of this log', () => {
    const elsewhere = signCheckpoint(
      { origin: origin('other'), ...headOf(honest, 25) },
      authority.seed,
      authority.publicKey,
    );
    for (const served of ['', elsewhere, omission.served.slice(0, -1)]) {
      assert.match(errorOf(judgeEvidence({ ...omission, served })), /that was served is not good/);
    }
  });
});

describe('evidence of a promise', () => {
  it('says which ballot was promised until when', () => {
    const { finding } = valueOf(judgeEvidence(promise));
    assert.deepEqual(finding, { kind: 'promise', promise: { ...promised, text: promise.promise } });
  });

  it('needs a promise by this authority about this log', () => {
    const key = { origin: log.origin, publicKey: authority.publicKey };
    for (const other of [
      '',
      promise.promise.slice(0, -1),
      signPromise(promised, { ...key, origin: origin('other') }, authority.seed),
      signPromise(promised, { ...key, publicKey: stranger.publicKey }, stranger.seed),
      signPromise(promised, key, stranger.seed),
      fork.first,
    ]) {
      assert.equal(judgeEvidence({ ...promise, promise: other }).ok, false);
    }
  });
});

describe('the genesis of evidence', () => {
  it('has to be a genesis', () => {
    for (const evidence of [fork, omission, promise]) {
      const roll = log.entries[AT.roll] as Uint8Array;
      assert.match(errorOf(judgeEvidence({ ...evidence, genesis: roll })), /a roll entry where its genesis/);
      for (const other of [new Uint8Array(), Uint8Array.of(0xa0), genesis.subarray(1)]) {
        assert.match(errorOf(judgeEvidence({ ...evidence, genesis: other })), /genesis can't be read/);
      }
    }
  });

  it('has to be the one of this election, down to its last byte, and of this key', () => {
    const others = new LogBuilder(stranger);
    others.genesis({ policy: { names: 'public' } });
    const sameKey = new LogBuilder(authority);
    sameKey.genesis({ title: 'Another election', policy: { names: 'public' } });
    for (const evidence of [fork, omission, promise]) {
      for (const other of [others.entries[0], sameKey.entries[0]] as Uint8Array[]) {
        assert.match(
          errorOf(judgeEvidence({ ...evidence, genesis: other })),
          /not (?:of|about) the log psephos\//,
        );
      }
    }
  });
});
