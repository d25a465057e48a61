import { Notification } from '@jupyterlab/apputils';
import { MarkdownCell } from '@jupyterlab/cells';
import type { Cell } from '@jupyterlab/cells';
import type { CodeMirrorEditor } from '@jupyterlab/codemirror';
import type { Notebook, NotebookMode } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { EditorSelection } from '@codemirror/state';
import type { YNotebook } from '@jupyter/ydoc';

import { guardKeys } from './keyGuard';
import { FROM_FILE } from '../files/notebookMerge';
import { ScrollAnchor } from './scrollAnchor';

/** How long a deleted cell may take to come back. */
const BACK_MS = 10_000;

/** Number of frames within which a new cell must be in the page. */
const FRAMES = 30;

interface ITransaction {
  readonly local: boolean;
  readonly origin: unknown;
  readonly changed: { has(type: unknown): boolean };
}

/** Where the person is in a notebook. */
interface IPlace {
  readonly cell: Cell | null;
  readonly id: string | null;
  readonly index: number;
  readonly mode: NotebookMode;
  readonly focused: boolean;
  readonly caret: EditorSelection | null;
  readonly selected: Set<string>;
  readonly rendered: Map<string, boolean>;
  readonly scroll: ScrollAnchor;
}

/**
 * Keeps a person's place in a notebook while others insert, delete and move cells.
 *
 * JupyterLab follows the active cell by its index through each step of a change, and gives edit
 * mode and focus to whichever cell is at that index. A moved cell is recreated and loses the caret,
 * the selection and the focus of the old one.
 */
export class PlaceKeeper {
  constructor(
    private readonly _notebook: Notebook,
    private readonly _trans: TranslationBundle
  ) {
    this._attach();
    _notebook.modelChanged.connect(this._attach, this);
    _notebook.disposed.connect(this._detach, this);
  }

  private _attach(): void {
    this._detach();
    const shared = this._notebook.model?.sharedModel as YNotebook | undefined;
    if (!shared) {
      return;
    }
    const { ydoc } = shared;
    const cells = ydoc.getArray('cells');
    const before = (transaction: ITransaction) => {
      const others = !transaction.local || transaction.origin === FROM_FILE;
      if (others && transaction.changed.has(cells)) {
        this._place = this._look();
      }
    };
    const after = (transaction: ITransaction) => {
      if (this._place) {
        this._restore(this._place);
        this._place = null;
      }
      if (transaction.changed.has(cells)) {
        this._learn();
      }
    };
    ydoc.on('beforeObserverCalls', before);
    ydoc.on('afterTransaction', after);
    this._learn();
    this._release = () => {
      ydoc.off('beforeObserverCalls', before);
      ydoc.off('afterTransaction', after);
    };
  }

  private _detach(): void {
    this._release?.();
    this._release = null;
    this._endHold();
  }

  /** Record the ids of the cells: a deleted cell no longer has one. */
  private _learn(): void {
    for (const cell of this._notebook.widgets) {
      if (!this._ids.has(cell)) {
        this._ids.set(cell, cell.model.id);
      }
    }
  }

  private _id(cell: Cell): string {
    return this._ids.get(cell) ?? cell.model.id;
  }

  private _look(): IPlace {
    const notebook = this._notebook;
    const cell = notebook.activeCell;
    const editor = (cell?.editor ?? null) as CodeMirrorEditor | null;
    const selected = notebook.widgets.filter(each => notebook.isSelected(each));
    const markdown = notebook.widgets.filter(
      (each): each is MarkdownCell => each instanceof MarkdownCell
    );
    return {
      cell,
      id: cell && this._id(cell),
      index: notebook.activeCellIndex,
      mode: notebook.mode,
      focused: notebook.node.contains(document.activeElement),
      caret: editor && editor.editor.state.selection,
      selected: new Set(selected.map(each => this._id(each))),
      rendered: new Map(markdown.map(each => [this._id(each), each.rendered])),
      scroll: new ScrollAnchor(notebook, notebook.mode === 'edit' ? cell : null)
    };
  }

