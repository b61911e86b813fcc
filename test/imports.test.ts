import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { describe, it } from 'node:test';
import { type SourceFile, importViolations } from './support/import-rules.ts';
import { repositoryPath } from './support/repository.ts';

function sources(): SourceFile[] {
  const root = repositoryPath('src');
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: relative(root, path).split(sep).join('/'), text: readFileSync(path, 'utf8') }));
}

const one = (path: string, text: string) => importViolations([{ path, text }]);

describe('imports', () => {
  it('point one way through all of src', () => {
    const files = sources();
    assert.ok(files.length > 30, `only ${files.length} files found`);
    assert.deepEqual(importViolations(files), []);
  });

  const forbidden: Readonly<Record<string, readonly [path: string, text: string]>> = {
    'net to store': ['net/node.ts', "import { LevelStore } from '../store/level-store.ts';"],
    'net to store, of a type': ['net/node.ts', "import type { LevelStore } from '../store/level-store.ts';"],
    'net to store, while it runs': [
      'net/node.ts',
      "const { LevelStore } = await import('../store/level-store.ts');",
    ],
    'net to store, by a re-export': [
      'net/protocols/cast/server.ts',
      "export * from '../../../store/level-store.ts';",
    ],
    'net to cli': ['net/node.ts', "import type { Io } from '../cli/io.ts';"],
    'services to net': ['services/polling-station.ts', "import { MAX } from '../net/limits.ts';"],
    'services to disk': ['services/closing.ts', "import { readFile } from 'node:fs/promises';"],
    'audit to services': ['audit/run.ts', "import type { Store } from '../services/ports.ts';"],
    'store to a service': [
      'store/level-store.ts',
      "import { ElectionLog } from '../services/election-log.ts';",
    ],
    'log to tally': ['log/receipt.ts', "import { tally } from '../tally/tally.ts';"],
    'election to log': ['election/rules.ts', "import { leafHash } from '../log/merkle.ts';"],
    'crypto to election': ['crypto/hash.ts', "import type { Entry } from '../election/entries.ts';"],
    'base to crypto': ['base/bytes.ts', "import { sha256 } from '../crypto/hash.ts';"],
    'an entry point to a service': ['voter.ts', "import { castBallot } from './services/voter-session.ts';"],
    'a folder to an entry point': ['cli/main.ts', "import '../voter.ts';"],
    'a folder to the library door': ['services/closing.ts', "import { ok } from '../index.ts';"],
    'out of src': ['cli/main.ts', "import '../../test/support/needs.ts';"],
    'pure code to Node': ['log/merkle.ts', "import { createHash } from 'node:crypto';"],
    'libp2p outside net': ['cli/voter/vote.ts', "import { peerIdFromString } from '@libp2p/peer-id';"],
    'Level outside store': ['services/election-log.ts', "import { Level } from 'level';"],
    'the clock in pure code': ['election/rules.ts', 'export const now = () => Date.now();'],
    'randomness in pure code': ['crypto/credential.ts', 'export const die = () => Math.random();'],
    'an exit code outside entry points': ['cli/main.ts', 'process.exitCode = 1;'],
    'a statement in the library door': ['index.ts', "import { ok } from './base/result.ts';\nok(1);"],
    'a folder without a rule': ['utils/misc.ts', ''],
    'an import without .ts': ['log/receipt.ts', "import { err } from '../base/result';"],
  };
  for (const [what, [path, text]] of Object.entries(forbidden)) {
    it(`are refused from ${what}`, () => {
      assert.equal(one(path, text).length, 1, one(path, text).join('\n'));
    });
  }

  it('are allowed where the layers allow them', () => {
    assert.deepEqual(
      one('voter.ts', "import { main } from './cli/main.ts';\nprocess.exitCode = await main();"),
      [],
    );
    assert.deepEqual(
      one(
        'store/level-store.ts',
        "import type { Store } from '../services/ports.ts';\nimport { Level } from 'level';",
      ),
      [],
    );
    assert.deepEqual(
      one('crypto/backends/sodium.ts', "import sodium from 'sodium-native';\nimport 'node:crypto';"),
      [],
    );
    assert.deepEqual(
      one('net/node.ts', "import { createLibp2p } from 'libp2p';\nimport { err } from '../base/result.ts';"),
      [],
    );
    assert.deepEqual(one('index.ts', "export { ok } from './base/result.ts';"), []);
  });

  it('may be spoken of in comments', () => {
    assert.deepEqual(
      one('log/merkle.ts', '// Date.now() and process.exit are for others.\nexport const one = 1;'),
      [],
    );
  });
});
