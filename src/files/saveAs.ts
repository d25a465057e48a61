import { Notification } from '@jupyterlab/apputils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import { serverPath } from '../notebook/navigator';
import type { IAgents } from '../tokens';
import { watchPanels } from '../notebook/panels';

/** How long the notice that agents stayed behind is shown. */
const SHOWN_MS = 15_000;

/**
 * Tells agents and the person where the work goes on when a live notebook is saved under a new
 * name.
 *
 * JupyterLab writes the copy, closes the notebook and opens the copy. When it closes the notebook,
 * it asks whether to save changes, and changes of a working agent are always unsaved for a second.
 * The server saves them by itself, so this class skips the question.
 */
export class SaveAs {
  constructor(
    private readonly _model: IAgents,
    private readonly _tracker: INotebookTracker,
    private readonly _contents: Contents.IManager,
    private readonly _trans: TranslationBundle
  ) {}

  start(): void {
    // Act before JupyterLab's own handler, which closes the notebook.
    this._contents.fileChanged.connect(this._onFileChanged, this);
    watchPanels(this._tracker, panel => this._watch(panel));
  }

  private _watch(panel: NotebookPanel): void {
    const { context } = panel;
    const saveAs = context.saveAs.bind(context);
    context.saveAs = async () => {
      this._saving = panel;
      try {
        return await saveAs();
      } finally {
        this._saving = null;
      }
    };
  }

  private _onFileChanged(_: unknown, change: Contents.IChangedArgs): void {
    const panel = this._saving;
    const path = change.newValue?.path;
    if (change.type !== 'save' || !panel || panel.isDisposed || !path) {
      return;
    }
    const { context } = panel;
    if (path === context.path || !context.model.collaborative) {
      return;
    }
    this._saving = null;
    Object.defineProperty(context.model, 'dirty', {
      configurable: true,
      get: () => false,
      set: () => undefined
    });
    const old = serverPath(this._contents, panel);
    const now = this._contents.localPath(path);
    this._model.savedAs(old, now).catch(() => {
      // An agent that is not told keeps working in the old notebook, which still exists.
    });
    this._tellPerson(old, now);
  }

  private _tellPerson(old: string, now: string): void {
    const there = this._model.agents.filter(agent => agent.current === old);
    if (there.length === 0) {
      return;
    }
    const names = there.map(agent => agent.label).join(', ');
    Notification.emit(
      this._trans.__(
        'You now work in %1. %2 still works in %3, which is unchanged.',
        now,
        names,
        old
      ),
      'info',
      { autoClose: SHOWN_MS }
    );
  }

  private _saving: NotebookPanel | null = null;
}
