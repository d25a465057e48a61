import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator } from '@jupyterlab/translation';

import { CommandButtons } from '../notebook/commandButtons';
import { OutputTrust } from '../notebook/outputTrust';
import { IAgents } from '../tokens';
import { translations } from '../translations';

/** Makes plots and widgets of an allowed run work as after a run by hand. */
export const trustPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jmcp-lab:trust',
  description:
    'Trusts the outputs of runs that the user allowed, and asks before buttons that others wrote run commands.',
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
      const { contents } = app.serviceManager;
      new OutputTrust(model, tracker, contents, trans).start();
      new CommandButtons(tracker, app.commands, trans).start();
    }
  }
};
