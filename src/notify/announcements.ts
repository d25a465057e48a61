import type { TranslationBundle } from '@jupyterlab/translation';

import { requestWords } from '../panel/format';
import { requestKey } from '../model/requests';
import type {
  AgentRequest,
  CallState,
  IAgents,
  ICall,
  IRequestToast
} from '../tokens';

/** Time for an expected toast to appear: the first one loads its code. */
export const TOAST_MS = 1500;

/** How a request, or a run that was stopped, can end. */
type Outcome =
  | 'allowed'
  | 'denied'
  | 'unanswered'
  | 'withdrawn'
  | 'done'
  | 'failed'
  | 'stopped';

/**
 * Announces each new request once, and how it ends.
 *
 * Of calls that asked nobody it announces only a stop: agents do a lot, and each sentence takes
 * time. Screen readers read a toast as an alert, so a request with a toast is not announced again.
 */
export class Announcements {
  constructor(
    private readonly _model: IAgents,
    private readonly _trans: TranslationBundle,
    private readonly _say: (words: string) => void,
    private readonly _toast: () => IRequestToast | null = () => null
  ) {
    _model.changed.connect(this._update, this);
    this._update();
  }

  private _update(): void {
    this._tellOutcomes();
    this._tellRequests();
  }

  private _tellRequests(): void {
    const { needsYou: waiting } = this._model;
    const trans = this._trans;
    const fresh = waiting.filter(
      request => !this._told.has(requestKey(request))
    );
    this._told = new Set(waiting.map(requestKey));
    if (fresh.length === 1) {
      this._ask(
        fresh,
        trans._n(
          '%2. %1 request is waiting.',
          '%2. %1 requests are waiting.',
          waiting.length,
          requestWords(fresh[0], trans)
        )
      );
    } else if (fresh.length > 1) {
      this._ask(
        fresh,
        trans._n(
          '%1 request is waiting.',
          '%1 requests are waiting.',
          waiting.length
        )
      );
    }
  }

  /** Announce the requests, unless a toast does. */
  private _ask(fresh: readonly AgentRequest[], words: string): void {
    const toast = this._toast();
    if (!toast?.isDue()) {
      this._say(words);
      return;
    }
    // Check that the toast appeared: JupyterLab shows none in "do not disturb" mode.
    window.setTimeout(() => {
      const stillAsked = fresh.some(each => this._told.has(requestKey(each)));
      if (stillAsked && !toast.isRead()) {
        this._say(words);
      }
    }, TOAST_MS);
  }

  private _tellOutcomes(): void {
    const outcomes = new Map<Outcome, ICall[]>();
    for (const [id, before] of this._followed) {
      const call = this._model.call(id);
      if (call && call.state !== before.state) {
        const outcome = outcomeOf(call, before.asked);
        if (outcome) {
          outcomes.set(outcome, [...(outcomes.get(outcome) ?? []), call]);
        }
      }
      if (!call || hasEnded(call)) {
        this._followed.delete(id);
      }
    }
    for (const call of this._model.calls) {
      if (call.state === 'waiting_for_approval' || call.state === 'running') {
        const asked =
          call.state === 'waiting_for_approval' ||
          (this._followed.get(call.id)?.asked ?? false);
        this._followed.set(call.id, { state: call.state, asked });
      }
    }
    for (const [outcome, calls] of outcomes) {
      this._say(outcomeWords(outcome, calls, this._trans));
    }
  }

  private _told: ReadonlySet<string> = new Set();
  private readonly _followed = new Map<
    string,
    { readonly state: CallState; readonly asked: boolean }
  >();
}

function hasEnded(call: ICall): boolean {
  return ['done', 'failed', 'denied', 'cancelled'].includes(call.state);
}

function outcomeOf(call: ICall, asked: boolean): Outcome | null {
  if (call.state === 'cancelled') {
    return call.decision?.source === 'withdrawn' ? 'withdrawn' : 'stopped';
  }
  if (!asked) {
    return null;
  }
  switch (call.state) {
    case 'running':
      return 'allowed';
    case 'done':
      return call.outcome === 'error' ? 'failed' : 'done';
    case 'failed':
      return 'failed';
    case 'denied':
      return call.decision?.source === 'expired'
        ? 'unanswered'
        : call.decision?.source === 'withdrawn'
          ? 'withdrawn'
          : 'denied';
    default:
      return null;
  }
}

function outcomeWords(
  outcome: Outcome,
  calls: readonly ICall[],
  trans: TranslationBundle
): string {
  const what =
    calls.length === 1
      ? calls[0].summary
      : trans._n('%1 request', '%1 requests', calls.length);
  switch (outcome) {
    case 'allowed':
      return trans.__('Allowed: %1', what);
    case 'denied':
      return trans.__('Denied: %1', what);
    case 'unanswered':
      return trans.__('Denied because nobody answered in time: %1', what);
    case 'withdrawn':
      return trans.__('The agent stopped waiting: %1', what);
    case 'done':
      return trans.__('Done: %1', what);
    case 'failed':
      return trans.__('Failed: %1', what);
    case 'stopped':
      return trans.__('Stopped: %1', what);
  }
}
