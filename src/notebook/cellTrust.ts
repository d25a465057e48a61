import { CodeCellModel, ICellModel } from '@jupyterlab/cells';
import type { Signal } from '@lumino/signaling';

/**
 * Set whether the scripts in a cell's outputs may run, without changing the document.
 *
 * JupyterLab 4.6 recreates the model of each output when the trust of its cell changes. It then
 * does two things that are harmless only for finished outputs in a single window:
 *
 * - It writes each new model into the shared document as if a person had replaced the output. What
 *   the server appends to the old one at that moment is lost, and two windows that do it at once
 *   duplicate every output.
 * - The output area keeps listening to the text of the old models: a stream that grows afterwards
 *   is in the document and in the model, but is never drawn.
 */
export function setTrust(cell: ICellModel, trusted: boolean): void {
  if (cell.trusted === trusted) {
    return;
  }
  if (!(cell instanceof CodeCellModel)) {
    cell.trusted = trusted;
    return;
  }
  const shared = cell.sharedModel;
  const own = { value: () => undefined, configurable: true };
  Object.defineProperty(shared, 'updateOutputs', own);
  try {
    cell.trusted = trusted;
  } finally {
    // Remove the override: the method of the class applies again.
    Reflect.deleteProperty(shared, 'updateOutputs');
  }
  for (let index = 0; index < cell.outputs.length; index++) {
    redrawWithItsText(cell, cell.outputs.get(index));
  }
}

type OutputModel = ReturnType<CodeCellModel['outputs']['get']>;

function redrawWithItsText(cell: CodeCellModel, output: OutputModel): void {
  output.streamText?.changed.connect(() => {
    const { outputs } = cell;
    for (let index = 0; index < outputs.length; index++) {
      if (outputs.get(index) === output) {
        // The model emits the same when an output changes in place. The drawing code listens to it;
        // the code that writes the document does not.
        (outputs.stateChanged as Signal<typeof outputs, number>).emit(index);
        return;
      }
    }
  });
}
