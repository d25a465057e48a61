import type { YCodeCell, YNotebook } from '@jupyter/ydoc';

import { commonEnds } from '../files/commonEnds';

/** Maximum number of steps that a recreated cell keeps. */
const MOST_STEPS = 100;

/** Maximum number of characters in the steps of one cell. */
const MOST_CHARACTERS = 1_000_000;

/** Maximum number of deleted cells whose steps are remembered. */
const MOST_GONE = 200;

/** One step: the text before and after it. */
export interface IStep {
  readonly before: string;
  after: string;
}

/** A replacement of the text from `start` to `end`. */
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
 * Keeps the undo history of a cell that is recreated.
 *
 * Yjs cannot move an item: moving a cell or changing its type deletes and recreates it, and the new
 * cell has no history. So this class stores the text before and after each step of the person, and
 * hands the steps to the new cell with the same id.
 */
export class UndoHistories {
  constructor(private readonly _notebook: YNotebook) {}

  /** Find the cells that were added and removed. */
  update(): void {
    if (!this._notebook.disableDocumentWideUndoRedo) {
      return;
    }
    for (const cell of this._notebook.cells as YCodeCell[]) {
      const known = this._histories.get(cell.id);
      if (known?.cell === cell) {
        continue;
      }
      // A map keeps the order of insertion, so the cell that was recreated last comes last.
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

/** The history of one cell. Steps of its predecessor lie below its own steps. */
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

  /** Let the cell undo and redo its predecessor's steps once its own are used up. */
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

  /** Undo the last step of the predecessor; the manager records how to redo it. */
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

/** The latest steps, within the limits of number and size. */
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
 * The replacement that undoes a step in a text that others have changed since.
 *
 * Null when others changed the same place, or when there is nothing to undo.
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

/** The single replacement that turns `from` into `to`. */
export function difference(from: string, to: string): ISplice {
  const { head, tail } = commonEnds(from, to);
  return {
    start: head,
    end: from.length - tail,
    text: to.slice(head, to.length - tail)
  };
}
