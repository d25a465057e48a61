import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';

import { AgentsApi } from '../api/api';
import { watchConnection } from '../api/connectionEnd';
import { AgentsModel } from '../model/model';
import { IAgents } from '../tokens';

/** Keeps the page's copy of the agents and their calls. */
export const agentsPlugin: JupyterFrontEndPlugin<IAgents> = {
  id: 'jmcp-lab:agents',
  description: 'Provides the AI agents connected to this server.',
  autoStart: true,
  provides: IAgents,
  activate: (app: JupyterFrontEnd): IAgents => {
    const { events, serverSettings } = app.serviceManager;
    const model = new AgentsModel({
      api: new AgentsApi(serverSettings),
      events: events.stream
    });
    watchConnection(events, () => void model.refresh());
    return model;
  }
};
