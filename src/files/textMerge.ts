/** Three-way merge of texts: the common base, and what each side made of it. */
import { commonEnds } from './commonEnds';

/** Replace `start` to `end` of a text. */
export interface ISplice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Maximum size of a comparison. Longer texts that differ everywhere count as one change. */
const MOST_COMPARED = 4_000_000;

/**
 * The splices that apply the change from `base` to `theirs` to `mine`.
 *
 * Nothing that either side wrote is lost: where both changed the same lines, theirs come after
 * mine.
 */
export function mergeText(
  base: string,
  mine: string,
  theirs: string
): ISplice[] {
  if (theirs === base || theirs === mine) {
    return [];
  }
  if (mine === base) {
    return [trimmed(mine, { start: 0, end: mine.length, text: theirs })];
  }
  const [b, m, t] = [base, mine, theirs].map(text => text.split('\n'));
  const inMine = matches(b, m);
  const inTheirs = matches(b, t);
  const splices: ISplice[] = [];
  const starts = lineStarts(m);
  let [z, x, y] = [0, 0, 0];
  for (let line = 0; line <= b.length; line++) {
    const end = line === b.length;
    const [mineAt, theirsAt] = end
      ? [m.length, t.length]
      : [inMine[line], inTheirs[line]];
    if (mineAt < 0 || theirsAt < 0) {
      continue;
    }
    const wanted = mergeLines(
      b.slice(z, line),
      m.slice(x, mineAt),
      t.slice(y, theirsAt)
    );
    if (wanted) {
      splices.push(replaceLines(mine, starts, x, mineAt, wanted));
    }
    [z, x, y] = [line + 1, mineAt + 1, theirsAt + 1];
  }
  return splices;
}

/** Apply the splices of {@link mergeText} to their text. */
export function spliced(text: string, splices: readonly ISplice[]): string {
  return [...splices]
    .reverse()
    .reduce(
      (done, { start, end, text: new_ }) =>
        done.slice(0, start) + new_ + done.slice(end),
      text
    );
}

/** The lines that replace mine; null when mine stay. */
function mergeLines(
  base: string[],
  mine: string[],
  theirs: string[]
): string[] | null {
  if (same(theirs, base) || same(theirs, mine)) {
    return null;
  }
  if (same(mine, base)) {
    return theirs;
  }
  if (base.length === 1 && mine.length === 1 && theirs.length === 1) {
    const line = mergeLine(base[0], mine[0], theirs[0]);
    if (line !== null) {
      return [line];
    }
  }
  return [...mine, ...theirs.filter(line => !base.includes(line))];
}

/** Merge one line that both changed in different places; null when it is the same place. */
function mergeLine(base: string, mine: string, theirs: string): string | null {
  const a = trimmed(base, { start: 0, end: base.length, text: mine });
  const b = trimmed(base, { start: 0, end: base.length, text: theirs });
  if (a.end < b.start || b.end < a.start) {
    return spliced(base, a.start < b.start ? [a, b] : [b, a]);
  }
  return null;
}

/** The index in `to` of each line of `from`, or -1: a longest common subsequence. */
export function matches(from: readonly string[], to: readonly string[]) {
  const found = new Array<number>(from.length).fill(-1);
  let head = 0;
  let [i, j] = [from.length, to.length];
  while (head < i && head < j && from[head] === to[head]) {
    found[head] = head++;
  }
  while (i > head && j > head && from[i - 1] === to[j - 1]) {
    found[--i] = --j;
  }
  const [rows, columns] = [i - head, j - head];
  if (rows * columns === 0 || rows * columns > MOST_COMPARED) {
    return found;
  }
  const width = columns + 1;
  const longest = new Uint32Array((rows + 1) * width);
  for (let row = rows - 1; row >= 0; row--) {
    for (let column = columns - 1; column >= 0; column--) {
      const at = row * width + column;
      longest[at] =
        from[head + row] === to[head + column]
          ? longest[at + width + 1] + 1
          : Math.max(longest[at + width], longest[at + 1]);
    }
  }
  for (let row = 0, column = 0; row < rows && column < columns;) {
    const at = row * width + column;
    if (from[head + row] === to[head + column]) {
      found[head + row++] = head + column++;
    } else if (longest[at + width] >= longest[at + 1]) {
      row++;
    } else {
      column++;
    }
  }
  return found;
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, index) => line === b[index]);
}

function lineStarts(lines: readonly string[]): number[] {
  const starts = [0];
  for (const line of lines) {
    starts.push(starts[starts.length - 1] + line.length + 1);
  }
  return starts;
}

function replaceLines(
  text: string,
  starts: readonly number[],
  first: number,
  last: number,
  lines: readonly string[]
): ISplice {
  const whole = lines.join('\n');
  if (first < last && lines.length > 0) {
    const end = starts[last] - 1;
    return trimmed(text, { start: starts[first], end, text: whole });
  }
  if (lines.length > 0) {
    // Between two lines, include the line break of the line before, if there is one.
    return first > 0
      ? { start: starts[first] - 1, end: starts[first] - 1, text: `\n${whole}` }
      : { start: 0, end: 0, text: `${whole}\n` };
  }
  return first > 0
    ? { start: starts[first] - 1, end: starts[last] - 1, text: '' }
    : { start: 0, end: Math.min(starts[last], text.length), text: '' };
}

/** The splice without the text that it would remove and insert again. */
function trimmed(text: string, splice: ISplice): ISplice {
  const old = text.slice(splice.start, splice.end);
  const { text: new_ } = splice;
  let { head, tail } = commonEnds(old, new_);
  // Yjs breaks both halves of a surrogate pair that is split.
  if (head > 0 && isFirstHalf(old[head - 1])) {
    head--;
  }
  if (tail > 0 && isSecondHalf(old[old.length - tail])) {
    tail--;
  }
  return {
    start: splice.start + head,
    end: splice.end - tail,
    text: new_.slice(head, new_.length - tail)
  };
}

function isFirstHalf(unit: string): boolean {
  return unit >= '\ud800' && unit <= '\udbff';
}

function isSecondHalf(unit: string): boolean {
  return unit >= '\udc00' && unit <= '\udfff';
}
