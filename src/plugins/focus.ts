import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';

import { FocusReporter } from '../focusReporter';
import { IAgents } from '../tokens';

/** Tells the server what the person looks at, so that an agent can be asked about "this cell". */
export const focusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jmcp-lab:focus',
  description:
    'Reports the notebook, cell and selection that the user looks at.',
  autoStart: true,
  requires: [IAgents],
  optional: [INotebookTracker],
  activate: (
    app: JupyterFrontEnd,
    model: IAgents,
    tracker: INotebookTracker | null
  ): void => {
    const reporter = new FocusReporter(
      model,
      tracker,
      app.serviceManager.contents
    );
    void app.restored.then(() => reporter.start());
  }
};
