import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { YNotebook } from '@jupyter/ydoc';
import { watchPanels } from './panels';

/** Field of this page's presence that names the edited cell. */
const FIELD = 'jmcpCaret';

/** How long a caret still holds its cell after the last key or click. */
export const IDLE_MS = 10 * 60_000;

/** How often to check whether that time has passed. */
const LOOK_MS = 30_000;

/** Events that show that the person is present. */
const SIGNS = ['keydown', 'pointerdown', 'input'] as const;

/** The cell that is being edited in this page, by its id. */
export function caretOf(shared: YNotebook): string | null {
  const caret: unknown = shared.awareness.getLocalState()?.[FIELD];
  return typeof caret === 'string' ? caret : null;
}

/**
 * Publishes the cell with the caret to everybody who has the notebook open.
 *
 * Presence uses the same connection as typed text, so the server knows about the caret as soon as
 * it receives the first letter.
 */
export class CaretTeller {
  constructor(private readonly _tracker: INotebookTracker) {}

  start(): void {
    watchPanels(this._tracker, panel => this._watch(panel));
  }

  private _watch(panel: NotebookPanel): void {
    const { content } = panel;
    // A new notebook opens with its cell in edit mode, although nobody has touched it yet.
    let last = -Infinity;
    let said: string | null = null;
    let due = false;
    let left = false;
    const say = () => {
      due = false;
      const shared = content.model?.sharedModel as YNotebook | undefined;
      if (panel.isDisposed || !shared) {
        return;
      }
      const held =
        !left && content.mode === 'edit' && Date.now() - last < IDLE_MS;
      const cell = held ? (content.activeCell?.model.id ?? null) : null;
      if (cell !== said) {
        said = cell;
        shared.awareness.setLocalStateField(FIELD, cell);
      }
    };
    // Publish once for all that one change of the notebook does to the active cell.
    const saySoon = () => {
      if (!due) {
        due = true;
        queueMicrotask(say);
      }
    };
    content.stateChanged.connect(saySoon);
    content.activeCellChanged.connect(saySoon);
    const onSign = () => {
      last = Date.now();
      saySoon();
    };
    for (const sign of SIGNS) {
      content.node.addEventListener(sign, onSign, true);
    }
    // Closing the page ends the presence at once; a lost connection is noticed only after a while.
    const leave = (event: Event) => {
      left = event.type === 'pagehide';
      say();
    };
    window.addEventListener('pagehide', leave);
    window.addEventListener('pageshow', leave);
    const timer = window.setInterval(say, LOOK_MS);
    panel.disposed.connect(() => {
      window.clearInterval(timer);
      window.removeEventListener('pagehide', leave);
      window.removeEventListener('pageshow', leave);
    });
  }
}
