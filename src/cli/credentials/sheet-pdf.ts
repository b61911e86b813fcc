import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import * as fontkit from 'fontkit';
import PDFDocument from 'pdfkit';
import type { Credential } from './credentials.ts';
import { type SheetElection, sheetWords } from './sheets.ts';
import { fontOfWoff } from './woff.ts';

/** Points, 72 to the inch. */
const MARGIN = 54;
const PAGE = { width: 595, height: 842 };
/** The size at which widths are measured. */
const UNIT = 100;
const WIDTH = PAGE.width - 2 * MARGIN;
const LEADING = 1.35;
/** Sizes for text of unknown length, of which the first is taken that keeps it within its part of the page. */
const SMALLER = [1, 0.75, 0.5, 0.35, 0.25];

type Face = 'sans' | 'bold' | 'mono' | 'wide';

/** Fonts that show Latin, Greek, Cyrillic, Arabic and Hebrew well, and one that has a plain form of nearly everything else. */
const FILES: Readonly<Record<Face, string>> = {
  sans: 'dejavu-fonts-ttf/ttf/DejaVuSans.ttf',
  bold: 'dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf',
  mono: 'dejavu-fonts-ttf/ttf/DejaVuSansMono-Bold.ttf',
  wide: '@fontsource/unifont/files/unifont-latin-400-normal.woff',
};
const RIGHT_TO_LEFT = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;
/** Joins and variants of characters, which have no form of their own. */
const IGNORABLE = /\p{Default_Ignorable_Code_Point}/u;
const NEUTRAL = /^[\s\p{P}\p{S}\p{N}]$/u;

/** What people take for one character. */
const GRAPHEMES = new Intl.Segmenter('und');

/** A part of a line in one font and one direction. */
interface Run {
  readonly face: Face;
  readonly rightToLeft: boolean;
  readonly text: string;
}

/** Makes the voters' sheets as PDF files, with their fonts inside; loads the fonts once. */
export class SheetPrinter {
  readonly #fonts: Readonly<Record<Face, Buffer>>;
  readonly #covered: Readonly<Record<Face, (codePoint: number) => boolean>>;

