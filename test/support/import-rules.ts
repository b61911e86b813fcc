import ts from 'typescript';

/** A file of src/: its path from there with forward slashes, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

const PURE = ['log', 'belenios', 'tally', 'election', 'crypto'];

/**
 * What each folder may import besides itself and `base`: folders, or single files of one. A path that is not listed
 * here is not allowed to exist, so that a new folder gets a rule.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  entry: ['cli'],
  index: ['cli', 'net', 'web', 'services', 'store', 'audit', ...PURE],
  cli: ['net', 'web/server', 'services', 'store', 'audit', ...PURE],
  net: ['services', 'audit', ...PURE],
  'web/server': ['services', 'audit', ...PURE],
  'web/booth': PURE,
  'web/dashboard': PURE,
  services: ['audit', ...PURE],
  store: ['services/ports.ts', 'audit/source.ts', ...PURE],
  audit: PURE,
  log: ['election', 'crypto'],
  belenios: ['election', 'crypto'],
  tally: ['election'],
  election: ['crypto'],
  crypto: [],
  base: [],
};

/** Run unchanged in a browser. */
const BROWSER = new Set([...PURE, 'base', 'web/booth', 'web/dashboard']);
/** Reach disk and network through their ports alone; they may use threads and the like. */
const WITHOUT_IO = new Set(['services', 'audit']);
const DISK_AND_NETWORK = /^node:(?:fs|net|http|https|http2|dgram|dns|tls|child_process|readline)(?:\/|$)/;

const LIBP2P = /^(?:libp2p$|libp2p\/|@libp2p\/|@chainsafe\/libp2p-)/;
const LEVEL = /^(?:level|classic-level|abstract-level|browser-level)$/;
/** Clock, randomness and surroundings, which pure code gets as parameters. */
const AMBIENT =
  /\b(?:Date\.now|new Date\(\)|performance\.now|Math\.random|getRandomValues|randomBytes|randomUUID|setTimeout|setInterval|fetch\(|process\.)/;
const EXIT = /\bprocess\s*\.\s*(?:exit|exitCode|abort|kill|reallyExit)\b/;

/** Every line of the sources that the layers forbid, as `path: what`. */
export function importViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => violationsOf(file).map((what) => `${file.path}: ${what}`));
}

function violationsOf({ path, text }: SourceFile): string[] {
  const area = areaOf(path);
  const allowed = MAY_IMPORT[area];
  if (allowed === undefined) return [`the folder ${area} has no rule in test/support/import-rules.ts`];
  // Backends are chosen by the package's `imports` conditions, so that a browser never loads the native one.
  const pure = BROWSER.has(area) && !path.startsWith('crypto/backends/');
  const found: string[] = [];
  for (const name of importsOf(text)) {
    if (name.startsWith('.')) {
      const target = resolve(path, name);
      if (!reaches(target, area, allowed)) found.push(`${area} may not import ${target}`);
      if (!name.endsWith('.ts')) found.push(`${name} has no .ts at its end`);
      continue;
    }
    if (pure && name.startsWith('node:')) found.push(`a pure folder may not import ${name}`);
    if (WITHOUT_IO.has(area) && DISK_AND_NETWORK.test(name)) found.push(`${area} may not import ${name}`);
    if (area !== 'net' && LIBP2P.test(name)) found.push(`only net may import ${name}`);
    if (area !== 'store' && LEVEL.test(name)) found.push(`only store may import ${name}`);
  }
  const code = withoutComments(text);
  if (pure) {
    const ambient = AMBIENT.exec(code);
    if (ambient !== null) found.push(`a pure folder may not use ${ambient[0]}`);
  }
  if (area !== 'entry' && EXIT.test(code))
    found.push('only entry points may end the process or set its exit code');
  if (area === 'index' && !isReexportsOnly(text)) found.push('index.ts may hold re-exports only');
  return found;
}

/** The part of the tree that a rule is about. */
function areaOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  if (path === 'index.ts') return 'index';
  if (!path.includes('/')) return 'entry';
  return first === 'web' ? `web/${second.replace(/\.ts$/, '')}` : first;
}

function reaches(target: string, area: string, allowed: readonly string[]): boolean {
  const into = areaOf(target);
  if (into === 'entry' || into === 'index') return false;
  return (
    into === area ||
    into === 'base' ||
    allowed.some((one) => one === into || one === target || into.startsWith(`${one}/`))
  );
}

/** All module names in imports and re-exports: static, dynamic, and of types alone. */
function importsOf(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
}

function resolve(from: string, name: string): string {
  const { pathname } = new URL(name, `file:///src/${from}`);
  return pathname.startsWith('/src/') ? pathname.slice('/src/'.length) : `..${pathname}`;
}

/** The text as the compiler sees it: comments dropped, the rest as it was. */
function withoutComments(text: string): string {
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext, removeComments: true },
  });
  return outputText;
}

function isReexportsOnly(text: string): boolean {
  const file = ts.createSourceFile('index.ts', text, ts.ScriptTarget.ESNext);
  return file.statements.every(
    (statement) => ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined,
  );
}
