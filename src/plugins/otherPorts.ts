import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ISanitizer } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { guardOtherPorts } from '../otherPorts';

/** Keeps the login of the page from programs that listen on other ports. */
export const otherPortsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jmcp-lab:other-ports',
  description: 'Keeps what is not trusted from fetching from other ports.',
  autoStart: true,
  requires: [ISanitizer],
  optional: [ITranslator],
  activate: (
    _: JupyterFrontEnd,
    sanitizer: ISanitizer,
    translator: ITranslator | null
  ): void => {
    guardOtherPorts(sanitizer, (translator ?? nullTranslator).load('jmcp_lab'));
  }
};
