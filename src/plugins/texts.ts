import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';

import { OpenTexts } from '../files/openTexts';
import { IOpenTexts } from '../tokens';

/** Knows which text files are open. */
export const textsPlugin: JupyterFrontEndPlugin<IOpenTexts> = {
  id: 'jmcp-lab:texts',
  description: 'Knows which text files are open in editors.',
  autoStart: true,
  provides: IOpenTexts,
  activate: (app: JupyterFrontEnd) => new OpenTexts(app.docRegistry)
};
