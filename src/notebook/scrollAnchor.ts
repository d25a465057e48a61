import type { Cell } from '@jupyterlab/cells';
import type { Notebook } from '@jupyterlab/notebook';

/** How long inserted cells may still grow: JupyterLab draws them when it is idle. */
const SETTLES_MS = 30_000;

/** Events that show that the person scrolls or types; from then on the page follows them. */
const ENDS = ['wheel', 'pointerdown', 'keydown', 'touchstart'] as const;

/** What a person looks at in a notebook: the visible cells and their positions. */
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
    // A cell whose top is out of sight may grow up there, so prefer one whose top is visible.
    const rank = (seen: { cell: Cell; top: number }) =>
      seen.cell === first ? 0 : seen.top >= 0 ? 1 : 2;
    this._seen.sort((one, other) => rank(one) - rank(other));
  }

  /**
   * Keep the visible cells in place while the cells around them get their height.
   *
   * @returns A function that ends it. Scrolling, clicking or typing ends it too.
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
    // A person's scrolling begins with one of these events; any other scrolling is not theirs.
    outerNode.addEventListener('scroll', correct);
    this._correct();
    // Cells attached in the next frame may leave the total height unchanged.
    requestAnimationFrame(correct);
    return end;
  }

  private _correct(): void {
    if (this._notebook.isDisposed) {
      return;
    }
    const { widgets, outerNode } = this._notebook;
    // A recreated cell may be elsewhere on purpose.
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
