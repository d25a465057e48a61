import type { YNotebook } from '@jupyter/ydoc';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import { Debouncer } from '@lumino/polling';

import { heldCells, onHeld } from './heldCells';
import type { IHeldCells } from './heldCells';
import { serverPath } from './navigator';
import type { IAgents, IOpenDocument, IOpenTexts, IPage } from '../tokens';

/** Delay of a report after a change, so that typing does not send one for each key. */
const DELAY_MS = 300;

/** Maximum length of a reported selection. */
const MOST_SELECTED = 4000;

/** Reports what the person looks at in this page whenever that changes. */
export class FocusReporter {
  constructor(
    private readonly _model: IAgents,
    private readonly _tracker: INotebookTracker | null,
    private readonly _texts: IOpenTexts | null,
    private readonly _contents: Contents.IManager,
    private readonly _documents: IDocumentManager | null
  ) {}

  start(): void {
    const changed = () => void this._debouncer.invoke();
    this._tracker?.currentChanged.connect(changed);
    this._tracker?.activeCellChanged.connect(() => {
      this._followEditor();
      changed();
    });
    this._tracker?.selectionChanged.connect(changed);
    const watch = (panel: NotebookPanel) => {
      this._watch(panel.context);
      if (!panel.context.model.collaborative) {
        // An agent may be about to move the cell.
        onHeld(sharedOf(panel.context), () => void this._report());
      }
    };
    this._tracker?.widgetAdded.connect((_, panel) => {
      watch(panel);
      changed();
    });
    this._tracker?.forEach(watch);
    this._texts?.opened.connect((_, context) => {
      this._watch(context);
      changed();
    });
    for (const context of this._texts?.contexts ?? []) {
      this._watch(context);
    }
    document.addEventListener('visibilitychange', changed);
    window.addEventListener('focus', changed);
    window.addEventListener('blur', changed);
    window.addEventListener('pagehide', () => this._model.leavePage());
    window.addEventListener('pageshow', event => {
      if (event.persisted) {
        this._sent = '';
        changed();
      }
    });
    let link = this._model.link;
    this._model.changed.connect(() => {
      if (this._model.link !== link) {
        link = this._model.link;
        // A server that was unreachable may have forgotten this page.
        this._sent = '';
        changed();
      }
    });
    this._followEditor();
    changed();
  }

  private _watch(context: DocumentRegistry.Context): void {
    const changed = () => void this._debouncer.invoke();
    context.model.stateChanged.connect((_, change) => {
      if (change.name === 'dirty') {
        // An agent may be waiting for it.
        void this._report();
      }
    });
    context.pathChanged.connect(changed);
    context.disposed.connect(changed);
  }

  private _followEditor(): void {
    this._editor?.model.selections.changed.disconnect(this._onSelection, this);
    this._editor = this._tracker?.activeCell?.editor ?? null;
    this._editor?.model.selections.changed.connect(this._onSelection, this);
  }

  private _onSelection(): void {
    void this._debouncer.invoke();
  }

  /** Reports are sent one at a time, so that they arrive in order. */
  private _report(): Promise<void> {
    this._last = this._last.then(() => this._send());
    return this._last;
  }

  private async _send(): Promise<void> {
    if (this._model.link !== 'online') {
      return;
    }
    const page = this._describe();
    const serialized = JSON.stringify(page);
    if (serialized === this._sent) {
      return;
    }
    this._sent = serialized;
    try {
      await this._model.reportPage(page);
    } catch {
      // The next change, or the next answer from the server, triggers a new report.
      this._sent = '';
    }
  }

  private _describe(): IPage {
    const open: IOpenDocument[] = [];
    this._tracker?.forEach(panel => {
      if (!panel.isDisposed) {
        open.push({
          ...this._describeDocument(panel.context),
          ...held(panel.context)
        });
      }
    });
    const files = [...(this._texts?.contexts ?? [])]
      .filter(context => !context.isDisposed && !context.model.collaborative)
      .map(context => this._describeDocument(context));
    return {
      visible: !document.hidden,
      focused: document.hasFocus(),
      active: this._describeActive(),
      open,
      files
    };
  }

  private _describeDocument(context: DocumentRegistry.Context): IOpenDocument {
    const { collaborative, dirty } = context.model;
    return {
      path: this._contents.localPath(context.path),
      dirty,
      // Live documents are saved by the server.
      saves: collaborative || (this._documents?.autosave ?? false)
    };
  }

  private _describeActive(): IPage['active'] {
    const panel = this._tracker?.currentWidget;
    if (!panel || panel.isDisposed) {
      return null;
    }
    // In a long notebook, a cell out of sight has no editor.
    const cell = panel.content.activeCell;
    const editor = cell?.editor ?? null;
    return {
      path: serverPath(this._contents, panel),
      cell_id: cell?.model.id ?? null,
      cursor: editor ? place(editor.getCursorPosition()) : null,
      selection: editor ? selection(editor) : null
    };
  }

  private readonly _debouncer = new Debouncer(() => this._report(), DELAY_MS);
  private _editor: CodeEditor.IEditor | null = null;
  private _sent = '';
  private _last: Promise<void> = Promise.resolve();
}

/** A live notebook needs no report: the server knows by itself. */
function held(context: NotebookPanel['context']): Partial<IHeldCells> {
  return context.model.collaborative ? {} : heldCells(sharedOf(context));
}

function sharedOf(context: NotebookPanel['context']): YNotebook {
  return context.model.sharedModel as YNotebook;
}

function place(position: CodeEditor.IPosition): {
  line: number;
  column: number;
} {
  return { line: position.line, column: position.column };
}

function selection(
  editor: CodeEditor.IEditor
): NonNullable<IPage['active']>['selection'] {
  const { start, end } = editor.getSelection();
  const from = editor.getOffsetAt(start);
  const to = editor.getOffsetAt(end);
  if (from === to) {
    return null;
  }
  const text = editor.model.sharedModel.getSource();
  return {
    start: place(from < to ? start : end),
    end: place(from < to ? end : start),
    text: text
      .slice(Math.min(from, to), Math.max(from, to))
      .slice(0, MOST_SELECTED)
  };
}
