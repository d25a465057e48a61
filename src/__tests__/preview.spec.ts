import { firstOf, layOut, MOST_CHARACTERS, MOST_LINES } from '../panel/preview';
import { cut, parts } from '../panel/pieces';
import { diffLines } from '../panel/lineDiff';
import type { IPreview } from '../tokens';

const code = (...texts: string[]): IPreview => ({
  kind: 'code',
  language: 'python',
  words: '',
  lines: 0,
  items: texts.map(text => ({
    title: '',
    cellId: null,
    text,
    old: '',
    new: ''
  }))
});
const change = (old: string, now: string): IPreview => ({
  ...code(''),
  kind: 'diff',
  items: [{ title: '', cellId: null, text: '', old, new: now }]
});
const drawnOf = (text: string) =>
  cut(text).pieces.map(piece =>
    piece.kind === 'lines' ? piece.text : `${piece.kind} ${piece.lines}`
  );

describe('what a card shows', () => {
  it('folds blank lines so that the text after them is visible', () => {
    const text = `a${'\n'.repeat(501)}b`;
    expect(drawnOf(text)).toEqual(['a', 'blank 500', 'b']);
    expect(firstOf(layOut(code(text)))).toBeNull();
    // Blanks of any kind.
    expect(drawnOf(`a\n${'\u3000 \t\u00a0\n'.repeat(30)}b`)).toEqual([
      'a',
      'blank 30',
      'b'
    ]);
  });

  it('keeps a few blank lines as they are', () => {
    expect(drawnOf('a\n\n\n\nb')).toEqual(['a\n\n\n\nb']);
  });

  it.each([' ', '\t', '\u00a0', '\u3000', '\u2003'])(
    'folds a run of %j in a line',
    blank => {
      const [piece] = cut(`x = 1;${blank.repeat(9000)}evil()`).pieces;
      expect(parts(piece.text)).toEqual(['x = 1;', 9000, 'evil()']);
    }
  );

  it('splits a long line without losing or splitting characters', () => {
    const text = `x = "${'𝒳'.repeat(5000)}"; evil()`;
    const { pieces } = cut(text);
    expect(pieces.map(piece => piece.text).join('')).toBe(text);
    expect(pieces.map(piece => piece.goesOn)).toEqual([
      false,
      ...pieces.slice(1).map(() => true)
    ]);
    expect(pieces.every(piece => /^\P{Cs}*$/u.test(piece.text))).toBe(true);
  });

  it('cannot be imitated by the text', () => {
    const { pieces, unseen } = cut('a\uE0009\uE001b');
    expect(parts(pieces[0].text)).toEqual(['a▯9▯b']);
    expect(unseen).toBe(2);
  });

  it('shows 40 lines at first, of all cells together', () => {
    const shown = layOut(code(...Array.from({ length: 90 }, (_, n) => `${n}`)));
    expect(firstOf(shown)!.map(item => item.pieces[0].text)).toEqual(
      Array.from({ length: 40 }, (_, n) => `${n}`)
    );
    expect(firstOf(layOut(code('a\n'.repeat(40))))).toBeNull();
    const [item] = firstOf(layOut(code('a\n'.repeat(41))))!;
    expect(item.pieces.reduce((sum, piece) => sum + piece.lines, 0)).toBe(40);
  });

  it('shows the start of a long line at first', () => {
    const [item] = firstOf(layOut(code('a'.repeat(9000))))!;
    expect(item.pieces.map(piece => piece.text.length)).toEqual([1500, 1500]);
  });

  it('is too long exactly when the server says so', () => {
    expect(layOut(code('a'.repeat(MOST_CHARACTERS))).tooLong).toBe(false);
    expect(layOut(code('a'.repeat(MOST_CHARACTERS + 1))).tooLong).toBe(true);
    expect(layOut(code('a\n'.repeat(MOST_LINES))).tooLong).toBe(false);
    expect(layOut(code('a\n'.repeat(MOST_LINES + 1))).tooLong).toBe(true);
  });
});

describe('a change', () => {
  const drawn = (old: string, now: string) =>
    diffLines(old, now).pieces.map(piece =>
      piece.kind === 'lines'
        ? `${piece.sign} ${piece.text}`
        : `${piece.kind} ${piece.lines}`
    );

  it('is shown by lines, with context', () => {
    const old = Array.from({ length: 30 }, (_, n) => `line ${n}`);
    const now = [...old];
    now[15] = 'another';
    expect(drawn(old.join('\n'), now.join('\n'))).toEqual([
      'unchanged 13',
      'same line 13\nline 14',
      'removed line 15',
      'added another',
      'same line 16\nline 17',
      'unchanged 12'
    ]);
  });

  it('keeps its unchanged middle', () => {
    expect(drawn('a\nb\nc', 'x\nb\ny')).toEqual([
      'removed a',
      'added x',
      'same b',
      'removed c',
      'added y'
    ]);
  });

  it('shows differences in invisible characters', () => {
    expect(drawn('a\u200bb', 'a\u202eb')).toEqual(['removed a▯b', 'added a▯b']);
    expect(layOut(change('a\u200bb', 'a\u202eb')).changes).toBeNull();
  });

  it('shows all of a new text', () => {
    const found = diffLines('', 'a\nb\n');
    expect([found.added, found.removed]).toEqual([2, 0]);
    expect(drawn('', 'a\nb\n')).toEqual(['added a\nb']);
  });

  it.each([
    ['one long line', 'a'.repeat(3_500_000), `${'a'.repeat(3_500_000)}b`],
    ['all lines', 'a\n'.repeat(90_000), 'b\n'.repeat(90_000)],
    ['every second line', 'a\nb\n'.repeat(40_000), 'a\nc\n'.repeat(40_000)]
  ])('of %s is computed or refused in limited time', (_, old, now) => {
    expect(layOut(change(old, now)).tooLong).toBe(true);
  });
});
