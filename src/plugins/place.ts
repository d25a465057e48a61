import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import type { YNotebook } from '@jupyter/ydoc';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator } from '@jupyterlab/translation';

import { CaretTeller } from '../notebook/caret';
import { watchPanels } from '../notebook/panels';
import { PlaceKeeper } from '../notebook/place';
import { UndoHistories } from '../notebook/undoHistory';
import { translations } from '../translations';

/** Keeps caret, focus, selection, scroll position and undo history while others rearrange cells. */
export const placePlugin: JupyterFrontEndPlugin<void> = {
  id: 'jmcp-lab:place',
  description:
    'Keeps the place of the user in a notebook while agents insert, delete and move cells.',
  autoStart: true,
  optional: [INotebookTracker, ITranslator],
  activate: (
    _app: JupyterFrontEnd,
    tracker: INotebookTracker | null,
    translator: ITranslator | null
  ): void => {
    if (!tracker) {
      return;
    }
    const trans = translations(translator);
    watchPanels(tracker, panel => {
      new PlaceKeeper(panel.content, trans);
      followHistories(panel);
    });
    new CaretTeller(tracker).start();
  }
};

function followHistories(panel: NotebookPanel): void {
  const shared = panel.content.model?.sharedModel as YNotebook | undefined;
  if (shared) {
    const histories = new UndoHistories(shared);
    histories.update();
    shared.changed.connect((_, change) => {
      if (change.cellsChange) {
        histories.update();
      }
    });
  }
}
