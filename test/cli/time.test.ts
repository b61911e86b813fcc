import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { formatTime, fromNowInWords, parseTime } from '#src/cli/time.js';
import { repositoryPath } from '../support/repository.ts';
import { errorOf, valueOf } from '../support/results.ts';

const NOW = Date.UTC(2026, 4, 2, 12, 0, 0);
const time = (text: string) => valueOf(parseTime(text, NOW));

/** What a process in another time zone prints. */
function inZone(zone: string, expression: string): string {
  const module = pathToFileURL(repositoryPath('dist/cli/time.js')).href;
  const code = `const { parseTime, formatTime } = await import(${JSON.stringify(module)}); console.log(JSON.stringify(${expression}));`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', code], {
    env: { ...process.env, TZ: zone },
  })
    .toString()
    .trim();
}

describe('a time', () => {
  it('may be said from now', () => {
    assert.equal(time('+2h'), NOW + 2 * 3_600_000);
    assert.equal(time('+90m'), NOW + 90 * 60_000);
    assert.equal(time('+1d12h30m5s'), NOW + ((36 * 60 + 30) * 60 + 5) * 1000);
    assert.equal(time(' +45s '), NOW + 45_000);
  });

  it('may be ISO 8601 with a zone', () => {
    assert.equal(time('2026-05-02T18:00Z'), Date.UTC(2026, 4, 2, 18));
    assert.equal(time('2026-05-02T18:00:30+05:30'), Date.UTC(2026, 4, 2, 12, 30, 30));
    assert.equal(time('2026-05-02 18:00-0200'), Date.UTC(2026, 4, 2, 20));
  });

  it('is local without a zone', () => {
    assert.equal(
      inZone('Asia/Kolkata', "parseTime('2026-05-02T18:00', 0).value"),
      String(Date.UTC(2026, 4, 2, 12, 30)),
    );
    assert.equal(
      inZone('America/New_York', "parseTime('2026-05-02 18:00', 0).value"),
      String(Date.UTC(2026, 4, 2, 22)),
    );
  });

  it('is refused where clocks are put forward over it', () => {
    assert.match(inZone('Europe/Berlin', "parseTime('2026-03-29T02:30', 0)"), /it never comes/);
    assert.equal(
      inZone('Europe/Berlin', "parseTime('2026-03-29T03:30', 0).value"),
      String(Date.UTC(2026, 2, 29, 1, 30)),
    );
  });

  it('is shown with its zone', () => {
    assert.equal(inZone('Asia/Kolkata', `formatTime(${NOW})`), '"Sat 2026-05-02 17:30:00 (UTC+05:30)"');
    assert.equal(inZone('America/St_Johns', `formatTime(${NOW})`), '"Sat 2026-05-02 09:30:00 (UTC-02:30)"');
  });

  for (const text of [
    ...[
      '',
      '+',
      '+2',
      '2h',
      '+2x',
      '+h',
      '+1h1d',
      '18:00',
      'tomorrow',
      '2026-05-02',
      '2026-05-02T18',
      '02.05.2026 18:00',
    ],
    ...[
      '2026-02-30T18:00',
      '2026-13-01T18:00',
      '2026-05-02T24:00',
      '2026-05-02T18:60',
      '2026-05-02T18:00:60',
    ],
    ...[
      '2026-05-02T18:00+15:00',
      '2026-05-02T18:00+01:60',
      '2026-05-02T18:00 CET',
      '0026-05-02T18:00',
      '1969-12-31T00:00Z',
    ],
  ]) {
    it(`is refused as ${JSON.stringify(text)}`, () => {
      assert.notEqual(errorOf(parseTime(text, NOW)), '');
    });
  }

  it('comes back from its ISO form, to the second', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (seconds) => {
        const iso = new Date(seconds * 1000).toISOString().replace('.000', '');
        assert.equal(time(iso), seconds * 1000);
      }),
    );
  });

  it('is either read or refused, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const read = parseTime(text, NOW);
        assert.ok(!read.ok || Number.isSafeInteger(read.value));
      }),
    );
  });

  it('is told in words from now', () => {
    assert.equal(fromNowInWords(NOW + 7_140_000, NOW), 'in 1 h 59 min');
    assert.equal(fromNowInWords(NOW + 86_400_000, NOW), 'in 1 d');
    assert.equal(fromNowInWords(NOW - 65_000, NOW), '1 min 5 s ago');
    assert.equal(fromNowInWords(NOW, NOW), 'now');
    assert.match(
      formatTime(NOW),
      /^[SMTWF][a-z]{2} \d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} \(UTC[+-]\d{2}:\d{2}\)$/,
    );
  });
});
