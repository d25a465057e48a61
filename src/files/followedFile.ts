import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { Contents } from '@jupyterlab/services';

import type { IAgents } from '../tokens';

/** How often a file that cannot be read is read again, and after how long. */
const TRIES = 10;
const TORN_MS = 50;

/** How often a person may type during each save that the server asks for. */
const SAVES = 5;

/** What is particular to notebooks, or to text files. */
export interface IForm<C> {
  /** How the contents API is asked for it. */
  readonly how: Pick<Contents.IFetchOptions, 'type' | 'format'>;
  /** What the open document says. */
  content(): C;
  /** What the contents API says of a file. */
  parse(content: unknown): C;
  /** Bring what the file changed since `base` into the document. */
  merge(base: C, file: C): void;
  /** Whether the document has other texts than the file. */
  differs(file: C): boolean;
  /** Whether two contents of the document are the same in all that is saved. */
  same(one: C, other: C): boolean;
}

/** What is not public of a document's context. */
interface IOwnContext {
  _updateContentsModel(model: Contents.IModel): void;
}

/** One open document that is not live, and what it last had in common with its file. */
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
        // The content to save is put together in the same moment.
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
      // A save that met another file may end with this: then nothing was saved.
      this._saving = null;
    };
  }

  get path(): string {
    return this._contents.localPath(this._context.path);
  }

  /** Load what the server says that it wrote. */
  takeIn(): Promise<void> {
    return this._known === this._written
      ? Promise.resolve()
      : this._inTurn(() => this._merge());
  }

  /** Save what is not saved, unless that is under way. */
  async save(): Promise<void> {
    if (!this._asked && this._context.model.dirty) {
      this._asked = true;
      try {
        for (let n = 0; n < SAVES && this._context.model.dirty; n++) {
          await this._context.save();
        }
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

  /** JupyterLab says now that all is saved; what came during the save is not. */
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
      // The server hears of it, and writes nothing between our look at the file and our save.
      this._context.model.dirty = true;
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
    if (this._context.isDisposed || written === this._known) {
      return;
    }
    this._known = written;
    if ((await this._isOther()) && !(await this._load())) {
      this._known = undefined;
    }
  }

  /** Whether the file on the disk is another one than the page knows. */
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
      // It is gone, or the server is; JupyterLab tells when the person saves.
      return false;
    }
  }

  /** Answers whether the file could be read. */
  private async _load(): Promise<boolean> {
    const found = await this._read();
    if (!found || this._context.isDisposed) {
      return false;
    }
    const { model } = this._context;
    const { dirty } = model;
    const file = this._form.parse(found.content);
    this._form.merge(this._base?.content ?? this._form.content(), file);
    // Nobody else has it, and nobody changes it.
    this._base = { content: file };
    (this._context as unknown as IOwnContext)._updateContentsModel(found);
    // A file that was written elsewhere may differ in form only: that is not the person's.
    model.dirty =
      this._form.differs(file) ||
      (dirty && !this._form.same(file, this._form.content()));
    return true;
  }

  /** The file; one that is just being written is empty, or cut off, for a moment. */
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
    // JupyterLab tells when the person saves.
    return null;
  }

  private readonly _save: () => Promise<void>;
  private _base: { content: C } | null = null;
  private _saving: { content: C } | null = null;
  private _known: string | undefined;
  private _asked = false;
  private _last: Promise<void> = Promise.resolve();
}