  private _restore(place: IPlace): void {
    const notebook = this._notebook;
    const index = this._find(place.id);
    if (index >= 0) {
      notebook.activeCellIndex = index;
      this._setMode(place.mode);
    } else if (place.id !== null) {
      this._setMode('command');
      notebook.activeCellIndex = place.index;
    }
    for (const cell of notebook.widgets) {
      const id = cell.model.id;
      const rendered = place.rendered.get(id);
      if (cell instanceof MarkdownCell && rendered !== undefined) {
        if (cell.rendered !== rendered) {
          cell.rendered = rendered;
        }
      }
      if (notebook.isSelected(cell) !== place.selected.has(id)) {
        if (place.selected.has(id)) {
          notebook.select(cell);
        } else {
          notebook.deselect(cell);
        }
      }
    }
    this._restoreFocus(place, index);
    this._endHold();
    this._endHold = place.scroll.hold();
    this._await(place, index);
  }

  private _setMode(mode: NotebookMode): void {
    if (this._notebook.mode !== mode) {
      this._notebook.mode = mode;
    }
  }

  private _restoreFocus(place: IPlace, index: number): void {
    const cell = this._notebook.activeCell;
    if (!place.focused || !cell) {
      return;
    }
    if (index >= 0 && place.mode === 'edit') {
      void this._restoreCaret(cell, place);
    } else {
      this._focusSoon(cell, FRAMES);
    }
  }

  /** Focus a cell. A recreated cell takes some frames to be in the page. */
  private _focusSoon(cell: Cell, frames: number): void {
    const { node } = cell;
    if (node.contains(document.activeElement)) {
      return;
    }
    node.focus({ preventScroll: true });
    const lost = document.activeElement === document.body;
    if (lost && frames > 0 && cell === this._notebook.activeCell) {
      requestAnimationFrame(() => this._focusSoon(cell, frames - 1));
    }
  }

  /** Put the caret where it was. A recreated cell takes some frames to have an editor. */
  private async _restoreCaret(cell: Cell, place: IPlace): Promise<void> {
    if (cell === place.cell) {
      cell.editor?.focus();
      return;
    }
    const release = guardKeys();
    try {
      await cell.ready;
      const editor = cell.editor as CodeMirrorEditor | null;
      if (!editor || this._notebook.activeCell !== cell) {
        return;
      }
      this._setMode('edit');
      if (place.caret) {
        const { length } = editor.editor.state.doc;
        const ranges = place.caret.ranges.map(range =>
          EditorSelection.range(
            Math.min(range.anchor, length),
            Math.min(range.head, length)
          )
        );
        editor.editor.dispatch({
          selection: EditorSelection.create(ranges, place.caret.mainIndex)
        });
      }
      editor.focus();
    } finally {
      release();
    }
  }

  /**
   * A cell that was deleted under the caret may come back, with the text that was typed meanwhile.
   */
  private _await(place: IPlace, index: number): void {
    const waiting = this._waiting;
    if (waiting && this._find(waiting.place.id) >= 0) {
      waiting.release();
      this._waiting = null;
      if (Date.now() < waiting.until) {
        this._restore(waiting.place);
      }
    }
    if (index < 0 && place.id !== null && place.mode === 'edit') {
      const words = this._trans.__(
        'The cell in which you were typing was deleted. Click where you want to continue.'
      );
      Notification.emit(words, 'warning', { autoClose: BACK_MS });
      const until = Date.now() + BACK_MS;
      this._waiting = { place, until, release: guardKeys() };
    }
  }

  private _find(id: string | null): number {
    return this._notebook.widgets.findIndex(cell => cell.model.id === id);
  }

  private readonly _ids = new WeakMap<Cell, string>();
  private _place: IPlace | null = null;
  private _endHold: () => void = () => undefined;
  private _release: (() => void) | null = null;
  private _waiting: {
    place: IPlace;
    until: number;
    release: () => void;
  } | null = null;
}
