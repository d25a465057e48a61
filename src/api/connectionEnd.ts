import type { Event } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';

/** What {@link watchConnection} looks at in JupyterLab's event manager, which tells nobody of it. */
interface IPolling {
  readonly _poll?: {
    readonly ticked?: ISignal<unknown, { readonly phase: string }>;
  };
}

/**
 * Tell when the connection to the server may have ended or come back.
 *
 * The socket of the events ends together with the server, long before a slow poll would notice it.
 * Where JupyterLab keeps that socket in another way, the poll is all there is.
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
