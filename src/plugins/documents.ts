import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ITranslator } from '@jupyterlab/translation';

import { DocumentNotices } from '../notify/documentNotices';
import { IAgents, IAgentsPanel } from '../tokens';
import { translations } from '../translations';

/** Reports open documents that the server cannot save, or of which it kept two versions. */
export const documentsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jmcp-lab:documents',
  description:
    'Reports documents that cannot be saved, and versions that were kept.',
  autoStart: true,
  requires: [IAgents, IAgentsPanel],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: IAgents,
    panel: IAgentsPanel,
    translator: ITranslator | null
  ): void => {
    const notices = new DocumentNotices(
      model,
      path => void app.commands.execute('docmanager:open', { path }),
      panel,
      translations(translator),
      window.localStorage
    );
    void app.restored.then(() => {
      model.changed.connect(() => notices.update());
      notices.update();
    });
  }
};
