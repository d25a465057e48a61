import type { JupyterFrontEnd } from '@jupyterlab/application';
import { ReactWidget } from '@jupyterlab/apputils';
import { DisposableDelegate, IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';
import { ISignal, Signal } from '@lumino/signaling';
import * as React from 'react';

import { AgentsView } from './components/AgentsView';
import { openConnectDialog } from './components/connect/ConnectDialog';
import type { IPanelContext } from './context';
import { FocusKeeper } from './focusKeeper';
import { agentsIcon } from '../icons';
import { sorted, wrongSection } from './sections';
import type { IAgentsPanel, IPanelSection, IRequestToast } from '../tokens';

/** The id of the panel in the shell. */
export const PANEL_ID = 'jmcp-lab:panel';

/** Data attribute of the tab from which the style takes the number. */
const BADGE = 'jmcp-pending';

/** Number of frames to wait for a card that is not drawn yet. */
const PATIENT_FRAMES = 30;

/** What {@link AgentsPanel} needs. */
export type AgentsPanelOptions = Omit<IPanelContext, 'openConnect'> & {
  readonly shell: JupyterFrontEnd.IShell;
};

/** The sidebar panel; its tab shows the number of waiting requests. */
export class AgentsPanel extends ReactWidget implements IAgentsPanel {
  constructor(options: AgentsPanelOptions) {
    super();
    const { shell, ...context } = options;
    const { model, trans } = context;
    this._shell = shell;
    this._context = {
      ...context,
      openConnect: () => openConnectDialog(this._context)
    };
    this.id = PANEL_ID;
    this.addClass('jp-jmcp-Panel');
    this.title.icon = agentsIcon;
    this.title.caption = trans.__('Agents');
    this.node.tabIndex = -1;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Agents'));
    this._focusKeeper = new FocusKeeper(this.node);
    model.changed.connect(this._onChanged, this);
    this._updateTab();
  }

  toast: IRequestToast | null = null;

  get isShown(): boolean {
    return this.isVisible;
  }

  get shownChanged(): ISignal<this, boolean> {
    return this._shownChanged;
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._context.model.changed.disconnect(this._onChanged, this);
      this._focusKeeper.dispose();
      Signal.clearData(this);
      super.dispose();
    }
  }

  reveal(): void {
    this._shell.activateById(this.id);
  }

  revealRequest(id?: string): void {
    this._wanted = { id, frames: PATIENT_FRAMES };
    this.reveal();
  }

  addSection(section: IPanelSection): IDisposable {
    const wrong = wrongSection(section, this._sections);
    if (wrong !== null) {
      throw new Error(wrong);
    }
    this._sections = sorted([...this._sections, section]);
    this._renderRequested.emit();
    return new DisposableDelegate(() => {
      this._sections = this._sections.filter(each => each !== section);
      if (!this.isDisposed) {
        this._renderRequested.emit();
      }
    });
  }

  /** When the panel is activated, focus a card, or the element before the first button. */
  protected override onActivateRequest(msg: Message): void {
    super.onActivateRequest(msg);
    if (!this.node.contains(document.activeElement)) {
      this.node.focus();
    }
    this._focusWanted();
  }

  /** Wait for the wanted card: it may be drawn a little later than its number on the tab. */
  private _focusWanted(): void {
    const wanted = this._wanted;
    if (wanted === null || this.isDisposed) {
      return;
    }
    const cards = [
      ...this.node.querySelectorAll<HTMLElement>('article[data-call]')
    ];
    const card = cards.find(item => item.dataset.call === wanted.id);
    const found = card ?? (wanted.id === undefined ? cards[0] : undefined);
    if (found || wanted.frames === 0) {
      this._wanted = null;
      (found ?? cards[0])?.focus();
      return;
    }
    wanted.frames -= 1;
    window.requestAnimationFrame(() => this._focusWanted());
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this._renderRequested.emit();
    this._shownChanged.emit(true);
  }

  protected override onAfterHide(msg: Message): void {
    super.onAfterHide(msg);
    this._shownChanged.emit(false);
  }

  protected override render(): JSX.Element {
    return (
      <AgentsView
        {...this._context}
        renderRequested={this._renderRequested}
        sections={() => this._sections}
      />
    );
  }

  /** Agents may call many times a second, so a hidden panel is not drawn each time. */
  private _onChanged(): void {
    this._updateTab();
    if (this.isVisible) {
      this._renderRequested.emit();
    }
  }

  private _updateTab(): void {
    const { model } = this._context;
    const count = model.needsYou.length;
    const dataset = { ...this.title.dataset };
    delete dataset[BADGE];
    this.title.dataset =
      count > 0 ? { ...dataset, [BADGE]: String(count) } : dataset;
    this.title.className = count > 0 ? 'jp-jmcp-mod-pending' : '';
  }

  private _wanted: { readonly id?: string; frames: number } | null = null;
  private _sections: readonly IPanelSection[] = [];
  private readonly _shell: JupyterFrontEnd.IShell;
  private readonly _context: IPanelContext;
  private readonly _focusKeeper: FocusKeeper;
  private readonly _renderRequested = new Signal<this, void>(this);
  private readonly _shownChanged = new Signal<this, boolean>(this);
}
