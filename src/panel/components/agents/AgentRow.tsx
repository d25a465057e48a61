import * as React from 'react';

import { usePanel } from '../../context';
import { mayChange } from '../../../model/deciding';
import { ago, modeLabel, oneLine, untilWords, visible } from '../../format';
import { isBounded, modeOf, MODES } from '../../../model/modes';
import type { IAgent, Mode } from '../../../tokens';
import { BoundsForm } from './BoundsForm';
import { Button } from '../shared/Button';
import { ErrorLine } from '../shared/ErrorLine';
import { RestingButton } from '../shared/RestingButton';
import { IAction, useAction } from '../shared/useAction';
import { Claim, Dot } from '../shared/AgentBadge';

/** A connected agent: what it may do, what it is doing, and how to end that. */
export function AgentRow(props: { agent: IAgent; now: number }): JSX.Element {
  const { agent, now } = props;
  const { model, trans, locale } = usePanel();
  const nameId = React.useId();
  const action = useAction();
  const paused = agent.paused || (model.server?.paused ?? false);
  const changes = mayChange(agent, model.server);
  /** The mode that the person has chosen and that needs notebooks and an end first. */
  const [choosing, setChoosing] = React.useState<Mode | null>(null);
  const change = (mode: Mode) => {
    if (action.busy) {
      // The menu is not disabled meanwhile: that would take the focus away.
      return;
    }
    if (isBounded(mode)) {
      setChoosing(mode);
    } else {
      setChoosing(null);
      // A mode that is chosen in the menu holds in all notebooks.
      action.run(() => model.change(agent.id, { mode, notebooks: [] }));
    }
  };
  return (
    <li className="jp-jmcp-Agent">
      <div className="jp-jmcp-Agent-name">
        <Dot color={paused ? '' : agent.color} hollow={!agent.connected} />
        <bdi id={nameId} className="jp-jmcp-Strong" title={agent.label}>
          {agent.label}
        </bdi>
      </div>
      <p className="jp-jmcp-Agent-doing">
        <span dir="auto">
          {paused ? trans.__('Paused') : doing(agent, now, trans, locale)}
        </span>
        {agent.paused && !model.server?.paused && changes ? (
          // Resume is not in the place of Stop: a second click there must not undo the first one.
          <RestingButton
            kind="link"
            describedBy={nameId}
            inert={action.busy}
            onPress={() =>
              action.run(
                () => model.change(agent.id, { paused: false }),
                trans.__('%1 is no longer paused.', agent.label)
              )
            }
          >
            {trans.__('Resume')}
          </RestingButton>
        ) : null}
        <Claim claims={agent.claims} />
        {agent.owner !== null ? (
          <span className="jp-jmcp-Muted" dir="auto">
            {trans.__('connected by %1', oneLine(agent.owner))}
          </span>
        ) : null}
      </p>
      <div className="jp-jmcp-Agent-controls">
        {changes ? (
          <select
            className="jp-jmcp-Select"
            aria-label={trans.__('What %1 may do', agent.label)}
            value={choosing ?? agent.mode}
            aria-disabled={action.busy ? true : undefined}
            onChange={event => change(event.target.value as Mode)}
          >
            {modeOf(agent.mode) ? null : (
              <option value={agent.mode} disabled>
                {modeLabel(agent.mode, trans)}
              </option>
            )}
            {MODES.map(mode => (
              <option key={mode.value} value={mode.value}>
                {mode.label(trans)}
              </option>
            ))}
          </select>
        ) : (
          <span className="jp-jmcp-Agent-mode">
            {modeLabel(agent.mode, trans)}
          </span>
        )}
        <AgentButtons agent={agent} describedBy={nameId} action={action} />
      </div>
      {choosing === null ? <Caution agent={agent} now={now} /> : null}
      {choosing !== null ? (
        <BoundsForm
          suggested={agent.current}
          busy={action.busy}
          onApply={(notebooks, until) =>
            action.run(async () => {
              await model.change(agent.id, {
                mode: choosing,
                notebooks,
                until
              });
              setChoosing(null);
            })
          }
          onCancel={() => setChoosing(null)}
        />
      ) : null}
      <ErrorLine message={action.error} />
    </li>
  );
}

/** What the agent does without asking, or why it can do nothing. */
function Caution(props: { agent: IAgent; now: number }): JSX.Element | null {
  const { agent, now } = props;
  const { trans, locale } = usePanel();
  const words = !agent.usable
    ? trans.__(
        'This version of jmcp_lab does not know its mode, so it can do nothing. Choose another mode.'
      )
    : agent.notebooks.length > 0
      ? (modeOf(agent.mode)?.caution(
          agent.notebooks.join(', '),
          untilWords(agent.until, now, trans, locale),
          trans
        ) ?? null)
      : null;
  return words === null ? null : (
    <p className="jp-jmcp-Caution" dir="auto">
      {words}
    </p>
  );
}

function doing(
  agent: IAgent,
  now: number,
  trans: ReturnType<typeof usePanel>['trans'],
  locale?: string
): string {
  if (agent.firstCall === null) {
    return trans.__('Waiting for the first call…');
  }
  if (agent.doing) {
    return agent.doing;
  }
  if (agent.connected) {
    return agent.current
      ? trans.__('Idle in %1', visible(agent.current).text)
      : trans.__('Idle');
  }
  return agent.lastSeen
    ? trans.__('Last seen %1', ago(agent.lastSeen, now, locale))
    : trans.__('Not connected');
}

function AgentButtons(props: {
  agent: IAgent;
  describedBy: string;
  action: IAction;
}): JSX.Element {
  const { agent, describedBy, action } = props;
  const { model, trans } = usePanel();
  const [sure, setSure] = React.useState(false);
  const [back, setBack] = React.useState(false);
  const revoke = React.useRef<HTMLButtonElement>(null);
  React.useEffect(() => {
    if (back) {
      setBack(false);
      revoke.current?.focus();
    }
  }, [back]);
  if (sure) {
    return (
      <div
        className="jp-jmcp-Confirm"
        role="group"
        aria-describedby={describedBy}
      >
        <p>
          {trans.__('It loses access at once, and its secret stops working.')}
        </p>
        <RestingButton
          kind="warn"
          describedBy={describedBy}
          inert={action.busy}
          focused
          onPress={() =>
            action.run(
              () => model.revoke(agent.id),
              trans.__('%1 no longer has access.', agent.label)
            )
          }
        >
          {trans.__('Revoke')}
        </RestingButton>
        <Button
          onPress={() => {
            setSure(false);
            setBack(true);
          }}
        >
          {trans.__('Cancel')}
        </Button>
      </div>
    );
  }
  return (
    <span className="jp-jmcp-Agent-buttons">
      <Button
        kind="quiet"
        title={trans.__('Stop what it is doing and pause it')}
        describedBy={describedBy}
        inert={action.busy || agent.paused || model.server?.paused}
        onPress={() =>
          action.run(
            () => model.stopAgent(agent.id),
            trans.__('%1 is paused.', agent.label)
          )
        }
      >
        {trans.__('Stop')}
      </Button>
      {mayChange(agent, model.server) ? (
        <Button
          ref={revoke}
          kind="quiet"
          title={trans.__('End this connection permanently')}
          describedBy={describedBy}
          inert={action.busy}
          onPress={() => setSure(true)}
        >
          {trans.__('Revoke')}
        </Button>
      ) : null}
    </span>
  );
}
