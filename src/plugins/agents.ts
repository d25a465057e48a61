import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';

import { AgentsApi } from '../api';
import { AgentsModel } from '../model';
import { IAgents } from '../tokens';

/** Keeps the page's copy of the agents and their calls. */
export const agentsPlugin: JupyterFrontEndPlugin<IAgents> = {
  id: 'jmcp-lab:agents',
  description: 'Provides the AI agents connected to this server.',
  autoStart: true,
  provides: IAgents,
  activate: (app: JupyterFrontEnd): IAgents =>
    new AgentsModel({
      api: new AgentsApi(app.serviceManager.serverSettings),
      events: app.serviceManager.events.stream
    })
};
