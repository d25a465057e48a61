import { addIcon, stopIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { usePanel } from '../context';
import { mayManage } from '../../model/deciding';
import { Button } from './shared/Button';
import { ErrorLine } from './shared/ErrorLine';
import { useAction } from './shared/useAction';

/** The buttons for all agents: connect another one, stop them all. */
export function Header(): JSX.Element {
  const { model, trans, say, openConnect } = usePanel();
  const action = useAction();
  const stop = async () => {
    const { interrupted, denied } = await model.stopAll();
    say(
      [
        trans._n(
          'Stopped. %1 run interrupted.',
          'Stopped. %1 runs interrupted.',
          interrupted
        ),
        trans._n('%1 request denied.', '%1 requests denied.', denied)
      ].join(' ')
    );
  };
  return (
    <div className="jp-jmcp-Header">
      <h2 className="jp-jmcp-Hidden">{trans.__('Agents')}</h2>
      <div className="jp-jmcp-Header-row">
        <Button
          kind={model.agents.length === 0 ? 'accept' : 'quiet'}
          icon={addIcon}
          inert={model.server === null || !mayManage(model.server)}
          title={
            mayManage(model.server)
              ? undefined
              : trans.__('This server does not let you connect agents')
          }
          onPress={openConnect}
        >
          {trans.__('Connect an agent')}
        </Button>
        {/* This never turns into Resume: a second click must not resume the agents. */}
        <Button
          kind="quiet"
          className="jp-jmcp-mod-stop"
          icon={stopIcon}
          title={trans.__(
            'Pause all agents, deny their requests and interrupt their runs'
          )}
          inert={action.busy || model.server === null}
          onPress={() => action.run(stop)}
        >
          {trans.__('Stop all')}
        </Button>
      </div>
      <ErrorLine message={action.error} />
    </div>
  );
}
