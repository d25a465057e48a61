import type { IMapChange } from '@jupyter/ydoc';
import { Cell, CodeCell, ICellModel } from '@jupyterlab/cells';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { PanelLayout, Widget } from '@lumino/widgets';

import { setTrust } from './cellTrust';
import { isOnTop } from '../panel/clickGuard';
import { serverPath } from './navigator';
import type { IAgents, ICall } from '../tokens';
import { watchPanels } from './panels';

/** Key in a cell's metadata under which JupyterLab keeps its trust. */
const TRUSTED = 'trusted';

/** HTML that does nothing without its scripts. */
const SCRIPTED =
  /<(?:script|iframe|object|embed|form)\b|\son[a-z]+\s*=|javascript:/i;

/** Types of output that JupyterLab draws in full only if it trusts them. */
const SCRIPTS = /javascript|svg\+xml|^application\/vnd\.(?!jupyter\.widget)/;

/**
 * Keeps the trust of cells in line with what the server says about a run.
 *
 * JupyterLab reads `trusted` from the shared document only when it creates a cell. The server sets
 * it when a run begins, after it has removed the old outputs; this class applies it to open
 * notebooks. Other editors of the document could write it too, so a cell is trusted only if the
 * panel's own state has an allowed run of it.
 */
export class OutputTrust {
  constructor(
    private readonly _model: IAgents,
    private readonly _tracker: INotebookTracker,
    private readonly _contents: Contents.IManager,
    private readonly _trans: TranslationBundle
  ) {}

  start(): void {
    this._model.changed.connect(this._updateAll, this);
    watchPanels(this._tracker, panel => void this._watch(panel));
  }

  private async _watch(panel: NotebookPanel): Promise<void> {
    await panel.context.ready;
    const cells = panel.content.model?.cells;
    if (!cells || panel.isDisposed) {
      return;
    }
    const watchCell = (cell: ICellModel) => {
      this._panels.set(cell, panel);
      cell.metadataChanged.connect(this._onMetadata, this);
    };
    [...cells].forEach(watchCell);
    cells.changed.connect((_, change) => change.newValues.forEach(watchCell));
    panel.content.modelContentChanged.connect(() => this._offerSoon(panel));
    panel.content.cellInViewportChanged.connect((_, cell) => this._offer(cell));
    this._updatePanel(panel);
  }

  private _onMetadata(cell: ICellModel, change: IMapChange): void {
    const panel = this._panels.get(cell);
    if (change.key === TRUSTED && panel && !panel.isDisposed) {
      this._follow(cell, panel);
    }
  }

  /** Apply a new state of the server, most of which has nothing to do with trust. */
  private _updateAll(): void {
    const rule = this._model.server?.trustOutputs;
    const allowed = this._model.calls.filter(isAllowedRun).map(call => call.id);
    if (rule !== this._rule || allowed.some(id => !this._allowed.has(id))) {
      this._tracker.forEach(panel => this._updatePanel(panel));
    }
    this._rule = rule;
    this._allowed = new Set(allowed);
  }

  private _updatePanel(panel: NotebookPanel): void {
    if (panel.isDisposed || !panel.content.model) {
      return;
    }
    for (const cell of panel.content.model.cells) {
      this._follow(cell, panel);
    }
    this._offerSoon(panel);
  }

  /** Apply the trust in the document to the cells of the page. */
  private _follow(cell: ICellModel, panel: NotebookPanel): void {
    if (cell.type !== 'code') {
      return;
    }
    const said: unknown = cell.getMetadata(TRUSTED);
    if (said === true && !cell.trusted) {
      if (this._wasAllowed(cell.id, serverPath(this._contents, panel))) {
        setTrust(cell, true);
      }
    } else if (said === false && cell.trusted && this._never) {
      setTrust(cell, false);
    }
  }

  private get _never(): boolean {
    return this._model.server?.trustOutputs === 'never';
  }

  private _wasAllowed(id: string, path: string): boolean {
    return (
      this._model.server?.trustOutputs === 'allowed' &&
      this._model.calls.some(
        call =>
          isAllowedRun(call) &&
          call.target.path === path &&
          call.target.cellIds.includes(id)
      )
    );
  }

  /** Update once for a burst of outputs. */
  private _offerSoon(panel: NotebookPanel): void {
    if (this._due.has(panel) || !(this._never || this._offers.size > 0)) {
      return;
    }
    this._due.add(panel);
    window.setTimeout(() => {
      this._due.delete(panel);
      if (!panel.isDisposed) {
        panel.content.widgets.forEach(cell => this._offer(cell));
      }
    }, 100);
  }

  /** Show the button on a cell that would show more if it were trusted. */
  private _offer(cell: Cell): void {
    const offer = this._offers.get(cell);
    if (cell.isDisposed || !this._never || !holdsBack(cell)) {
      offer?.dispose();
      return;
    }
    if (!offer && cell.layout instanceof PanelLayout) {
      const made = this._makeOffer(cell);
      this._offers.set(cell, made);
      made.disposed.connect(() => this._offers.delete(cell));
      cell.layout.addWidget(made);
    }
  }

  private _makeOffer(cell: Cell): Widget {
    const widget = new Widget();
    widget.addClass('jp-jmcp-TrustOffer');
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'jp-jmcp-Button jp-jmcp-mod-plain';
    button.textContent = this._trans.__('Show interactive output');
    button.title = this._trans.__(
      'Lets scripts in this output run in your page'
    );
    button.addEventListener('click', event => {
      const { detail, clientX, clientY } = event;
      const place = { detail, clientX, clientY, currentTarget: button };
      if (event.isTrusted && isOnTop(place)) {
        setTrust(cell.model, true);
        widget.dispose();
      }
    });
    widget.node.append(button);
    return widget;
  }

  private _rule: string | undefined;
  private _allowed: ReadonlySet<string> = new Set();
  private readonly _panels = new WeakMap<ICellModel, NotebookPanel>();
  private readonly _offers = new Map<Cell, Widget>();
  private readonly _due = new Set<NotebookPanel>();
}

function isAllowedRun(call: ICall): boolean {
  return call.class === 'run' && call.decision?.allowed === true;
}

/** Whether a cell has outputs that JupyterLab shows only in part because it does not trust them. */
function holdsBack(cell: Cell): boolean {
  if (
    !(cell instanceof CodeCell) ||
    cell.isPlaceholder() ||
    cell.model.trusted
  ) {
    return false;
  }
  const { outputs } = cell.model;
  for (let index = 0; index < outputs.length; index++) {
    if (isInteractive(outputs.get(index).data)) {
      return true;
    }
  }
  return false;
}

function isInteractive(data: ReadonlyPartialJSONObject): boolean {
  const html = data['text/html'];
  const text = Array.isArray(html) ? html.join('') : html;
  return (
    (typeof text === 'string' && SCRIPTED.test(text)) ||
    Object.keys(data).some(mime => SCRIPTS.test(mime))
  );
}
