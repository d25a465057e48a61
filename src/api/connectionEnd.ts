import type { Event } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';

/** The part of JupyterLab's event manager that {@link watchConnection} reads; it has no signal. */
interface IPolling {
  readonly _poll?: {
    readonly ticked?: ISignal<unknown, { readonly phase: string }>;
  };
}

/**
 * Call back when the connection to the server may have ended or come back.
 *
 * The event socket closes together with the server, long before a slow poll would notice. If a
 * later JupyterLab keeps that socket elsewhere, only the poll remains.
 */
export function watchConnection(
  events: Event.IManager,
  tell: () => void
): IDisposable {
  const ticked = (events as unknown as IPolling)._poll?.ticked;
  const onTick = (_: unknown, { phase }: { readonly phase: string }) => {
    if (phase === 'rejected') {
      tell();
    }
  };
  ticked?.connect(onTick);
  window.addEventListener('offline', tell);
  window.addEventListener('online', tell);
  let isDisposed = false;
  return {
    get isDisposed() {
      return isDisposed;
    },
    dispose: () => {
      isDisposed = true;
      ticked?.disconnect(onTick);
      window.removeEventListener('offline', tell);
      window.removeEventListener('online', tell);
    }
  };
}
