/**
 * Cuts any text of an agent into pieces that a page can draw.
 *
 * This hides nothing: long runs of blanks are folded and counted, so that the text after them is
 * next to the text before, and long lines are cut into pieces below each other.
 */
import { visible } from './format';

/** Number of consecutive blank lines that are drawn as one line with their count. */
const BLANK_LINES = 5;

/** Number of consecutive blanks that are drawn as a word with their count. */
const BLANKS = /[^\S\n]{60,}/g;

/** Maximum size of a piece. */
const PIECE_LINES = 25;
const PIECE_CHARACTERS = 1500;

// Private characters are safe markers: `visible` replaces those of the text.
const OPEN = '\uE000';
const CLOSE = '\uE001';
const FOLDED = new RegExp(`${OPEN}(\\d+)${CLOSE}`);

/** Whether a piece exists before a change, after it, or both. */
export type Sign = 'same' | 'added' | 'removed';

/** A piece of a text that is drawn at once. */
export interface IPiece {
  /** Lines of the text, or a line that counts omitted ones. */
  readonly kind: 'lines' | 'blank' | 'unchanged';
  readonly sign: Sign;
  readonly text: string;
  /** Number of lines of the text that it represents. */
  readonly lines: number;
  /** It continues the line of the piece before. */
  readonly goesOn: boolean;
}

/** The pieces of a text, the number of drawn lines, and the number of invisible characters. */
export interface IPieces {
  readonly pieces: readonly IPiece[];
  readonly unseen: number;
}

/** Cut a text into pieces. */
export function cut(source: string, sign: Sign = 'same'): IPieces {
  const { text, unseen } = visible(source);
  const lines = text.replace(/\n$/, '').split('\n');
  const pieces: IPiece[] = [];
  let open: string[] = [];
  let length = 0;
  const close = () => {
    if (open.length > 0) {
      pieces.push(piece('lines', sign, open.join('\n'), open.length));
      open = [];
      length = 0;
    }
  };
  for (let at = 0; at < lines.length; at += 1) {
    const blank = blankLines(lines, at);
    if (blank >= BLANK_LINES) {
      close();
      pieces.push(piece('blank', sign, '', blank));
      at += blank - 1;
      continue;
    }
    const line = lines[at].replace(
      BLANKS,
      run => `${OPEN}${run.length}${CLOSE}`
    );
    if (
      open.length === PIECE_LINES ||
      length + line.length > PIECE_CHARACTERS
    ) {
      close();
    }
    if (line.length > PIECE_CHARACTERS) {
      chunks(line).forEach((chunk, index) =>
        pieces.push(piece('lines', sign, chunk, index === 0 ? 1 : 0, index > 0))
      );
    } else {
      open.push(line);
      length += line.length + 1;
    }
  }
  close();
  return { pieces, unseen };
}

/** A line that represents unchanged lines. */
export function unchanged(lines: number): IPiece {
  return piece('unchanged', 'same', '', lines);
}

/** The words of a piece and the counts of blanks between them. */
export function parts(text: string): readonly (string | number)[] {
  return text
    .split(FOLDED)
    .map((part, index) => (index % 2 === 0 ? part : Number(part)))
    .filter(part => part !== '');
}

/** Whether a piece shows its text exactly. */
export function isLiteral(piece: IPiece): boolean {
  return piece.kind === 'lines' && !piece.goesOn && !piece.text.includes(OPEN);
}

function piece(
  kind: IPiece['kind'],
  sign: Sign,
  text: string,
  lines: number,
  goesOn = false
): IPiece {
  return { kind, sign, text, lines, goesOn };
}

function blankLines(lines: readonly string[], from: number): number {
  let end = from;
  while (end < lines.length && lines[end].trim() === '') {
    end += 1;
  }
  return end - from;
}

/** Cut a long line, but never inside a surrogate pair or a count of blanks. */
function chunks(line: string): readonly string[] {
  return line.match(CHUNK) ?? [line];
}

const CHUNK = new RegExp(
  `(?:${OPEN}\\d+${CLOSE}|[^${OPEN}]){1,${PIECE_CHARACTERS}}`,
  'gu'
);
