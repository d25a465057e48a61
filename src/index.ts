import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { agentsPlugin } from './plugins/agents';
import { cellsPlugin } from './plugins/cells';
import { commandsPlugin } from './plugins/commands';
import { documentsPlugin } from './plugins/documents';
import { filesPlugin } from './plugins/files';
import { focusPlugin } from './plugins/focus';
import { notificationsPlugin } from './plugins/notifications';
import { otherPortsPlugin } from './plugins/otherPorts';
import { panelPlugin } from './plugins/panel';
import { placePlugin } from './plugins/place';
import { savingPlugin } from './plugins/saving';
import { statusPlugin } from './plugins/status';
import { textsPlugin } from './plugins/texts';
import { trustPlugin } from './plugins/trust';

export * from './tokens';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  agentsPlugin,
  panelPlugin,
  commandsPlugin,
  notificationsPlugin,
  statusPlugin,
  focusPlugin,
  cellsPlugin,
  placePlugin,
  savingPlugin,
  documentsPlugin,
  textsPlugin,
  filesPlugin,
  trustPlugin,
  otherPortsPlugin
];

export default plugins;
