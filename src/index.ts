import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

const panel: JupyterFrontEndPlugin<void> = {
  id: 'jmcp-lab:panel',
  description: 'The Agents panel in the sidebar.',
  autoStart: true,
  activate: () => undefined
};

const plugins: JupyterFrontEndPlugin<void>[] = [panel];

export default plugins;