  private constructor(fonts: Readonly<Record<Face, Buffer>>) {
    this.#fonts = fonts;
    const covered = (face: Face) => {
      const font = fontkit.create(fonts[face]);
      if (!('characterSet' in font)) throw new Error(`${FILES[face]} is not a single font`);
      const characters = new Set<number>(font.characterSet);
      return (codePoint: number) => characters.has(codePoint);
    };
    this.#covered = {
      sans: covered('sans'),
      bold: covered('bold'),
      mono: covered('mono'),
      wide: covered('wide'),
    };
  }

  static async load(): Promise<SheetPrinter> {
    const { resolve } = createRequire(import.meta.url);
    const [sans, bold, mono, wide] = await Promise.all([
      readFile(resolve(FILES.sans)),
      readFile(resolve(FILES.bold)),
      readFile(resolve(FILES.mono)),
      readFile(resolve(FILES.wide)),
    ]);
    return new SheetPrinter({ sans, bold, mono, wide: fontOfWoff(wide) });
  }

  /** A PDF file of one page (A4) per voter, in the order given. */
  async print(election: SheetElection, credentials: readonly Credential[]): Promise<Uint8Array> {
    const document = new PDFDocument({
      autoFirstPage: false,
      size: [PAGE.width, PAGE.height],
      margin: MARGIN,
      info: { Title: `${election.title}: voters' sheets`, Producer: 'Psephos', Creator: 'Psephos' },
    });
    for (const [face, font] of Object.entries(this.#fonts)) document.registerFont(face, font);
    const chunks: Uint8Array[] = [];
    document.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    const ended = new Promise((resolve, reject) => {
      document.once('end', resolve);
      document.once('error', reject);
    });
    const widths = new Map<string, number>();
    const known = new Map<string, readonly Run[]>();
    const runs = (text: string, face: Face) => {
      const key = `${face} ${text}`;
      const cut = known.get(key) ?? this.#runs(text, face);
      known.set(key, cut);
      return cut;
    };
    for (const credential of credentials) {
      document.addPage();
      new Page(document, runs, widths).sheet(election, credential);
    }
    document.end();
    await ended;
    return Buffer.concat(chunks);
  }

  /** Cuts a text up by font and direction. What no font has is written as its number, so that nobody's name has a hole in it. */
  #runs(text: string, face: Face): Run[] {
    const runs: Run[] = [];
    for (const { segment } of GRAPHEMES.segment(text)) {
      const shown = this.#faceOf(segment, face);
      const last = runs.at(-1);
      if (last !== undefined && last.face === shown.face) {
        if (last.rightToLeft === shown.rightToLeft || NEUTRAL.test(segment)) {
          runs[runs.length - 1] = { ...last, text: last.text + shown.text };
          continue;
        }
      }
      // A space after the last word in one direction belongs to the words in the other.
      const space = last?.rightToLeft === true ? (/\s+$/.exec(last.text)?.[0] ?? '') : '';
      if (last !== undefined && space !== '')
        runs[runs.length - 1] = { ...last, text: last.text.slice(0, -space.length) };
      runs.push({ ...shown, text: space + shown.text });
    }
    return runs;
  }

  #faceOf(segment: string, wanted: Face): Run {
    const codePoints = Array.from(segment, (character) => character.codePointAt(0) ?? 0);
    const rightToLeft = RIGHT_TO_LEFT.test(segment);
    for (const face of [wanted, 'sans', 'wide'] as const)
      if (codePoints.every(this.#covered[face])) return { face, rightToLeft, text: segment };
    const numbers = codePoints
      .filter((codePoint) => !IGNORABLE.test(String.fromCodePoint(codePoint)))
      .map((codePoint) => `[U+${codePoint.toString(16).toUpperCase()}]`);
    return { face: wanted, rightToLeft: false, text: numbers.join('') };
  }
}

class Page {
  readonly #document: PDFKit.PDFDocument;
  readonly #runs: (text: string, face: Face) => readonly Run[];
  readonly #widths: Map<string, number>;
  #y = MARGIN;

  /** `widths` is what pages of one document share, empty at its beginning. */
  constructor(
    document: PDFKit.PDFDocument,
    runs: (text: string, face: Face) => readonly Run[],
    widths: Map<string, number>,
  ) {
    this.#document = document;
    this.#widths = widths;
    this.#runs = runs;
  }

  sheet(election: SheetElection, { username, name, secret }: Credential): void {
    const words = sheetWords(election);
    this.#fitted(election.title, 'bold', 20, 150);
    if (name !== '') this.#fitted(`For ${name}`, 'sans', 12, 60);
    this.#label('Username');
    this.#fitted(username, 'bold', 16, 70);
    this.#label('Secret');
    this.#secret(secret);
    this.#label(words.fingerprint);
    this.#lines(election.fingerprint, 'mono', 11);
    this.#label(words.address);
    if (election.address === undefined) this.#rule(24);
    else this.#fitted(election.address, 'mono', 11, 60);
    this.#y += 14;
    this.#lines('How to vote', 'bold', 13);
    this.#y += 4;
    for (const [index, step] of words.steps.entries())
      this.#lines(`${index + 1}. ${step.replaceAll('`', '"')}`, 'sans', 10.5);
    this.#rule(12);
    this.#y += 6;
    this.#lines(words.note, 'sans', 9.5);
  }

  #label(text: string): void {
    this.#y += 12;
    this.#lines(text, 'sans', 9);
  }

  #secret(secret: string): void {
    const size = 20;
    const padding = 9;
    this.#document.rect(MARGIN, this.#y, WIDTH, size + 2 * padding).stroke();
    this.#y += padding;
    this.#lines(secret, 'mono', size, MARGIN + (WIDTH - this.#width(secret, 'mono', size)) / 2);
    this.#y += padding;
  }

  #rule(space: number): void {
    this.#y += space;
    this.#document
      .moveTo(MARGIN, this.#y)
      .lineTo(MARGIN + WIDTH, this.#y)
      .stroke();
  }

  #fitted(text: string, face: Face, size: number, height: number): void {
    const sizes = SMALLER.map((part) => size * part);
    const fits = (one: number) => this.#broken(text, face, one).length * one * LEADING <= height;
    this.#lines(text, face, sizes.find(fits) ?? (sizes.at(-1) as number));
  }

  #lines(text: string, face: Face, size: number, left = MARGIN): void {
    for (const line of this.#broken(text, face, size)) {
      let x = left;
      for (const run of this.#runs(line, face)) {
        this.#font(run, size).text(run.text, x, this.#y, { lineBreak: false, features: [] });
        x += this.#runWidth(run, size);
      }
      this.#y += size * LEADING;
    }
  }

  /** Breaks a text at spaces into lines that fit, and within a word where that is longer than a line. */
  #broken(text: string, face: Face, size: number): string[] {
    const lines: string[] = [];
    let line = '';
    let width = 0;
    const add = (piece: string) => {
      const more = this.#width(piece, face, size);
      // A space at the end of a line needs no room.
      if (line !== '' && width + this.#width(piece.trimEnd(), face, size) > WIDTH) {
        lines.push(line.trimEnd());
        line = '';
        width = 0;
      }
      line += piece;
      width += more;
    };
    for (const word of text.match(/\S+\s*|\s+/g) ?? []) {
      if (this.#width(word.trimEnd(), face, size) <= WIDTH) add(word);
      else for (const { segment } of GRAPHEMES.segment(word)) add(segment);
    }
    return line === '' ? lines : [...lines, line.trimEnd()];
  }

  #width(text: string, face: Face, size: number): number {
    return this.#runs(text, face).reduce((sum, run) => sum + this.#runWidth(run, size), 0);
  }

  /** Widths are in proportion to the size, and most words are on every sheet. */
  #runWidth(run: Run, size: number): number {
    const key = `${run.face} ${run.text}`;
    let width = this.#widths.get(key);
    if (width === undefined) {
      width = this.#font(run, UNIT).widthOfString(run.text, { features: [] });
      this.#widths.set(key, width);
    }
    return (width * size) / UNIT;
  }

  #font({ face }: Run, size: number): PDFKit.PDFDocument {
    return this.#document.font(face).fontSize(size);
  }
}
