// Runs the programs in networks made of Linux's network namespaces (root, Debian: iproute2, nftables). Arguments narrow the run: each is a
// part of a path, e.g. `npm run test:net -- direct`. What was measured is shown in a table at the end.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runFiles, testFiles } from './test-runner.mjs';

// Networks carry this process' id in their names, and are removed here whatever becomes of the tests.
process.env.PSEPHOS_NET_OWNER = String(process.pid);
const { removeOwn, removeStale } = await import('../build/test/net-topology/support/namespaces.js');
const { canSweep } = await import('../build/test/net-topology/support/needs-net.js');

const files = testFiles('.net.js', process.argv.slice(2));
const folder = mkdtempSync(join(tmpdir(), 'psephos-net-'));
const figures = join(folder, 'figures');
writeFileSync(figures, '');
try {
  if (canSweep()) await removeStale();
  process.exitCode = await runFiles(files, {
    // One at a time, so that none of them disturbs what another one measures.
    concurrency: 1,
    // It counts for a whole file as well.
    testLimitMs: 10 * 60_000,
    runLimitMs: 15 * 60_000,
    env: { PSEPHOS_NET_FIGURES: figures },
  });
  if (canSweep()) await removeOwn();
  printTable(
    readFileSync(figures, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .sort()
      .map((line) => JSON.parse(line)),
  );
} finally {
  rmSync(folder, { recursive: true });
}

function printTable(measured) {
  if (measured.length === 0) return;
  const rows = [
    ['topology', 'path', 'figures'],
    ...measured.map(({ topology, path, figures: named }) => [
      topology,
      path,
      Object.entries(named)
        .map(([name, value]) => `${name} ${value}`)
        .join(', '),
    ]),
  ];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column].length)));
  console.log();
  for (const [topology, path, named] of rows)
    console.log(`${topology.padEnd(widths[0])}  ${path.padEnd(widths[1])}  ${named}`);
}
