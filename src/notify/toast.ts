import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import { requestWords } from '../panel/format';
import { requestKey } from '../model/requests';
import type { IAgents, IAgentsPanel, IRequestToast } from '../tokens';

/** Number of characters that a toast always shows. */
const BEGINNING = 60;

/** When to show a toast: never, while the panel is not visible, or always. */
export type ToastHabit = 'off' | 'hidden' | 'always';

/**
 * One toast for all requests that wait.
 *
 * It leads to the card but cannot allow: JupyterLab draws it, so it cannot check who presses.
 */
export class RequestToast implements IRequestToast {
  constructor(
    private readonly _model: IAgents,
    private readonly _panel: IAgentsPanel,
    private readonly _trans: TranslationBundle
  ) {}

  habit: ToastHabit = 'hidden';

  isDue(): boolean {
    return this.habit !== 'off' && !this._isSeen();
  }

  isRead(): boolean {
    // JupyterLab cuts a long text.
    const words = this._words().slice(0, BEGINNING);
    return [...document.querySelectorAll('[role="alert"]')].some(alert =>
      alert.textContent?.includes(words)
    );
  }

  update(): void {
    const waiting = this._model.needsYou;
    const fresh = waiting.some(request => !this._told.has(requestKey(request)));
    if (!this.isDue() || waiting.length === 0) {
      this._dismiss();
      if (this._isSeen()) {
        this._told = new Set(waiting.map(requestKey));
      }
      return;
    }
    if (fresh) {
      this._told = new Set(waiting.map(requestKey));
      this._dismiss();
      this._shown = Notification.emit(this._words(), 'warning', {
        autoClose: false,
        actions: [
          {
            label: this._trans.__('Show'),
            displayType: 'accent',
            callback: () => this._panel.revealRequest(this._first())
          }
        ]
      });
    } else if (this._shown !== null) {
      Notification.update({ id: this._shown, message: this._words() });
    }
  }

  private _isSeen(): boolean {
    return this._panel.isShown && !document.hidden && this.habit !== 'always';
  }

  private _first(): string | undefined {
    return this._model.needsYou[0]?.id;
  }

  private _words(): string {
    const [first] = this._model.needsYou;
    const count = this._model.needsYou.length;
    return count === 1
      ? requestWords(first, this._trans)
      : this._trans._n(
          '%1 agent request is waiting',
          '%1 agent requests are waiting',
          count
        );
  }

  private _dismiss(): void {
    if (this._shown !== null) {
      Notification.dismiss(this._shown);
      this._shown = null;
    }
  }

  private _shown: string | null = null;
  private _told: ReadonlySet<string> = new Set();
}
