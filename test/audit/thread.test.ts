import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AuditThread } from '#src/audit/thread.js';

describe('a thread of an audit', () => {
  it('that ends by itself says so, and rejects what it has and gets', async () => {
    const thread = new AuditThread(new URL('data:text/javascript,process.exit(3)'), {});
    assert.equal(thread.hasFailed, false);
    await assert.rejects(thread.run('anything'), /ended by itself with code 3/);
    assert.equal(thread.hasFailed, true);
    await assert.rejects(thread.run('more'), /ended by itself/);
    await thread.close();
  });
});
