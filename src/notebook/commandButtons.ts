import { Dialog, showDialog } from '@jupyterlab/apputils';
import { Cell, MarkdownCell } from '@jupyterlab/cells';
import {
  INotebookTracker,
  Notebook,
  NotebookActions
} from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { watchPanels } from './panels';

/** Key in a cell's metadata under which JupyterLab keeps its trust. */
const TRUSTED = 'trusted';

const COMMAND = 'data-commandlinker-command';
const ARGS = 'data-commandlinker-args';

/**
 * Asks before a button in markdown runs a JupyterLab command that the person did not write.
 *
 * JupyterLab does not ask if all code cells of a notebook are trusted, no matter who wrote the
 * markdown. The server marks a cell with a new button of this kind as not trusted, until the person
 * has opened the text of that cell and runs it. Running all cells does not count: it also runs text
 * that nobody has looked at.
 */
export class CommandButtons {
  constructor(
    private readonly _tracker: INotebookTracker,
    private readonly _commands: CommandRegistry,
    private readonly _trans: TranslationBundle
  ) {}

  start(): void {
    // JupyterLab listens on the body, so an event that is stopped here does not reach it.
    document.addEventListener('click', event => this._onClick(event), true);
    watchPanels(this._tracker, panel => this._watch(panel.content));
    NotebookActions.executed.connect((_, { cell }) => {
      const { model } = cell;
      if (this._opened.delete(cell) && model.getMetadata(TRUSTED) === false) {
        model.deleteMetadata(TRUSTED);
      }
    });
  }

  /** Record the cells whose text the person opens. */
  private _watch(notebook: Notebook): void {
    const opened = () => {
      const { activeCell, mode } = notebook;
      if (mode === 'edit' && activeCell instanceof MarkdownCell) {
        this._opened.add(activeCell);
      }
    };
    notebook.stateChanged.connect(opened);
    notebook.activeCellChanged.connect(opened);
  }

  private _onClick(event: MouseEvent): void {
    const { target } = event;
    const button =
      target instanceof Element ? target.closest(`[${COMMAND}]`) : null;
    const cell = button && this._cellOf(button);
    if (!button || !cell || cell.model.getMetadata(TRUSTED) !== false) {
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.isTrusted) {
      void this._ask(button);
    }
  }

  private _cellOf(button: Element): MarkdownCell | null {
    const node = button.closest('.jp-MarkdownCell');
    let found: MarkdownCell | null = null;
    this._tracker.forEach(panel => {
      for (const cell of node ? panel.content.widgets : []) {
        if (cell.node === node && cell instanceof MarkdownCell) {
          found = cell;
        }
      }
    });
    return found;
  }

  private async _ask(button: Element): Promise<void> {
    const command = button.getAttribute(COMMAND) ?? '';
    const args = readArgs(button.getAttribute(ARGS));
    if (!this._commands.hasCommand(command) || !args) {
      return;
    }
    const label = this._commands.label(command, args) || command;
    const result = await showDialog({
      title: this._trans.__('Run this command?'),
      body: this._trans.__(
        'You did not write this button. It runs “%1” (%2) with %3.',
        label,
        command,
        JSON.stringify(args).slice(0, 500)
      ),
      buttons: [
        Dialog.cancelButton({ label: this._trans.__('Cancel') }),
        Dialog.warnButton({ label: this._trans.__('Run once') })
      ],
      defaultButton: 0
    });
    if (result.button.accept) {
      await this._commands.execute(command, args);
    }
  }

  private readonly _opened = new WeakSet<Cell>();
}

function readArgs(text: string | null): ReadonlyPartialJSONObject | null {
  try {
    const value: unknown = JSON.parse(text || '{}');
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as ReadonlyPartialJSONObject)
      : null;
  } catch {
    return null;
  }
}
