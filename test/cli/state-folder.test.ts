import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stateFolder } from '#src/cli/voter/state-folder.js';

const at = (platform: NodeJS.Platform, env: Readonly<Record<string, string>>) =>
  stateFolder(env, { platform, home: () => '/home/ana' });

describe('the folder of what is remembered', () => {
  it('is the one that was named, else the system’s place for such things', () => {
    assert.equal(at('linux', { PSEPHOS_STATE: '/x', XDG_STATE_HOME: '/y' }), '/x');
    assert.equal(at('linux', { PSEPHOS_STATE: '', XDG_STATE_HOME: '/y' }), '/y/psephos');
    assert.equal(at('linux', {}), '/home/ana/.local/state/psephos');
    assert.equal(at('darwin', { XDG_STATE_HOME: 'relative' }), '/home/ana/.local/state/psephos');
    assert.equal(at('win32', { LOCALAPPDATA: '/local', XDG_STATE_HOME: '/y' }), '/local/psephos');
    assert.equal(at('win32', {}), '/home/ana/AppData/Local/psephos');
  });
});
