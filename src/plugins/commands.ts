import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { ITranslator } from '@jupyterlab/translation';

import { agentsIcon } from '../icons';
import { IAgents, IAgentsPanel } from '../tokens';
import { translations } from '../translations';

/** The commands. None of them allows anything, creates a token or loosens a mode. */
export const CommandIDs = {
  show: 'jmcp-lab:show-panel',
  showRequest: 'jmcp-lab:show-request',
  stopAll: 'jmcp-lab:stop-all'
};

/** Commands to find the panel and to stop agents; menu and keys are in `schema/commands.json`. */
export const commandsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jmcp-lab:commands',
  description: 'Commands to show the agents and to stop them.',
  autoStart: true,
  requires: [IAgents, IAgentsPanel],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    model: IAgents,
    panel: IAgentsPanel,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ): void => {
    const trans = translations(translator);
    const { commands } = app;
    commands.addCommand(CommandIDs.show, {
      label: trans.__('Agents'),
      caption: trans.__('Show the agents connected to this server'),
      icon: agentsIcon,
      execute: () => panel.reveal(),
      describedBy: { args: { type: 'object', properties: {} } }
    });
    commands.addCommand(CommandIDs.showRequest, {
      label: trans.__('Show the First Request of an Agent'),
      caption: trans.__('Show what an agent asks you to allow'),
      isEnabled: () => model.waiting.length > 0,
      execute: () => panel.revealRequest(),
      describedBy: { args: { type: 'object', properties: {} } }
    });
    commands.addCommand(CommandIDs.stopAll, {
      label: trans.__('Stop All Agents'),
      caption: trans.__(
        'Pause all agents, deny their requests and interrupt their runs'
      ),
      isEnabled: () => model.agents.length > 0,
      execute: async () => {
        try {
          await model.stopAll();
          Notification.emit(trans.__('All agents are stopped.'), 'info', {
            autoClose: 5000
          });
        } catch (reason) {
          const words = reason instanceof Error ? reason.message : '';
          Notification.emit(
            trans.__('The agents could not be stopped. %1', words),
            'error',
            { autoClose: false }
          );
        }
      },
      describedBy: { args: { type: 'object', properties: {} } }
    });
    model.changed.connect(() => {
      commands.notifyCommandChanged(CommandIDs.showRequest);
      commands.notifyCommandChanged(CommandIDs.stopAll);
    });
    for (const command of Object.values(CommandIDs)) {
      palette?.addItem({ command, category: trans.__('Agents') });
    }
  }
};
