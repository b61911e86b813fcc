/**
 * `npm run bench [-- name …]`: measures what people feel, each thing against a yardstick of the same run, since the
 * machine's own speed drifts. Prints figures and ratios, and keeps them in bench/results.json.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { auditBench } from './audit.ts';
import { castBench } from './cast.ts';
import { idleBench } from './idle.ts';
import { newcomersBench } from './newcomers.ts';
import { observerBench } from './observer.ts';
import { proofsBench } from './proofs.ts';
import { relayBench } from './relay.ts';
import { sealedBench } from './sealed.ts';
import { sealedCastBench } from './sealed-cast.ts';
import { storeBench } from './store.ts';
import type { Bench, Figure } from './support/figures.ts';
import { trusteesBench } from './trustees.ts';
import { voterProgramBench } from './voter-program.ts';

const BENCHES: Readonly<Record<string, Bench>> = {
  store: storeBench,
  cast: castBench,
  newcomers: newcomersBench,
  idle: idleBench,
  'voter-program': voterProgramBench,
  audit: auditBench,
  sealed: sealedBench,
  'sealed-cast': sealedCastBench,
  trustees: trusteesBench,
  proofs: proofsBench,
  observer: observerBench,
  relay: relayBench,
};

const RESULTS = fileURLToPath(new URL('../../bench/results.json', import.meta.url));

function line({ name, value, unit, target }: Figure): string {
  const shown = value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
  const wanted =
    target === undefined
      ? ''
      : `   (wanted: ${target.atLeast === undefined ? `at most ${target.atMost ?? 0}` : `at least ${target.atLeast}`})`;
  return `  ${name.padEnd(62)} ${shown.padStart(10)} ${unit}${wanted}`;
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  process.stderr.write(
    `No bench is called ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}.\n`,
  );
  process.exit(2);
}

const kept = JSON.parse(await readFile(RESULTS, 'utf8').catch(() => '{}')) as Record<string, unknown>;
for (const [name, bench] of Object.entries(BENCHES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  process.stdout.write(`${name}\n`);
  const figures = await bench();
  for (const figure of figures) process.stdout.write(`${line(figure)}\n`);
  kept[name] = {
    measured: new Date().toISOString(),
    node: process.version,
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    figures,
  };
}
await writeFile(RESULTS, `${JSON.stringify(kept, null, 2)}\n`);
