import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ReactWidget, UseSignal } from '@jupyterlab/apputils';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator } from '@jupyterlab/translation';
import * as React from 'react';

import { StatusItem } from '../panel/components/StatusItem';
import { IAgents, IAgentsPanel } from '../tokens';
import { translations } from '../translations';

/** Shows in the status bar how many agents are connected or wait. Notebook 7 has no status bar. */
export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jmcp-lab:status',
  description: 'Shows in the status bar how many agents are connected or wait.',
  autoStart: true,
  requires: [IAgents, IAgentsPanel],
  optional: [ITranslator, IStatusBar],
  activate: (
    _app: JupyterFrontEnd,
    model: IAgents,
    panel: IAgentsPanel,
    translator: ITranslator | null,
    statusBar: IStatusBar | null
  ): void => {
    if (!statusBar) {
      return;
    }
    const trans = translations(translator);
    const item = ReactWidget.create(
      <UseSignal signal={model.changed}>
        {() => <StatusItem model={model} panel={panel} trans={trans} />}
      </UseSignal>
    );
    item.addClass('jp-mod-highlighted');
    statusBar.registerStatusItem('jmcp-lab:status', {
      item,
      align: 'right',
      rank: 100,
      isActive: () => model.agents.length > 0 || model.waiting.length > 0,
      activeStateChanged: model.changed
    });
  }
};
