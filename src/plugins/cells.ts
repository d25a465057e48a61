import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator } from '@jupyterlab/translation';

import { CellMarks } from '../notebook/cellMarks';
import { IAgents } from '../tokens';
import { translations } from '../translations';

/** Marks the cells that an agent works on or has just changed. */
export const cellsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jmcp-lab:cells',
  description: 'Marks the cells that an agent runs or has just changed.',
  autoStart: true,
  requires: [IAgents],
  optional: [INotebookTracker, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: IAgents,
    tracker: INotebookTracker | null,
    translator: ITranslator | null
  ): void => {
    if (tracker) {
      const trans = translations(translator);
      new CellMarks(model, tracker, app.serviceManager.contents, trans).start();
    }
  }
};
