import * as React from 'react';

import { usePanel } from '../context';
import { ActivityRow } from './ActivityRow';
import { Button } from './Button';
import { Section } from './Section';

/** Rows drawn at first and with each "Show older": a long history must not slow the page. */
const CHUNK = 100;

/** What the agents did, newest first. */
export function Activity(): JSX.Element {
  const { model, trans } = usePanel();
  const [most, setMost] = React.useState(CHUNK);
  // What was denied because it had been denied is counted at the first of them.
  const calls = model.calls.filter(
    call => call.decision?.source !== 'duplicate_denied'
  );
  const colors = new Map(model.agents.map(agent => [agent.id, agent]));
  return (
    <Section name={trans.__('Activity')} folded={false}>
      {calls.length === 0 ? (
        <p className="jp-jmcp-Empty">
          {trans.__('What agents do will show here.')}
        </p>
      ) : (
        <ol className="jp-jmcp-List jp-mod-activity">
          {calls.slice(0, most).map(call => (
            <ActivityRow
              key={call.id}
              call={call}
              color={colors.get(call.agent)?.color ?? ''}
              label={colors.get(call.agent)?.label ?? call.agentLabel}
            />
          ))}
        </ol>
      )}
      {calls.length > most ? (
        <p className="jp-jmcp-Older">
          <Button kind="link" onPress={() => setMost(most + CHUNK)}>
            {trans.__('Show older')}
          </Button>
          <span className="jp-jmcp-Muted">
            {trans.__('%1 of %2', most, calls.length)}
          </span>
        </p>
      ) : null}
    </Section>
  );
}
