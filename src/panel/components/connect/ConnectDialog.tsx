import { ReactWidget, UseSignal } from '@jupyterlab/apputils';
import { closeIcon } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

import { IPanelContext, PanelProvider, usePanel } from '../../context';
import type { IMinted } from '../../../tokens';
import { Button } from '../shared/Button';
import { ConnectForm } from './ConnectForm';
import { ConnectReady } from './ConnectReady';

/**
 * The dialog that connects an agent.
 *
 * It is the browser's own modal dialog. JupyterLab's takes Enter and the arrow keys away from
 * buttons in its body, and the buttons in the body are the purpose of this one.
 */
export function ConnectDialog(props: { onClose: () => void }): JSX.Element {
  const { trans } = usePanel();
  const dialog = React.useRef<HTMLDialogElement>(null);
  const titleId = React.useId();
  const [minted, setMinted] = React.useState<IMinted | null>(null);
  const close = () => dialog.current?.close();
  const heading = React.useRef<HTMLHeadingElement>(null);
  React.useEffect(() => {
    dialog.current?.showModal();
    dialog.current?.querySelector<HTMLInputElement>('input')?.focus();
  }, []);
  React.useEffect(() => {
    // The pressed button is gone; move the focus to where the new part begins.
    if (minted) {
      heading.current?.focus();
    }
  }, [minted]);
  return (
    <dialog
      ref={dialog}
      className="jp-jmcp-Dialog"
      aria-labelledby={titleId}
      onClose={props.onClose}
    >
      <header className="jp-jmcp-Dialog-header">
        <h2 id={titleId} ref={heading} tabIndex={-1} dir="auto">
          {minted
            ? trans.__('Connect %1', minted.label)
            : trans.__('Connect an agent')}
        </h2>
        <Button
          kind="quiet"
          icon={closeIcon}
          label={trans.__('Close')}
          onPress={close}
        />
      </header>
      {minted ? (
        <ConnectReady minted={minted} onDone={close} />
      ) : (
        <ConnectForm onMinted={setMinted} onCancel={close} />
      )}
    </dialog>
  );
}

/** Open the dialog over the page; it removes itself when closed. */
export function openConnectDialog(context: Omit<IPanelContext, 'say'>): void {
  const widget = ReactWidget.create(
    <PanelProvider value={{ ...context, say: () => {} }}>
      <UseSignal signal={context.model.changed}>
        {() => <ConnectDialog onClose={() => widget.dispose()} />}
      </UseSignal>
    </PanelProvider>
  );
  widget.addClass('jp-jmcp-DialogHost');
  Widget.attach(widget, document.body);
}
