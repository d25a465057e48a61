import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator } from '@jupyterlab/translation';

import { RequestToast, ToastHabit } from '../notify/toast';
import { IAgents, IAgentsPanel } from '../tokens';
import { TitleCount } from '../notify/titleCount';
import { translations } from '../translations';

const PLUGIN_ID = 'jmcp-lab:notifications';

/** Reports waiting requests while the panel is hidden: by a toast and in the title of the page. */
export const notificationsPlugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Announces requests that wait while the panel is not visible.',
  autoStart: true,
  requires: [IAgents, IAgentsPanel],
  optional: [ITranslator, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    model: IAgents,
    panel: IAgentsPanel,
    translator: ITranslator | null,
    settings: ISettingRegistry | null
  ): void => {
    const trans = translations(translator);
    const title = new TitleCount(document);
    const toast = new RequestToast(model, panel, trans);
    let counts = true;
    const update = () => {
      title.count = counts ? model.needsYou.length : 0;
      toast.update();
    };
    const start = async () => {
      try {
        const loaded = await settings?.load(PLUGIN_ID);
        const read = () => {
          toast.habit =
            (loaded?.get('notify').composite as ToastHabit) ?? 'hidden';
          counts = (loaded?.get('countInTitle').composite as boolean) ?? true;
          update();
        };
        loaded?.changed.connect(read);
        read();
      } catch (reason) {
        console.warn('The settings of jmcp_lab could not be read.', reason);
      }
      panel.toast = toast;
      model.changed.connect(update);
      panel.shownChanged.connect(update);
      document.addEventListener('visibilitychange', update);
      update();
    };
    // Before the layout is restored, a toast would report requests that the panel is about to show.
    // Do not await this: the layout is restored only after every plugin has been activated.
    void app.restored.then(start);
  }
};
