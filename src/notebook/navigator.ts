import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { Cell } from '@jupyterlab/cells';
import type {
  INotebookTracker,
  Notebook,
  NotebookPanel
} from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';

import type { ICall, INavigator } from '../tokens';

/** Finds and reveals the target of a call in the notebooks of the page. */
export class NotebookNavigator implements INavigator {
  constructor(
    app: JupyterFrontEnd,
    private readonly _tracker: INotebookTracker | null
  ) {
    this._app = app;
    this._contents = app.serviceManager.contents;
  }

  get currentPath(): string | null {
    const panel = this._tracker?.currentWidget;
    return panel ? serverPath(this._contents, panel) : null;
  }

  async show(call: ICall): Promise<void> {
    const { path, cellIds } = call.target;
    if (path === null) {
      return;
    }
    const panel = this._find(path) ?? (await this._open(path));
    if (!panel) {
      return;
    }
    this._app.shell.activateById(panel.id);
    await panel.context.ready;
    await panel.revealed;
    const index = cellIndex(panel.content, cellIds);
    if (index >= 0) {
      panel.content.activeCellIndex = index;
      await panel.content.scrollToItem(index, 'smart');
    }
  }

  private _find(path: string): NotebookPanel | undefined {
    return this._tracker?.find(
      panel => serverPath(this._contents, panel) === path
    );
  }

  private async _open(path: string): Promise<NotebookPanel | undefined> {
    await this._app.commands.execute('docmanager:open', { path });
    return this._find(path);
  }

  private readonly _app: JupyterFrontEnd;
  private readonly _contents: Contents.IManager;
}

/** The path as the server knows it, without the drive prefix that collaboration adds. */
export function serverPath(
  contents: Contents.IManager,
  panel: NotebookPanel
): string {
  return contents.localPath(panel.context.path);
}

function cellIndex(notebook: Notebook, ids: readonly string[]): number {
  return notebook.widgets.findIndex((cell: Cell) =>
    ids.includes(cell.model.id)
  );
}
