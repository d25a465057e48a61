import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ISanitizer } from '@jupyterlab/apputils';
import { ITranslator } from '@jupyterlab/translation';

import { OtherPortLinks } from '../notebook/otherPortLinks';
import { guardOtherPorts } from '../notebook/otherPorts';
import { IAgents } from '../tokens';
import { translations } from '../translations';

/** Keeps the login of the page from programs that listen on other ports. */
export const otherPortsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jmcp-lab:other-ports',
  description:
    'Stops untrusted content from loading from other ports, and asks before it follows links to them.',
  autoStart: true,
  requires: [ISanitizer],
  optional: [IAgents, ITranslator],
  activate: (
    _: JupyterFrontEnd,
    sanitizer: ISanitizer,
    model: IAgents | null,
    translator: ITranslator | null
  ): void => {
    const trans = translations(translator);
    guardOtherPorts(sanitizer, trans);
    if (model) {
      new OtherPortLinks(() => model.agents.length > 0, trans).start();
    }
  }
};
