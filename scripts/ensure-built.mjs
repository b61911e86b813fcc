// Makes `npm start` and `npm test` work as the first command on a fresh clone: installs and builds what is
// missing, and does neither when nothing changed. Uses Node alone, since nothing is installed yet.
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const withTests = process.argv.includes('--tests');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `Psephos needs Node.js 20.19 or newer; this is ${process.version}. Install a newer one and run this again.`,
  );
  process.exit(2);
}

const digest = (parts) =>
  parts.reduce((hash, part) => hash.update(part).update('\0'), createHash('sha256')).digest('hex');
const read = (path) => readFileSync(join(root, path));
const stampIs = (path, value) => existsSync(join(root, path)) && read(path).toString() === value;

function run(what, command, args) {
  console.error(`psephos: ${what}`);
  // npm is a shell script on Windows; all arguments are constants, so a shell is safe there.
  const done = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (done.status !== 0) {
    console.error(`psephos: "${command} ${args.join(' ')}" failed; see above.`);
    process.exit(1);
  }
}

const files = (folder) =>
  readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|json)$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();

const installed = digest([read('package-lock.json'), process.versions.modules]);
const installStamp = 'node_modules/.psephos-installed';
if (!stampIs(installStamp, installed)) {
  run('installing dependencies (once)…', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(join(root, installStamp), installed);
}

const builds = [{ project: '.', out: 'dist', sources: ['src'] }];
if (withTests) builds.push({ project: 'test', out: 'build', sources: ['src', 'test', 'bench'] });
for (const { project, out, sources } of builds) {
  const inputs = sources
    .flatMap(files)
    .map((path) => `${path}:${statSync(path).size}:${digest([readFileSync(path)])}`);
  const built = digest([installed, read('tsconfig.json'), ...inputs]);
  const stamp = join(out, '.psephos-built');
  if (stampIs(stamp, built)) continue;
  run(`building ${out}/…`, process.execPath, ['node_modules/typescript/bin/tsc', '-b', project]);
  mkdirSync(join(root, out), { recursive: true });
  writeFileSync(join(root, stamp), built);
}
