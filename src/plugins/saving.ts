import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IDefaultDrive } from '@jupyterlab/services';
import type { Contents } from '@jupyterlab/services';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator } from '@jupyterlab/translation';

import { FileCheck } from '../files/saveGuard';
import { SaveAs } from '../files/saveAs';
import { IAgents } from '../tokens';
import { translations } from '../translations';

/** Makes Save and Save As work for a person while the server saves what agents do. */
export const savingPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jmcp-lab:saving',
  description:
    'Lets the user save without needless questions while agents work.',
  autoStart: true,
  requires: [IDefaultDrive, IAgents],
  optional: [INotebookTracker, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    drive: Contents.IDrive,
    model: IAgents,
    tracker: INotebookTracker | null,
    translator: ITranslator | null
  ): void => {
    if (tracker) {
      const trans = translations(translator);
      const { contents } = app.serviceManager;
      new SaveAs(model, tracker, contents, trans).start();
      new FileCheck(tracker, contents, drive).start();
    }
  }
};
