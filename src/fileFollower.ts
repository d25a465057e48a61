import type { IDocumentManager } from '@jupyterlab/docmanager';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';

import { serverPath } from './navigator';
import { Content, mergeNotebook } from './notebookMerge';
import type { IAgents } from './tokens';

/** How often a file that cannot be read is read again, and after how long. */
const TRIES = 10;
const TORN_MS = 50;

/** What is not public of a document's context. */
interface IOwnContext {
  _updateContentsModel(model: Contents.IModel): void;
}

/**
 * Keeps open notebooks one with their files where live documents are off.
 *
 * Agents write the file of a notebook there. An open page loads what they wrote at once, merged
 * with what the person has not saved; and before it saves, it looks whether there is such a thing,
 * so that JupyterLab does not ask whose version to throw away. When the server asks for it, because
 * an agent is about to write, what the person typed is saved first.
 *
 * Upstream: `Context.revert` of @jupyterlab/docregistry makes all cells anew, and shows a dialog when
 * the file is just being written. So the file is read here, and `_updateContentsModel` is told which
 * one to compare with before the next save.
 */
export class FileFollower {
  constructor(
    private readonly _model: IAgents,
    private readonly _tracker: INotebookTracker,
    private readonly _contents: Contents.IManager,
    private readonly _documents: IDocumentManager | null
  ) {}

  start(): void {
    this._tracker.forEach(panel => this._follow(panel));
    this._tracker.widgetAdded.connect((_, panel) => this._follow(panel));
    this._model.changed.connect(() => this._look());
  }

  private _follow(panel: NotebookPanel): void {
    if (panel.context.model.collaborative) {
      return;
    }
    const notebook = new FollowedNotebook(panel, this._contents, this._model);
    this._notebooks.add(notebook);
    panel.disposed.connect(() => this._notebooks.delete(notebook));
  }

  private _look(): void {
    const files = this._model.server?.files;
    for (const notebook of this._notebooks) {
      void notebook.takeIn();
      if (files?.save.includes(notebook.path) && this._documents?.autosave) {
        void notebook.save();
      }
    }
  }

  private readonly _notebooks = new Set<FollowedNotebook>();
}

/** One open notebook, and what it last had in common with its file. */
class FollowedNotebook {
  constructor(
    private readonly _panel: NotebookPanel,
    private readonly _contents: Contents.IManager,
    private readonly _model: IAgents
  ) {
    const { context } = _panel;
    void context.ready.then(() => {
      this._base ??= this._content();
    });
    context.saveState.connect((_, state) => {
      if (state === 'started') {
        // The content to save is put together in the same moment.
        this._saving = this._content();
      } else if (state === 'completed') {
        this._base = this._saving ?? this._base;
      }
    });
    this._save = context.save.bind(context);
    context.save = () => this._inTurn(() => this._mergeAndSave());
  }

  get path(): string {
    return serverPath(this._contents, this._panel);
  }

  /** Load what the server says that it wrote. */
  takeIn(): Promise<void> {
    return this._known === this._written
      ? Promise.resolve()
      : this._inTurn(() => this._merge());
  }

  /** Save what is not saved, unless that is under way. */
  async save(): Promise<void> {
    if (!this._asked && this._panel.context.model.dirty) {
      this._asked = true;
      try {
        await this._panel.context.save();
      } catch {
        // JupyterLab has told the person.
      } finally {
        this._asked = false;
      }
    }
  }

  private get _written(): string | undefined {
    return this._model.server?.files.written[this.path];
  }

  /** Nothing is loaded while something is saved, and the other way round. */
  private _inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this._last.then(work);
    this._last = turn.catch(() => undefined);
    return turn;
  }

  private async _mergeAndSave(): Promise<void> {
    if (this._model.agents.length > 0) {
      // The server hears of it, and writes nothing between our look at the file and our save.
      this._panel.context.model.dirty = true;
    }
    if (await this._isOther()) {
      // The file may have been written by an agent this very moment.
      await this._model.refresh();
      await this._merge();
    }
    await this._save();
  }

  private async _merge(): Promise<void> {
    const written = this._written;
    if (this._panel.isDisposed || written === this._known) {
      return;
    }
    this._known = written;
    if ((await this._isOther()) && !(await this._load())) {
      this._known = undefined;
    }
  }

  /** Whether the file on the disk is another one than the page knows. */
  private async _isOther(): Promise<boolean> {
    const { context } = this._panel;
    try {
      await context.ready;
      const known = context.contentsModel;
      const found = await this._contents.get(context.path, {
        content: false,
        hash: true
      });
      return known?.hash && found.hash
        ? known.hash !== found.hash
        : known?.last_modified !== found.last_modified;
    } catch {
      // It is gone, or the server is; JupyterLab tells when the person saves.
      return false;
    }
  }

  /** Answers whether the file could be read. */
  private async _load(): Promise<boolean> {
    const { context } = this._panel;
    const { model } = context;
    const found = await this._read();
    if (!found || this._panel.isDisposed) {
      return false;
    }
    const file = found.content as Content;
    mergeNotebook(model.sharedModel, this._base ?? this._content(), file);
    // Nobody else has it, and nobody changes it.
    this._base = file;
    (context as unknown as IOwnContext)._updateContentsModel(found);
    model.dirty = this._differs(file);
    return true;
  }

  /** The file; one that is just being written is empty, or cut off, for a moment. */
  private async _read(): Promise<Contents.IModel | null> {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      try {
        return await this._contents.get(this._panel.context.path, {
          type: 'notebook',
          format: 'json',
          content: true,
          hash: true
        });
      } catch {
        await new Promise(resolve => setTimeout(resolve, TORN_MS));
      }
    }
    // JupyterLab tells when the person saves.
    return null;
  }

  /** Whether the page says more than the file. */
  private _differs(file: Content): boolean {
    const ids = (content: Content) =>
      content.cells.map(cell => [cell.cell_type, String(cell.source)]);
    return JSON.stringify(ids(this._content())) !== JSON.stringify(ids(file));
  }

  private _content(): Content {
    return this._panel.context.model.sharedModel.toJSON();
  }

  private readonly _save: () => Promise<void>;
  private _base: Content | null = null;
  private _saving: Content | null = null;
  private _known: string | undefined;
  private _asked = false;
  private _last: Promise<void> = Promise.resolve();
}
