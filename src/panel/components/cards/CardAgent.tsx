import * as React from 'react';

import { useNow, usePanel } from '../../context';
import { stopwatch } from '../../format';
import type { ICall } from '../../../tokens';
import { Claim, Dot } from '../shared/AgentBadge';

/** The agent of a card, what its client says it is, and how long the call has waited. */
export function CardAgent({ call }: { call: ICall }): JSX.Element {
  const { model, trans } = usePanel();
  const now = useNow(true);
  const agent = model.agent(call.agent);
  const label = agent?.label ?? call.agentLabel;
  return (
    <div className="jp-jmcp-Card-who">
      <p>
        <Dot color={agent?.color ?? ''} />
        <bdi className="jp-jmcp-Strong">{label}</bdi>
        {call.question ? null : (
          <span className="jp-jmcp-Waiting" role="timer" aria-live="off">
            {trans.__('waiting %1', stopwatch(call.created, now))}
          </span>
        )}
      </p>
      {agent?.claims || call.repeats > 1 ? (
        <p>
          <Claim claims={agent?.claims ?? null} />
          {call.repeats > 1 ? (
            <span>
              {trans._n('asked %1 time', 'asked %1 times', call.repeats)}
            </span>
          ) : null}
        </p>
      ) : null}
    </div>
  );
}
