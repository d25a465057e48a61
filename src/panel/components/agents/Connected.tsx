import * as React from 'react';

import { useNow, usePanel } from '../../context';
import { AgentRow } from './AgentRow';
import { Section } from '../shared/Section';

/** The agents that may connect, and what each one is doing. */
export function Connected(props: {
  headingRef: React.Ref<HTMLHeadingElement>;
}): JSX.Element {
  const { model, trans } = usePanel();
  const now = useNow(model.agents.length > 0, 15_000);
  return (
    <Section
      name={trans.__('Connected')}
      count={model.agents.filter(agent => agent.connected).length}
      headingRef={props.headingRef}
    >
      {model.agents.length === 0 ? (
        <div className="jp-jmcp-Empty">
          <p>{trans.__('No agent is connected.')}</p>
          <p>
            {trans.__(
              'Agents such as Claude Code, Cursor, Codex and VS Code can read, edit and run your open notebooks. You choose what each one may do.'
            )}
          </p>
        </div>
      ) : (
        <ul className="jp-jmcp-List">
          {model.agents.map(agent => (
            <AgentRow key={agent.id} agent={agent} now={now} />
          ))}
        </ul>
      )}
    </Section>
  );
}
