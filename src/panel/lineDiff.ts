/** A line diff whose running time does not depend on the content of the texts. */
import { commonEnds } from '../files/commonEnds';
import { cut, IPiece, unchanged } from './pieces';

/** Number of unchanged lines shown around a change. */
const CONTEXT = 2;

/** Maximum size of the comparison table; beyond it everything in between counts as changed. */
const TABLE = 250_000;

/** A change, as it is drawn. */
export interface ILineDiff {
  readonly pieces: readonly IPiece[];
  readonly unseen: number;
  readonly added: number;
  readonly removed: number;
}

type Run = { same: boolean; before: string[]; after: string[] };

/** Compare two texts. */
export function diffLines(before: string, after: string): ILineDiff {
  const old = linesOf(before);
  const now = linesOf(after);
  const { head, tail } = commonEnds(old, now);
  const runs: Run[] = [
    sameRun(old.slice(0, head)),
    ...middle(
      old.slice(head, old.length - tail),
      now.slice(head, now.length - tail)
    ),
    sameRun(old.slice(old.length - tail))
  ].filter(run => run.before.length + run.after.length > 0);
  return draw(runs);
}

function linesOf(text: string): string[] {
  const lines = text.replace(/\r\n/g, '\n');
  return lines === '' ? [] : lines.replace(/\n$/, '').split('\n');
}

function sameRun(lines: string[]): Run {
  return { same: true, before: lines, after: lines };
}

/** The longest common subsequence of lines, by the textbook table. */
function middle(old: string[], now: string[]): Run[] {
  if (old.length * now.length > TABLE || old.length * now.length === 0) {
    return [{ same: false, before: old, after: now }];
  }
  const width = now.length + 1;
  const longest = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] =
        old[i] === now[j]
          ? longest[(i + 1) * width + j + 1] + 1
          : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
    }
  }
  const runs: Run[] = [];
  const put = (same: boolean, before?: string, after?: string) => {
    const last = runs[runs.length - 1];
    const run = last?.same === same ? last : { same, before: [], after: [] };
    if (run !== last) {
      runs.push(run);
    }
    run.before.push(...(before === undefined ? [] : [before]));
    run.after.push(...(after === undefined ? [] : [after]));
  };
  let i = 0;
  let j = 0;
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      put(true, old[i++], now[j++]);
    } else if (
      j === now.length ||
      (i < old.length &&
        longest[(i + 1) * width + j] >= longest[i * width + j + 1])
    ) {
      put(false, old[i++]);
    } else {
      put(false, undefined, now[j++]);
    }
  }
  return runs;
}

function draw(runs: readonly Run[]): ILineDiff {
  const pieces: IPiece[] = [];
  let unseen = 0;
  let added = 0;
  let removed = 0;
  const put = (lines: readonly string[], sign: IPiece['sign']) => {
    if (lines.length > 0) {
      // An empty last line would otherwise be taken as the end of the line before it.
      const found = cut(`${lines.join('\n')}\n`, sign);
      pieces.push(...found.pieces);
      unseen += found.unseen;
    }
  };
  runs.forEach((run, index) => {
    if (!run.same) {
      put(run.before, 'removed');
      put(run.after, 'added');
      removed += run.before.length;
      added += run.after.length;
      return;
    }
    const above = index === 0 ? 0 : CONTEXT;
    const below = index === runs.length - 1 ? 0 : CONTEXT;
    const hidden = run.after.length - above - below;
    if (hidden < 2) {
      put(run.after, 'same');
      return;
    }
    put(run.after.slice(0, above), 'same');
    pieces.push(unchanged(hidden));
    put(run.after.slice(run.after.length - below), 'same');
  });
  return { pieces, unseen, added, removed };
}
