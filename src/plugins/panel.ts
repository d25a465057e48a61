import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Announcements } from '../notify/announcements';
import { LiveRegion } from '../notify/liveRegion';
import { NotebookNavigator } from '../notebook/navigator';
import { AgentsPanel, PANEL_ID } from '../panel/panel';
import { IAgents, IAgentsPanel } from '../tokens';

/** The place of the panel among the tabs of the right sidebar. */
const RANK = 600;

/** Puts the panel into the right sidebar. */
export const panelPlugin: JupyterFrontEndPlugin<IAgentsPanel> = {
  id: 'jmcp-lab:panel',
  description: 'The sidebar panel that shows AI agents and their requests.',
  autoStart: true,
  requires: [IAgents],
  optional: [
    ITranslator,
    ILayoutRestorer,
    INotebookTracker,
    IEditorLanguageRegistry
  ],
  provides: IAgentsPanel,
  activate: (
    app: JupyterFrontEnd,
    model: IAgents,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null,
    tracker: INotebookTracker | null,
    languages: IEditorLanguageRegistry | null
  ): IAgentsPanel => {
    const language = translator ?? nullTranslator;
    const trans = language.load('jmcp_lab');
    const region = new LiveRegion(document);
    const say = (words: string) => region.say(words);
    const panel = new AgentsPanel({
      model,
      trans,
      say,
      locale: intlLocale(language),
      navigator: new NotebookNavigator(app, tracker),
      languages,
      shell: app.shell
    });
    new Announcements(model, trans, say, () => panel.toast);
    app.shell.add(panel, 'right', { rank: RANK, type: 'Agents' });
    restorer?.add(panel, PANEL_ID);
    return panel;
  }
};

/**
 * JupyterLab writes `fr_FR` where `Intl` expects `fr-FR`. English keeps the browser's own formats.
 */
function intlLocale(translator: ITranslator): string | undefined {
  const code = translator.languageCode.replace('_', '-');
  return code === 'en' || code === '' ? undefined : code;
}
