import { Notification } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IAgents, IAgentsPanel, ICopy } from '../tokens';

/**
 * Milliseconds until the toast closes. The panel, which it covers, keeps showing the same notice.
 */
const BRIEF_MS = 10_000;

/** Key under which the page remembers, over a reload, the copies that it has reported. */
const TOLD = 'jmcp-lab:copies';

/**
 * Reports documents that cannot be saved, and versions that were kept beside a document.
 *
 * The server saves live documents, so a page would not notice otherwise.
 */
export class DocumentNotices {
  constructor(
    private readonly _model: IAgents,
    private readonly _open: (path: string) => void,
    private readonly _panel: Pick<IAgentsPanel, 'isShown' | 'reveal'>,
    private readonly _trans: TranslationBundle,
    private readonly _memory: Pick<Storage, 'getItem' | 'setItem'>
  ) {}

  update(): void {
    const documents = this._model.server?.documents;
    if (!documents) {
      return;
    }
    const unsaved = new Map(documents.unsaved.map(d => [d.path, d.words]));
    for (const [path, shown] of this._unsaved) {
      if (unsaved.get(path) !== shown.words) {
        Notification.dismiss(shown.id);
        this._unsaved.delete(path);
      }
    }
    for (const [path, words] of unsaved) {
      if (!this._unsaved.has(path)) {
        // JupyterLab shows 140 characters, which hold the cause. The panel shows the rest.
        const id = Notification.emit(words, 'error', {
          autoClose: this._panel.isShown && BRIEF_MS,
          actions: [
            {
              label: this._trans.__('Show'),
              callback: () => this._panel.reveal()
            }
          ]
        });
        this._unsaved.set(path, { id, words });
      }
    }
    this._tellCopies(documents.copies);
  }

  /** Reports each copy once. A later copy may get the path of one that was deleted. */
  private _tellCopies(copies: readonly ICopy[]): void {
    const told = this._told();
    const listed = copies.map(({ copy }) => copy);
    if (JSON.stringify(listed) === JSON.stringify(told)) {
      return;
    }
    this._memory.setItem(TOLD, JSON.stringify(listed));
    for (const copy of copies) {
      const known = told.indexOf(copy.copy);
      if (known < 0) {
        this._tell(copy);
      } else {
        told.splice(known, 1);
      }
    }
  }

  private _tell(copy: ICopy): void {
    const words = this._trans.__(
      'Another version of %1 is in %2: %3.',
      PathExt.basename(copy.path),
      copy.copy,
      copy.why
    );
    Notification.emit(words, 'warning', {
      autoClose: false,
      actions: [
        {
          label: this._trans.__('Open the other version'),
          displayType: 'accent',
          callback: () => this._open(copy.copy)
        }
      ]
    });
  }

  private _told(): string[] {
    try {
      const found: unknown = JSON.parse(this._memory.getItem(TOLD) ?? '[]');
      return Array.isArray(found) ? found.map(String) : [];
    } catch {
      return [];
    }
  }

  private readonly _unsaved = new Map<string, { id: string; words: string }>();
}

/** The notice about a document that is not saved. */
export function unsavedWords(words: string, trans: TranslationBundle): string {
  return trans.__(
    '%1 The changes are in the open document. The server keeps trying to save them.',
    words
  );
}
