import type { YNotebook } from '@jupyter/ydoc';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';

import { FollowedFile, IForm } from './followedFile';
import { heldCells } from '../notebook/heldCells';
import { Content, mergeNotebook, sameNotebook } from './notebookMerge';
import type { TextContext } from './openTexts';
import { mergeText } from './textMerge';
import type { IAgents, IOpenTexts } from '../tokens';
import { watchPanels } from '../notebook/panels';

/**
 * Keeps open notebooks and text files in line with their files where live documents are off.
 *
 * There, agents write the files. An open page loads what they wrote at once and merges it with what
 * the person has not saved. Before it saves, it checks for such a change, so that JupyterLab does
 * not ask which version to discard. Before an agent writes, the server asks the page to save what
 * the person typed.
 *
 * Upstream: `Context.revert` of @jupyterlab/docregistry recreates all cells, and shows a dialog
 * while the file is being written. So this class reads the file itself, and tells
 * `_updateContentsModel` which version to compare with before the next save.
 */
export class FileFollower {
  constructor(
    private readonly _model: IAgents,
    private readonly _tracker: INotebookTracker | null,
    private readonly _texts: IOpenTexts | null,
    private readonly _contents: Contents.IManager,
    private readonly _documents: IDocumentManager | null
  ) {}

  start(): void {
    if (this._tracker) {
      watchPanels(this._tracker, panel =>
        this._follow(panel.context, notebookForm(panel.context))
      );
    }
    const text = (context: TextContext) =>
      this._follow(context, textForm(context));
    for (const context of this._texts?.contexts ?? []) {
      text(context);
    }
    this._texts?.opened.connect((_, context) => text(context));
    this._model.changed.connect(() => this._look());
  }

  private _follow<C>(context: DocumentRegistry.Context, form: IForm<C>): void {
    // A second view of a document has the same context.
    if (context.model.collaborative || this._files.has(context)) {
      return;
    }
    const file = new FollowedFile(context, form, this._contents, this._model);
    this._files.set(context, file);
    context.disposed.connect(() => this._files.delete(context));
  }

  private _look(): void {
    const files = this._model.server?.files;
    for (const file of this._files.values()) {
      void file.takeIn();
      if (files?.save.includes(file.path) && this._documents?.autosave) {
        void file.save();
      }
    }
  }

  private readonly _files = new Map<
    DocumentRegistry.Context,
    Pick<FollowedFile<unknown>, 'path' | 'takeIn' | 'save'>
  >();
}

function notebookForm(context: NotebookPanel['context']): IForm<Content> {
  const shared = context.model.sharedModel as YNotebook;
  const content = () => shared.toJSON();
  const said = ({ cells }: Content) =>
    JSON.stringify(cells.map(cell => [cell.cell_type, String(cell.source)]));
  return {
    how: { type: 'notebook', format: 'json' },
    content,
    parse: found => found as Content,
    merge: (base, file) => {
      const { editing, running } = heldCells(shared);
      mergeNotebook(shared, base, file, new Set([...editing, ...running]));
    },
    differs: file => said(content()) !== said(file),
    same: sameNotebook
  };
}

function textForm(context: TextContext): IForm<string> {
  const shared = context.model.sharedModel;
  const content = () => shared.getSource();
  return {
    how: { type: 'file', format: 'text' },
    content,
    // Normalize line ends as the context does; it restores them when it saves.
    parse: found => String(found).replace(/\r\n?/g, '\n'),
    merge: (base, file) => {
      const splices = mergeText(base, content(), file);
      // This must not get into the person's undo history.
      shared.transact(() => {
        for (const { start, end, text } of [...splices].reverse()) {
          shared.updateSource(start, end, text);
        }
      }, false);
    },
    differs: file => content() !== file,
    same: (one, other) => one === other
  };
}
