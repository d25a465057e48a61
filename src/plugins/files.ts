import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { INotebookTracker } from '@jupyterlab/notebook';

import { FileFollower } from '../fileFollower';
import { IAgents } from '../tokens';

/** Shows at once what agents write into the files of open notebooks that are not live. */
export const filesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jmcp-lab:files',
  description:
    'Keeps open notebooks one with their files where live documents are off.',
  autoStart: true,
  requires: [IAgents],
  optional: [INotebookTracker, IDocumentManager],
  activate: (
    app: JupyterFrontEnd,
    model: IAgents,
    tracker: INotebookTracker | null,
    documents: IDocumentManager | null
  ): void => {
    if (tracker) {
      const { contents } = app.serviceManager;
      new FileFollower(model, tracker, contents, documents).start();
    }
  }
};
