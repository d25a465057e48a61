/**
 * Cuts a text of an agent into pieces that a page can draw whatever the text is.
 *
 * Nothing gets out of sight by it: long runs of blanks are folded and counted, so that what follows
 * stands next to what was before, and long lines are cut into pieces that stand below each other.
 */
import { visible } from './format';

/** So many blank lines one after the other are drawn as one line that counts them. */
const BLANK_LINES = 5;

/** So many blanks in a line are drawn as a word that counts them. */
const BLANKS = /[^\S\n]{60,}/g;

/** What one piece holds at most. */
const PIECE_LINES = 25;
const PIECE_CHARACTERS = 1500;

// Private characters: `visible` leaves none of a text's own.
const OPEN = '\uE000';
const CLOSE = '\uE001';
const FOLDED = new RegExp(`${OPEN}(\\d+)${CLOSE}`);

/** Whether a piece is there before a change, after it, or both. */
export type Sign = 'same' | 'added' | 'removed';

/** A piece of a text that is drawn in one go. */
export interface IPiece {
  /** Lines of the text, or a line that counts what is not worth drawing. */
  readonly kind: 'lines' | 'blank' | 'unchanged';
  readonly sign: Sign;
  readonly text: string;
  /** The number of lines of the text that it stands for. */
  readonly lines: number;
  /** It goes on in the line of the piece before. */
  readonly goesOn: boolean;
}

/** The pieces of a text, how many lines they draw, and how many characters cannot be seen. */
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

/** A line that stands for lines which are the same before and after. */
export function unchanged(lines: number): IPiece {
  return piece('unchanged', 'same', '', lines);
}

/** The words of a piece, and the numbers of blanks between them. */
export function parts(text: string): readonly (string | number)[] {
  return text
    .split(FOLDED)
    .map((part, index) => (index % 2 === 0 ? part : Number(part)))
    .filter(part => part !== '');
}

/** Whether a piece shows its text to the letter. */
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

/** Cut a long line; a character of two code units, and a count of blanks, stays whole. */
function chunks(line: string): readonly string[] {
  return line.match(CHUNK) ?? [line];
}

const CHUNK = new RegExp(
  `(?:${OPEN}\\d+${CLOSE}|[^${OPEN}]){1,${PIECE_CHARACTERS}}`,
  'gu'
);
