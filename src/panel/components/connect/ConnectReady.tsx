import { checkIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { useNow, usePanel } from '../../context';
import { endTime } from '../../format';
import { spinnerIcon } from '../../../icons';
import type { IMinted } from '../../../tokens';
import { Button } from '../shared/Button';
import { ConnectClients } from './ConnectClients';
import { CopyButton } from '../shared/CopyButton';
import { ErrorLine } from '../shared/ErrorLine';
import { Icon } from '../shared/Icon';

/** Time without a call after which the person gets a hint. */
const QUIET_MS = 60_000;

/** The second half of connecting: what to copy, and whether the agent has called. */
export function ConnectReady(props: {
  minted: IMinted;
  onDone: () => void;
}): JSX.Element {
  const { minted } = props;
  const { model, trans, locale } = usePanel();
  const [copied, setCopied] = React.useState(false);
  const [error, setError] = React.useState<string | null>(null);
  const urlId = React.useId();
  const expires = model.agent(minted.id)?.expires ?? null;
  const onCopied = (failed: Error | null) => {
    setCopied(failed === null);
    setError(
      failed
        ? trans.__(
            'The browser does not let this page copy. Select the text and copy it yourself.'
          )
        : null
    );
  };
  return (
    <div className="jp-jmcp-Connect-ready">
      <div className="jp-jmcp-Url">
        <label htmlFor={urlId}>{trans.__('URL')}</label>
        <input
          id={urlId}
          className="jp-mod-styled"
          dir="ltr"
          readOnly
          value={minted.url}
          onFocus={event => event.target.select()}
        />
        <CopyButton text={minted.url} onCopied={onCopied}>
          {trans.__('Copy URL')}
        </CopyButton>
      </div>
      <ConnectClients minted={minted} onCopied={onCopied} />
      <p className="jp-jmcp-Muted">
        {expires
          ? trans.__(
              'The config contains a secret made for this agent. It works only for notebooks here, until %1. It is shown only once. You can revoke it at any time.',
              endTime(expires, Date.now(), locale)
            )
          : trans.__(
              'The config contains a secret made for this agent. It works only for notebooks here. It is shown only once. You can revoke it at any time.'
            )}
      </p>
      <ErrorLine message={error} />
      <FirstCall minted={minted} copied={copied} />
      <div className="jp-jmcp-Connect-buttons">
        <Button kind="accept" onPress={props.onDone}>
          {trans.__('Done')}
        </Button>
      </div>
    </div>
  );
}

/** The status line: waiting, connected, or what to check when no call arrives. */
function FirstCall(props: { minted: IMinted; copied: boolean }): JSX.Element {
  const { model, trans } = usePanel();
  const [since] = React.useState(() => Date.now());
  const agent = model.agent(props.minted.id);
  const connected = agent !== null && agent.firstCall !== null;
  const now = useNow(!connected, 5000);
  const quiet = !connected && now - since >= QUIET_MS;
  const client = agent?.claims?.name ?? agent?.label ?? props.minted.label;
  return (
    <div
      className={`jp-jmcp-FirstCall ${connected ? 'jp-mod-connected' : ''}`}
      role="status"
    >
      <Icon
        icon={connected ? checkIcon : spinnerIcon}
        className={connected ? 'jp-mod-done' : 'jp-mod-running'}
      />
      <div dir="auto">
        <p>
          {connected
            ? trans.__('Connected. %1 made its first call.', client)
            : props.copied
              ? trans.__(
                  'Copied. Paste it into the client, then come back. Waiting for the first call…'
                )
              : trans.__('Waiting for the first call…')}
        </p>
        {quiet ? (
          <p className="jp-jmcp-Muted">
            {trans.__(
              'Nothing yet. Check that the agent runs on a computer that can open %1 and that you restarted it after the change.',
              props.minted.url
            )}
          </p>
        ) : null}
      </div>
    </div>
  );
}
