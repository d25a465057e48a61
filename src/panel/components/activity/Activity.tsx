import * as React from 'react';

import { usePanel } from '../../context';
import { ActivityRow } from './ActivityRow';
import { Button } from '../shared/Button';
import { Section } from '../shared/Section';

/** Number of rows at first, and of those that each "Show older" adds. */
const CHUNK = 100;

/** Maximum number of rows, since each one slows typing. Beyond it the newest rows are dropped. */
const MOST_ROWS = 300;

/** What the agents did, newest first. */
export function Activity(): JSX.Element {
  const { model, trans } = usePanel();
  const [end, setEnd] = React.useState(CHUNK);
  const start = Math.max(0, end - MOST_ROWS);
  // A request that was denied because it had been denied before is counted at the first one.
  const calls = model.calls.filter(
    call => call.decision?.source !== 'duplicate_denied'
  );
  const colors = new Map(model.agents.map(agent => [agent.id, agent]));
  return (
    <Section name={trans.__('Activity')} folded={false}>
      {calls.length === 0 ? (
        <p className="jp-jmcp-Empty">
          {trans.__('What agents do appears here.')}
        </p>
      ) : (
        <>
          {start > 0 ? (
            <p className="jp-jmcp-Older">
              <Button kind="link" onPress={() => setEnd(end - CHUNK)}>
                {trans.__('Show newer')}
              </Button>
              <Button kind="link" onPress={() => setEnd(CHUNK)}>
                {trans.__('Show the newest')}
              </Button>
            </p>
          ) : null}
          <ol className="jp-jmcp-List jp-mod-activity" start={start + 1}>
            {calls.slice(start, end).map(call => (
              <ActivityRow
                key={call.id}
                call={call}
                color={colors.get(call.agent)?.color ?? ''}
                label={colors.get(call.agent)?.label ?? call.agentLabel}
              />
            ))}
          </ol>
        </>
      )}
      {calls.length > end ? (
        <p className="jp-jmcp-Older">
          <Button kind="link" onPress={() => setEnd(end + CHUNK)}>
            {trans.__('Show older')}
          </Button>
          <span className="jp-jmcp-Muted">
            {trans.__('%1 of %2', end, calls.length)}
          </span>
        </p>
      ) : null}
    </Section>
  );
}
