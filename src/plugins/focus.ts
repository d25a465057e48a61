import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { INotebookTracker } from '@jupyterlab/notebook';

import { FocusReporter } from '../notebook/focusReporter';
import { IAgents, IOpenTexts } from '../tokens';

/** Tells the server what the person looks at, so that an agent can be asked about "this cell". */
export const focusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jmcp-lab:focus',
  description:
    'Reports the notebook, cell and selection that the user looks at.',
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
    const reporter = new FocusReporter(
      model,
      tracker,
      texts,
      app.serviceManager.contents,
      documents
    );
    void app.restored.then(() => reporter.start());
  }
};
