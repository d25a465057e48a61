import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { INotebookTracker } from '@jupyterlab/notebook';

import { FileFollower } from '../files/fileFollower';
import { IAgents, IOpenTexts } from '../tokens';

/** Loads at once what agents write into the files of open documents that are not live. */
export const filesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jmcp-lab:files',
  description:
    'Keeps open documents in step with their files where live documents are off.',
  autoStart: true,
  requires: [IAgents],
  optional: [INotebookTracker, IOpenTexts, IDocumentManager],
  activate: (
    app: JupyterFrontEnd,
    model: IAgents,
    tracker: INotebookTracker | null,
    texts: IOpenTexts | null,
    documents: IDocumentManager | null
  ): void => {
    const { contents } = app.serviceManager;
    new FileFollower(model, tracker, texts, contents, documents).start();
  }
};
