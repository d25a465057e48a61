import type { YCodeCell, YNotebook } from '@jupyter/ydoc';

/** How many steps are carried over. */
const MOST_STEPS = 100;

/** How many characters the steps of one cell may hold. */
const MOST_CHARACTERS = 1_000_000;

/** How many cells that are gone are remembered. */
const MOST_GONE = 200;

/** One step: the text before and after it. */
export interface IStep {
  readonly before: string;
  after: string;
}

/** A replacement of what is from `start` to `end`. */
export interface ISplice {
  start: number;
  end: number;
  text: string;
}

type Manager = NonNullable<YCodeCell['undoManager']>;

interface IStackEvent {
  stackItem: { meta: Map<unknown, unknown> };
  type: 'undo' | 'redo';
  changedParentTypes: { has(type: unknown): boolean };
}

/**
 * Keeps the undo history of a cell that is made anew.
 *
 * Yjs cannot move: who moves a cell, or gives it another type, deletes it and makes it anew, and
 * the new one has no history. So the texts before and after each step of a person's are noted
 * beside the step, and carried over to the cell with the same id.
 */
export class UndoHistories {
  constructor(private readonly _notebook: YNotebook) {}

  /** Look which cells have come and gone. */
  update(): void {
    if (!this._notebook.disableDocumentWideUndoRedo) {
      return;
    }
    for (const cell of this._notebook.cells as YCodeCell[]) {
      const known = this._histories.get(cell.id);
      if (known?.cell === cell) {
        continue;
      }
      // A map is in the order of insertion: who came anew last goes last.
      this._histories.delete(cell.id);
      this._histories.set(cell.id, new UndoHistory(cell, known));
    }
    const most = this._notebook.cells.length + MOST_GONE;
    for (const [id, history] of this._histories) {
      if (this._histories.size <= most) {
        break;
      }
      if (history.cell.isDisposed) {
        this._histories.delete(id);
      }
    }
  }

  private readonly _histories = new Map<string, UndoHistory>();
}

/** The history of one cell; what was carried over lies below the cell's own. */
class UndoHistory {
  constructor(
    readonly cell: YCodeCell,
    former?: UndoHistory
  ) {
    this._manager = cell.undoManager;
    this._text = this._before = cell.getSource();
    if (former) {
      this._undo = bounded(former._steps('undo'));
      this._redo = bounded(former._steps('redo'));
    }
    if (this._manager) {
      this._follow(this._manager);
      this._extend(this._manager);
    }
  }

  private _follow(manager: Manager): void {
    const { ysource } = this.cell;
    ysource.observe(() => {
      this._before = this._text;
      this._text = ysource.toString();
    });
    manager.on('stack-item-added', (event: IStackEvent) => {
      if (event.changedParentTypes.has(ysource)) {
        const step: IStep = { before: this._before, after: this._text };
        event.stackItem.meta.set(UndoHistory, step);
      }
      if (event.type === 'undo' && !manager.redoing) {
        this._redo = [];
      }
    });
    manager.on('stack-item-updated', (event: IStackEvent) => {
      const step = event.stackItem.meta.get(UndoHistory) as IStep | undefined;
      if (step && event.changedParentTypes.has(ysource)) {
        step.after = this._text;
      }
    });
  }

  /** Let the cell undo and redo what was carried over once its own steps are used up. */
  private _extend(manager: Manager): void {
    const { cell } = this;
    const undo = cell.undo.bind(cell);
    const redo = cell.redo.bind(cell);
    cell.undo = () =>
      (manager.undoStack.length > 0 && undo()) ||
      this._take(manager, this._undo, 'undoing');
    cell.redo = () =>
      (manager.redoStack.length > 0 && redo()) ||
      this._take(manager, this._redo, 'redoing');
    cell.canUndo = () => manager.undoStack.length + this._undo.length > 0;
    cell.canRedo = () => manager.redoStack.length + this._redo.length > 0;
    const clear = cell.clearUndoHistory.bind(cell);
    cell.clearUndoHistory = () => {
      this._undo = [];
      this._redo = [];
      clear();
    };
  }

  /** Take back the last step that was carried over; the manager notes how to redo it. */
  private _take(
    manager: Manager,
    steps: IStep[],
    flag: 'undoing' | 'redoing'
  ): boolean {
    const { ysource } = this.cell;
    for (let step = steps.pop(); step; step = steps.pop()) {
      const splice = back(step, this._text);
      if (!splice) {
        continue;
      }
      manager[flag] = true;
      try {
        this.cell.notebook?.ydoc.transact(() => {
          ysource.delete(splice.start, splice.end - splice.start);
          ysource.insert(splice.start, splice.text);
        }, manager);
      } finally {
        manager[flag] = false;
      }
      this.cell.dirty = true;
      return true;
    }
    return false;
  }

  private _steps(kind: 'undo' | 'redo'): IStep[] {
    const stack =
      (kind === 'undo' ? this._manager?.undoStack : this._manager?.redoStack) ??
      [];
    const own = stack
      .map(item => item.meta.get(UndoHistory) as IStep | undefined)
      .filter(step => step !== undefined);
    return [...(kind === 'undo' ? this._undo : this._redo), ...own];
  }

  private readonly _manager: Manager | null;
  private _text: string;
  private _before: string;
  private _undo: IStep[] = [];
  private _redo: IStep[] = [];
}

/** The latest steps, as far as they are few and small enough. */
function bounded(steps: IStep[]): IStep[] {
  let size = 0;
  let first = steps.length;
  while (first > 0 && steps.length - first < MOST_STEPS) {
    size += steps[first - 1].before.length + steps[first - 1].after.length;
    if (size > MOST_CHARACTERS) {
      break;
    }
    first -= 1;
  }
  return steps.slice(first);
}

/**
 * What takes a step back in a text that others have changed since.
 *
 * Null when they changed the same place, or nothing is to be done.
 */
export function back(step: IStep, present: string): ISplice | null {
  const mine = difference(step.after, step.before);
  if (mine.start === mine.end && mine.text === '') {
    return null;
  }
  const theirs = difference(step.after, present);
  if (theirs.start === theirs.end && theirs.text === '') {
    return mine;
  }
  if (mine.end <= theirs.start) {
    return mine;
  }
  if (mine.start >= theirs.end) {
    const shift = theirs.text.length - (theirs.end - theirs.start);
    return {
      start: mine.start + shift,
      end: mine.end + shift,
      text: mine.text
    };
  }
  return null;
}

/** The one replacement that makes `to` of `from`. */
export function difference(from: string, to: string): ISplice {
  const most = Math.min(from.length, to.length);
  let head = 0;
  while (head < most && from[head] === to[head]) {
    head += 1;
  }
  let tail = 0;
  while (
    tail < most - head &&
    from[from.length - 1 - tail] === to[to.length - 1 - tail]
  ) {
    tail += 1;
  }
  return {
    start: head,
    end: from.length - tail,
    text: to.slice(head, to.length - tail)
  };
}
