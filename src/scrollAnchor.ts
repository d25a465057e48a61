import type { Cell } from '@jupyterlab/cells';
import type { Notebook } from '@jupyterlab/notebook';

/** For how many frames cells that were inserted may still grow. */
const FRAMES = 30;

/** What shows that the person scrolls or types: the page follows them from then on. */
const ENDS = ['wheel', 'pointerdown', 'keydown', 'touchstart'] as const;

/** What a person looks at in a notebook: its cells on the screen, and how high they are. */
export class ScrollAnchor {
  constructor(
    private readonly _notebook: Notebook,
    first: Cell | null
  ) {
    if (!_notebook.isVisible) {
      return;
    }
    const { top, bottom } = _notebook.outerNode.getBoundingClientRect();
    for (const cell of _notebook.widgets) {
      const box = cell.node.getBoundingClientRect();
      if (box.top >= bottom) {
        break;
      }
      if (box.bottom > top && box.height > 0) {
        const seen = { cell, top: box.top - top };
        if (cell === first) {
          this._seen.unshift(seen);
        } else {
          this._seen.push(seen);
        }
      }
    }
  }

  /** Keep what is on the screen where it is, while cells around it find their height. */
  hold(): void {
    if (this._seen.length === 0) {
      return;
    }
    let left = FRAMES;
    const end = () => {
      left = 0;
      for (const kind of ENDS) {
        window.removeEventListener(kind, end, true);
      }
    };
    for (const kind of ENDS) {
      window.addEventListener(kind, end, true);
    }
    const step = () => {
      if (left <= 0 || this._notebook.isDisposed) {
        end();
        return;
      }
      left -= 1;
      this._correct();
      requestAnimationFrame(step);
    };
    step();
  }

  private _correct(): void {
    const { widgets, outerNode } = this._notebook;
    // One that was made anew may be elsewhere on purpose.
    const stayed = this._seen.find(each => widgets.includes(each.cell));
    if (!stayed) {
      return;
    }
    const { top } = outerNode.getBoundingClientRect();
    const moved =
      stayed.cell.node.getBoundingClientRect().top - top - stayed.top;
    if (Math.abs(moved) >= 1) {
      outerNode.scrollTop += moved;
    }
  }

  private readonly _seen: { cell: Cell; top: number }[] = [];
}
