import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { UseSignal } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { IAgentsPanel } from 'jmcp-lab';
import * as React from 'react';

/** How many words the Markdown cells of the notebook in front have. */
function wordsIn(tracker: INotebookTracker): number {
  const cells = tracker.currentWidget?.content.model?.cells ?? [];
  return [...cells]
    .filter(cell => cell.type === 'markdown')
    .map(cell => cell.sharedModel.getSource().split(/\s+/).filter(Boolean))
    .reduce((sum, words) => sum + words.length, 0);
}

/** Adds a section below those of the agents panel. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jmcp-lab-word-count:section',
  description: 'Shows in the agents panel how many words the notebook has.',
  autoStart: true,
  requires: [IAgentsPanel, INotebookTracker],
  optional: [ITranslator],
  activate: (
    _app: JupyterFrontEnd,
    panel: IAgentsPanel,
    tracker: INotebookTracker,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('jmcp_lab_word_count');
    panel.addSection({
      id: 'jmcp-lab-word-count:section',
      title: trans.__('Words'),
      folded: true,
      render: () => (
        <UseSignal signal={tracker.currentChanged}>
          {() => <p>{trans._n('%1 word', '%1 words', wordsIn(tracker))}</p>}
        </UseSignal>
      )
    });
  }
};

export default plugin;
