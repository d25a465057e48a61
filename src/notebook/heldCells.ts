import type { YCodeCell, YNotebook } from '@jupyter/ydoc';

import { caretOf } from './caret';

/** Ids of the cells in which something happens in this page. */
export interface IHeldCells {
  /** Cells with the caret. */
  readonly editing: string[];
  /** Cells that run or wait for their turn. */
  readonly running: string[];
}

/** Cells that nobody else may recreate: that would lose their caret or their outputs. */
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

/** Call back whenever the held cells may have changed. */
export function onHeld(shared: YNotebook, changed: () => void): void {
  shared.awareness.on('change', changed);
  shared.ydoc.getArray('cells').observeDeep(events => {
    if (events.some(event => event.keys.has('execution_state'))) {
      changed();
    }
  });
}
