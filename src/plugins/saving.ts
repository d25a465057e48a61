import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IDefaultDrive } from '@jupyterlab/services';
import type { Contents } from '@jupyterlab/services';
import { INotebookTracker } from '@jupyterlab/notebook';

import { FileCheck } from '../fileCheck';

/** Lets a person save while the server saves what agents do. */
export const savingPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jmcp-lab:saving',
  description:
    'Waits for news of a file before JupyterLab asks whether to overwrite it.',
  autoStart: true,
  requires: [IDefaultDrive],
  optional: [INotebookTracker],
  activate: (
    app: JupyterFrontEnd,
    drive: Contents.IDrive,
    tracker: INotebookTracker | null
  ): void => {
    if (tracker) {
      new FileCheck(tracker, app.serviceManager.contents, drive).start();
    }
  }
};
