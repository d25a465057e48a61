/** What a card shows of a request: a few lines at first, everything when the person opens it. */
import { visible } from './format';
import { diffLines, ILineDiff } from './lineDiff';
import { cut, IPiece, IPieces, isLiteral } from './pieces';
import type { IPreview, IPreviewItem } from '../tokens';

/** Limits of what is drawn before the person opens everything. */
const FIRST_LINES = 40;
const FIRST_CHARACTERS = 3000;

/** Limits of what a person can check. The server refuses larger requests by the same numbers. */
export const MOST_LINES = 10_000;
export const MOST_CHARACTERS = 400_000;

/** Maximum length of a text that is compared. */
const MOST_COMPARED = 2_000_000;

/** Maximum length of code that is highlighted, and of a change that JupyterLab's editor draws. */
const MOST_COLOURED = 10_000;
const MOST_EDITORS = 3;

/** One cell or file of a request. */
export interface IShownItem {
  readonly title: string;
  readonly cellId: string | null;
  readonly pieces: readonly IPiece[];
}

/** A preview as it is drawn. */
export interface IShownPreview {
  readonly kind: IPreview['kind'];
  readonly language: string | null;
  readonly items: readonly IShownItem[];
  readonly lines: number;
  readonly characters: number;
  readonly added: number;
  readonly removed: number;
  readonly unseen: number;
  /** It is too large to be shown in full, so it cannot be allowed. */
  readonly tooLong: boolean;
  /** The changes, if an editor can draw them. */
  readonly changes: readonly IPreviewItem[] | null;
}

/** Work out how a preview is drawn. */
export function layOut(preview: IPreview): IShownPreview {
  const length = preview.items.reduce(
    (sum, item) => sum + item.text.length + item.old.length + item.new.length,
    0
  );
  const isDiff = preview.kind === 'diff';
  const tooMuch = length > (isDiff ? MOST_COMPARED : MOST_CHARACTERS);
  let unseen = 0;
  let added = 0;
  let removed = 0;
  const items = preview.items.map(({ title, cellId, text, old, new: now }) => {
    const found: IPieces & Partial<ILineDiff> = tooMuch
      ? cut((isDiff ? now : text).slice(0, FIRST_CHARACTERS))
      : isDiff
        ? diffLines(old, now)
        : cut(text);
    unseen += found.unseen;
    added += found.added ?? 0;
    removed += found.removed ?? 0;
    return { title, cellId, pieces: found.pieces };
  });
  const pieces = items.flatMap(item => item.pieces);
  const drawn = pieces.reduce((sum, piece) => sum + piece.text.length, 0);
  const lines = isDiff
    ? pieces.reduce(
        (sum, { lines, kind }) => sum + (kind === 'unchanged' ? 0 : lines),
        0
      )
    : preview.lines || pieces.reduce((sum, piece) => sum + piece.lines, 0);
  const asEditor =
    isDiff &&
    length <= MOST_COLOURED &&
    items.length <= MOST_EDITORS &&
    // Two different invisible characters would look the same.
    unseen === 0 &&
    pieces.every(piece => piece.kind === 'unchanged' || isLiteral(piece));
  const shown = {
    kind: preview.kind,
    language: preview.kind === 'text' ? null : preview.language,
    items,
    lines,
    characters: tooMuch ? length : drawn,
    added,
    removed,
    unseen,
    tooLong: tooMuch || drawn > MOST_CHARACTERS || lines > MOST_LINES,
    changes: null
  };
  return {
    ...shown,
    changes:
      asEditor && firstOf(shown) === null
        ? preview.items.map(item => ({
            ...item,
            old: visible(item.old).text,
            new: visible(item.new).text
          }))
        : null
  };
}

/** The beginning of a long preview; null if the preview is short enough. */
export function firstOf(shown: IShownPreview): readonly IShownItem[] | null {
  let lines = FIRST_LINES;
  let characters = FIRST_CHARACTERS;
  const first: IShownItem[] = [];
  for (const item of shown.items) {
    const pieces: IPiece[] = [];
    for (const piece of item.pieces) {
      if (characters < piece.text.length || lines < rows(piece)) {
        const text = piece.text.split('\n').slice(0, lines).join('\n');
        if (lines > 0 && characters >= text.length && piece.kind === 'lines') {
          pieces.push({ ...piece, text, lines });
        }
        return [...first, { ...item, pieces }].filter(
          ({ pieces }) => pieces.length > 0
        );
      }
      lines -= rows(piece);
      characters -= piece.text.length;
      pieces.push(piece);
    }
    first.push({ ...item, pieces });
  }
  return null;
}

/** The text of pieces that can be highlighted as one. */
export function colourable(pieces: readonly IPiece[]): string | null {
  const length = pieces.reduce((sum, piece) => sum + piece.text.length, 0);
  return length <= MOST_COLOURED &&
    pieces.every(piece => isLiteral(piece) && piece.sign === 'same')
    ? pieces.map(piece => piece.text).join('\n')
    : null;
}

/** Minimum number of rows that a piece needs. */
function rows(piece: IPiece): number {
  return piece.kind === 'lines' ? Math.max(1, piece.lines) : 1;
}
