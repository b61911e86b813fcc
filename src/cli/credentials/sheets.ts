import type { Credential } from './credentials.ts';

/** Voters' sheets a document holds: a browser still prints this many without trouble. */
export const SHEETS_PER_FILE = 100;

export interface SheetElection {
  readonly title: string;
  /** Of what the fingerprint is: a registrar's sheets are made before there is an election. */
  readonly of: 'election' | 'registrar';
  readonly fingerprint: string;
  /** Where voters dial, if it is known when the sheets are made. */
  readonly address: string | undefined;
}

/** What every sheet of an election says, in whatever form; commands are between backquotes. */
export function sheetWords({ of, address }: Pick<SheetElection, 'of' | 'address'>) {
  return {
    fingerprint: of === 'election' ? 'Fingerprint of the election' : 'Fingerprint of its registrar',
    address: address === undefined ? 'Address to dial (from the organiser):' : 'Address to dial:',
    steps: [
      'On your own computer, start the voter program: `node dist/voter.js --dial` and the address.',
      of === 'election'
        ? 'Compare the fingerprint that it shows with the one above. If they differ, stop and ask the organiser.'
        : 'Compare the fingerprint of the registrar that it shows with the one above. If they differ, or it shows none, stop and ask the registrar.',
      'Type your username and your secret, choose, and keep the receipt that you get: it proves that your ballot is in the log.',
    ],
    note: `Keep this sheet to yourself. The secret never leaves your computer, it is not sent to anybody, and nobody will ever ask you for it: not the organiser either. Whoever has it can vote in your place.`,
  };
}

/** A document that prints one page per voter; it needs nothing from outside itself. */
export function sheetDocument(election: SheetElection, credentials: readonly Credential[]): string {
  const pages = credentials.map((credential) => sheet(election, credential)).join('\n');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(election.title)}: voters' sheets</title>
<style>${STYLE}</style>
</head>
<body>
${pages}
</body>
</html>
`;
}

function sheet(election: SheetElection, { username, name, secret }: Credential): string {
  const { title, fingerprint, address } = election;
  const words = sheetWords(election);
  const where =
    address === undefined
      ? `<p class="blank">${words.address}</p><p class="line"></p>`
      : `<p>${words.address}</p><p class="address">${escapeHtml(address)}</p>`;
  const person = name === '' ? '' : `<p class="name">For ${escapeHtml(name)}</p>\n`;
  const steps = words.steps.map((step) => `<li>${step.replace(/`([^`]*)`/g, '<code>$1</code>')}</li>`);
  return `<section>
<h1>${escapeHtml(title)}</h1>
${person}<dl>
<dt>Username</dt><dd class="username">${escapeHtml(username)}</dd>
<dt>Secret</dt><dd class="secret">${escapeHtml(secret)}</dd>
<dt>${words.fingerprint}</dt><dd class="fingerprint">${escapeHtml(fingerprint)}</dd>
</dl>
${where}
<h2>How to vote</h2>
<ol>
${steps.join('\n')}
</ol>
<p class="note">${words.note}</p>
</section>`;
}

const STYLE = `
@page { margin: 18mm }
body { font: 12pt/1.45 Georgia, serif; margin: 0; color: #000 }
section { break-after: page; page-break-after: always; max-width: 170mm; margin: 0 auto; padding: 6mm 0 }
section:last-child { break-after: auto; page-break-after: auto }
h1 { font-size: 20pt; margin: 0 0 4mm; overflow-wrap: anywhere }
h2 { font-size: 14pt; margin: 8mm 0 2mm }
dt { font-size: 10pt; color: #444; margin-top: 5mm }
dd { margin: 1mm 0 0; overflow-wrap: anywhere }
.username { font-size: 16pt; font-weight: bold }
.secret { font: bold 22pt/1.5 "DejaVu Sans Mono", Menlo, Consolas, monospace; border: 1pt solid #000; padding: 3mm; text-align: center }
.fingerprint, .address, code { font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere }
.line { border-bottom: 1pt solid #000; height: 9mm; margin: 0 }
.note { border-top: 1pt solid #999; margin-top: 8mm; padding-top: 3mm; font-size: 10.5pt }
`;

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}
