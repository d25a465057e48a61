import type { Cell } from '@jupyterlab/cells';
import type { Notebook } from '@jupyterlab/notebook';

/** How long cells that were inserted may still grow: JupyterLab draws them when it is idle. */
const SETTLES_MS = 30_000;

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
        this._seen.push(seen);
      }
    }
    // A cell whose beginning is out of sight may grow there: better one that is seen from its top.
    const rank = (seen: { cell: Cell; top: number }) =>
      seen.cell === first ? 0 : seen.top >= 0 ? 1 : 2;
    this._seen.sort((one, other) => rank(one) - rank(other));
  }

  /**
   * Keep what is on the screen where it is, while cells around it find their height.
   *
   * @returns What ends it; the person does as well, by scrolling, clicking or typing.
   */
  hold(): () => void {
    if (this._seen.length === 0) {
      return () => undefined;
    }
    const { outerNode, viewportNode } = this._notebook;
    const correct = () => this._correct();
    const observer = new ResizeObserver(correct);
    const end = () => {
      outerNode.removeEventListener('scroll', correct);
      window.clearTimeout(timer);
      observer.disconnect();
      for (const kind of ENDS) {
        window.removeEventListener(kind, end, true);
      }
    };
    const timer = window.setTimeout(end, SETTLES_MS);
    for (const kind of ENDS) {
      window.addEventListener(kind, end, true);
    }
    observer.observe(viewportNode);
    // A person's scrolling begins with one of the above: what comes without is not theirs.
    outerNode.addEventListener('scroll', correct);
    this._correct();
    // What is attached in the next frame may leave the height of the whole as it was.
    requestAnimationFrame(correct);
    return end;
  }

  private _correct(): void {
    if (this._notebook.isDisposed) {
      return;
    }
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
