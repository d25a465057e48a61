import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { Contents } from '@jupyterlab/services';

import type { IAgents } from '../tokens';

/** How often, and after how long, to retry a file that cannot be read. */
const TRIES = 10;
const TORN_MS = 50;

/** Maximum number of saves in a row if the person types during each one. */
const SAVES = 5;

/** What differs between notebooks and text files. */
export interface IForm<C> {
  /** Options for reading it with the contents API. */
  readonly how: Pick<Contents.IFetchOptions, 'type' | 'format'>;
  /** The content of the open document. */
  content(): C;
  /** The content of a file as the contents API returns it. */
  parse(content: unknown): C;
  /** Merge what the file changed since `base` into the document. */
  merge(base: C, file: C): void;
  /** Whether the texts of the document differ from those of the file. */
  differs(file: C): boolean;
  /** Whether two contents of the document would be saved as the same file. */
  same(one: C, other: C): boolean;
}

/** Private members of a document's context. */
interface IOwnContext {
  _updateContentsModel(model: Contents.IModel): void;
}

/** An open document that is not live, and the last version it had in common with its file. */
export class FollowedFile<C> {
  constructor(
    private readonly _context: DocumentRegistry.Context,
    private readonly _form: IForm<C>,
    private readonly _contents: Contents.IManager,
    private readonly _model: IAgents
  ) {
    void _context.ready.then(() => {
      this._base ??= { content: _form.content() };
    });
    _context.saveState.connect((_, state) => {
      if (state === 'started') {
        // JupyterLab collects the content to save at the same moment.
        this._saving = { content: _form.content() };
      } else if (state === 'completed') {
        this._afterSave();
      }
    });
    this._save = _context.save.bind(_context);
    _context.save = () => this._inTurn(() => this._mergeAndSave());
    const revert = _context.revert.bind(_context);
    _context.revert = async () => {
      await revert();
      this._base = { content: _form.content() };
      // A save that found another file may end in this state; then nothing was saved.
      this._saving = null;
    };
  }

  get path(): string {
    return this._contents.localPath(this._context.path);
  }

  /** Load what the server has written. */
  takeIn(): Promise<void> {
    return this._known === this._written
      ? Promise.resolve()
      : this._inTurn(() => this._merge());
  }

  /** Save the document if it is not saved and no save is running. */
  async save(): Promise<void> {
    if (!this._asked && this._context.model.dirty) {
      this._asked = true;
      try {
        for (let n = 0; n < SAVES && this._context.model.dirty; n++) {
          await this._context.save();
        }
      } catch {
        // JupyterLab has already told the person.
      } finally {
        this._asked = false;
      }
    }
  }

  private get _written(): string | undefined {
    return this._model.server?.files.written[this.path];
  }

  /** Loading and saving exclude each other. */
  private _inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this._last.then(work);
    this._last = turn.catch(() => undefined);
    return turn;
  }

  /** JupyterLab now marks the document as saved, but what was typed during the save is not. */
  private _afterSave(): void {
    const saved = this._saving;
    this._saving = null;
    if (saved) {
      this._base = saved;
      if (!this._form.same(saved.content, this._form.content())) {
        this._context.model.dirty = true;
      }
    }
  }

  private async _mergeAndSave(): Promise<void> {
    if (this._model.agents.length > 0) {
      // The server learns from this that it must not write between our check and our save.
      this._context.model.dirty = true;
    }
    if (await this._isOther()) {
      // An agent may have written the file at this very moment.
      await this._model.refresh();
      await this._merge();
    }
    await this._save();
  }

  private async _merge(): Promise<void> {
    const written = this._written;
    if (this._context.isDisposed || written === this._known) {
      return;
    }
    this._known = written;
    if ((await this._isOther()) && !(await this._load())) {
      this._known = undefined;
    }
  }

  /** Whether the file on disk differs from the one that the page knows. */
  private async _isOther(): Promise<boolean> {
    const context = this._context;
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
      // The file or the server is gone; JupyterLab reports that when the person saves.
      return false;
    }
  }

  /** Returns whether the file could be read. */
  private async _load(): Promise<boolean> {
    const found = await this._read();
    if (!found || this._context.isDisposed) {
      return false;
    }
    const { model } = this._context;
    const { dirty } = model;
    const file = this._form.parse(found.content);
    this._form.merge(this._base?.content ?? this._form.content(), file);
    // Nobody else has this object, and nobody changes it.
    this._base = { content: file };
    (this._context as unknown as IOwnContext)._updateContentsModel(found);
    // A file that was written elsewhere may differ in form only, which is not a change by the
    // person.
    model.dirty =
      this._form.differs(file) ||
      (dirty && !this._form.same(file, this._form.content()));
    return true;
  }

  /** Read the file. While it is being written it may be empty or cut off for a moment. */
  private async _read(): Promise<Contents.IModel | null> {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      try {
        return await this._contents.get(this._context.path, {
          ...this._form.how,
          content: true,
          hash: true
        });
      } catch {
        await new Promise(resolve => setTimeout(resolve, TORN_MS));
      }
    }
    // JupyterLab reports that when the person saves.
    return null;
  }

  private readonly _save: () => Promise<void>;
  private _base: { content: C } | null = null;
  private _saving: { content: C } | null = null;
  private _known: string | undefined;
  private _asked = false;
  private _last: Promise<void> = Promise.resolve();
}
