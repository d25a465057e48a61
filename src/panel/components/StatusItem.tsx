import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { agentsIcon } from '../../icons';
import { isPairing } from '../../model/requests';
import type { IAgents, IAgentsPanel } from '../../tokens';
import { Icon } from './shared/Icon';

/** "1 agent is waiting", or how many agents are connected; a click opens the panel. */
export function StatusItem(props: {
  model: IAgents;
  panel: IAgentsPanel;
  trans: TranslationBundle;
}): JSX.Element {
  const { model, panel, trans } = props;
  const waiting = new Set(
    model.needsYou.map(request =>
      isPairing(request) ? request.id : request.agent
    )
  ).size;
  const connected = model.agents.filter(agent => agent.connected).length;
  return (
    <button
      type="button"
      className={`jp-jmcp-StatusItem ${waiting > 0 ? 'jp-mod-waiting' : ''}`}
      title={trans.__('Show the agents')}
      onClick={() => (waiting > 0 ? panel.revealRequest() : panel.reveal())}
    >
      <Icon icon={agentsIcon} />
      {waiting > 0
        ? trans._n('%1 agent is waiting', '%1 agents are waiting', waiting)
        : trans._n('%1 agent', '%1 agents', connected)}
    </button>
  );
}
