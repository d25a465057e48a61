import { caretRightIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { CLIENTS, IClient, likelyClient } from '../../clients';
import { usePanel } from '../../context';
import type { IMinted } from '../../../tokens';
import { CopyButton } from '../shared/CopyButton';
import { Icon } from '../shared/Icon';

/** The configuration to copy into each client; one of them is unfolded. */
export function ConnectClients(props: {
  minted: IMinted;
  onCopied: (error: Error | null) => void;
}): JSX.Element {
  const { minted } = props;
  const { trans } = usePanel();
  const [open, setOpen] = React.useState<string | null>(
    () => likelyClient(minted.label).id
  );
  return (
    <ul className="jp-jmcp-Clients" aria-label={trans.__('Clients')}>
      {CLIENTS.map(client => (
        <ClientRow
          key={client.id}
          client={client}
          minted={minted}
          open={open === client.id}
          onToggle={() => setOpen(open === client.id ? null : client.id)}
          onCopied={props.onCopied}
        />
      ))}
    </ul>
  );
}

function ClientRow(props: {
  client: IClient;
  minted: IMinted;
  open: boolean;
  onToggle: () => void;
  onCopied: (error: Error | null) => void;
}): JSX.Element {
  const { client, open } = props;
  const { trans } = usePanel();
  const bodyId = React.useId();
  const snippet = client.snippet(props.minted);
  return (
    <li className="jp-jmcp-Client">
      <div className="jp-jmcp-Client-head">
        <button
          type="button"
          className="jp-jmcp-Fold"
          aria-expanded={open}
          aria-controls={open ? bodyId : undefined}
          onClick={props.onToggle}
        >
          <Icon icon={caretRightIcon} />
          {client.name}
        </button>
        <CopyButton
          text={snippet}
          accent={open}
          label={trans.__('Copy config for %1', client.name)}
          onCopied={props.onCopied}
        >
          {trans.__('Copy config')}
        </CopyButton>
      </div>
      {open ? (
        <div id={bodyId} className="jp-jmcp-Client-body">
          <p>{client.where(trans)}</p>
          <pre
            className="jp-jmcp-Code"
            dir="ltr"
            tabIndex={0}
            role="region"
            aria-label={trans.__('Config for %1', client.name)}
          >
            {snippet}
          </pre>
        </div>
      ) : null}
    </li>
  );
}
