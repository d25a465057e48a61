import type { Cell } from '@jupyterlab/cells';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import { serverPath } from './navigator';
import type { IAgents, ICall } from '../tokens';

/** How long a finished edit stays marked. */
const RECENT_MS = 10_000;

/** Maximum delay between a change and its mark. */
const SOON_MS = 50;

const MARK = 'jp-jmcp-mod-agent';
const RUNNING = 'jp-jmcp-mod-running';
const WAITING = 'jp-jmcp-mod-waiting';
const COLOR = '--jp-jmcp-agent-color';

/** Keeps the marks on cells in all open notebooks in line with the calls. */
export class CellMarks {
  constructor(
    private readonly _model: IAgents,
    private readonly _tracker: INotebookTracker,
    private readonly _contents: Contents.IManager,
    private readonly _trans: TranslationBundle
  ) {}

  start(): void {
    this._model.changed.connect(this._updateSoon, this);
    this._tracker.widgetAdded.connect((_, panel) => {
      panel.content.modelContentChanged.connect(this._updateSoon, this);
      this._update();
    });
    this._update();
  }

  /** Update once for a burst of changes: an output also changes the content of its notebook. */
  private _updateSoon(): void {
    this._soon ||= window.setTimeout(() => this._update(), SOON_MS);
  }

  private _update(): void {
    window.clearTimeout(this._timer);
    window.clearTimeout(this._soon);
    this._soon = 0;
    const calls = this._marked();
    this._tracker.forEach(panel => this._markPanel(panel, calls));
    const fades = [...calls.values()].some(call => call.ended !== null);
    if (fades) {
      this._timer = window.setTimeout(() => this._update(), RECENT_MS / 4);
    }
  }

  /** The call to show on each cell, by path and cell. A running call wins over an ended one. */
  private _marked(): Map<string, ICall> {
    const marked = new Map<string, ICall>();
    for (const call of [...this._model.calls].reverse()) {
      if (!isMarking(call)) {
        continue;
      }
      for (const id of call.target.cellIds) {
        const key = `${call.target.path}\n${id}`;
        const other = marked.get(key);
        if (!other || other.state !== 'running') {
          marked.set(key, call);
        }
      }
    }
    return marked;
  }

  private _markPanel(panel: NotebookPanel, calls: Map<string, ICall>): void {
    if (panel.isDisposed) {
      return;
    }
    const path = serverPath(this._contents, panel);
    for (const cell of panel.content.widgets) {
      this._markCell(cell, calls.get(`${path}\n${cell.model.id}`));
    }
  }

  private _markCell(cell: Cell, call: ICall | undefined): void {
    if (!call && !cell.hasClass(MARK)) {
      return;
    }
    cell.toggleClass(MARK, call !== undefined);
    cell.toggleClass(RUNNING, call?.state === 'running');
    cell.toggleClass(WAITING, call?.state === 'waiting_for_approval');
    const color = call ? this._model.agent(call.agent)?.color : undefined;
    if (color) {
      cell.node.style.setProperty(COLOR, color);
    } else {
      cell.node.style.removeProperty(COLOR);
    }
    const prompt = cell.promptNode;
    if (prompt) {
      prompt.title = call ? this._words(call) : '';
    }
  }

  private _words(call: ICall): string {
    switch (call.state) {
      case 'waiting_for_approval':
        return this._trans.__('%1 waits for you', call.agentLabel);
      case 'running':
        return call.class === 'run'
          ? this._trans.__('%1 runs this cell', call.agentLabel)
          : this._trans.__('%1 works on this cell', call.agentLabel);
      default:
        return this._trans.__('%1 has just changed this cell', call.agentLabel);
    }
  }

  private _timer = 0;
  private _soon = 0;
}

function isMarking(call: ICall): boolean {
  if (call.target.path === null || call.target.cellIds.length === 0) {
    return false;
  }
  if (call.state === 'running' || call.state === 'waiting_for_approval') {
    return true;
  }
  return (
    call.class === 'edit' &&
    call.state === 'done' &&
    call.ended !== null &&
    Date.now() - Date.parse(call.ended) < RECENT_MS
  );
}
