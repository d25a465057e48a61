import type { YCodeCell, YNotebook } from '@jupyter/ydoc';

import { caretOf } from './caret';

/** The cells in which something goes on in this page, by their ids. */
export interface IHeldCells {
  /** Those with the caret. */
  readonly editing: string[];
  /** Those that run, or wait for their turn. */
  readonly running: string[];
}

/** The cells of a notebook which nobody else may make anew: caret, or outputs, would be lost. */
export function heldCells(shared: YNotebook): IHeldCells {
  const caret = caretOf(shared);
  const running = (shared.cells as YCodeCell[]).filter(
    cell => cell.executionState === 'running'
  );
  return {
    editing: caret === null ? [] : [caret],
    running: running.map(cell => cell.getId())
  };
}

/** Call back whenever other cells may be held than before. */
export function onHeld(shared: YNotebook, changed: () => void): void {
  shared.awareness.on('change', changed);
  shared.ydoc.getArray('cells').observeDeep(events => {
    if (events.some(event => event.keys.has('execution_state'))) {
      changed();
    }
  });
}
