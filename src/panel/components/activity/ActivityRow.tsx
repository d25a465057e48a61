import * as React from 'react';

import { usePanel } from '../../context';
import { refusalOf } from '../../../model/deciding';
import {
  classLabel,
  clock,
  decisionWords,
  duration,
  fullTime,
  stateLabel
} from '../../format';
import { isUnderWay } from '../../../model/requests';
import type { ICall } from '../../../tokens';
import { Button } from '../shared/Button';
import { ErrorLine } from '../shared/ErrorLine';
import { ClassIcon, StateIcon } from '../shared/Icon';
import { RestingButton } from '../shared/RestingButton';
import { useAction } from '../shared/useAction';
import { Dot } from '../shared/AgentBadge';

/** A call in one line, a second line for its result, and the buttons for what can still be done. */
export const ActivityRow = React.memo(function ActivityRow(props: {
  call: ICall;
  color: string;
  label: string;
}): JSX.Element {
  const { call } = props;
  const { model, trans, locale } = usePanel();
  const action = useAction();
  const titleId = React.useId();
  const refusal = refusalOf(call, model);
  const took = duration(call.started ?? call.created, call.ended, locale);
  const about = decisionWords(call, trans);
  const told = call.decision?.reason ?? '';
  // Undo appears where Stop was, if Stop was shown.
  const ran = React.useRef(false);
  ran.current ||= call.state === 'running';
  const Undo = ran.current ? RestingButton : Button;
  if (isQuiet(call)) {
    return (
      <li className="jp-jmcp-Call jp-mod-quiet">
        <span title={classLabel(call.class, trans)}>
          <ClassIcon class={call.class} />
        </span>
        <div className="jp-jmcp-Call-head">
          <CallTitle id={titleId} call={call} />
          <span title={props.label}>
            <Dot color={props.color} />
            <span className="jp-jmcp-Hidden">
              {[stateLabel(call, trans), props.label, took].join(', ')}
            </span>
          </span>
          <CallTime call={call} />
        </div>
      </li>
    );
  }
  return (
    <li className={`jp-jmcp-Call jp-mod-${call.state}`}>
      <span title={classLabel(call.class, trans)}>
        <ClassIcon class={call.class} />
      </span>
      <div className="jp-jmcp-Call-head">
        <CallTitle id={titleId} call={call} />
        <CallTime call={call} />
      </div>
      <div className="jp-jmcp-Call-foot">
        <div className="jp-jmcp-Call-words">
          <p className="jp-jmcp-Call-meta">
            <span className="jp-jmcp-Outcome">
              <StateIcon call={call} />
              {refusal && call.state === 'waiting_for_approval'
                ? trans.__('Waiting for somebody else')
                : stateLabel(call, trans)}
            </span>
            {took ? <span>{took}</span> : null}
            <span className="jp-jmcp-Call-agent" title={props.label}>
              <Dot color={props.color} />
              <bdi>{props.label}</bdi>
            </span>
            {call.state === 'running' && call.progress ? (
              <span dir="auto">{call.progress}</span>
            ) : null}
            {about ? <span dir="auto">{about}</span> : null}
            {call.repeats > 1 ? <span>{`×${call.repeats}`}</span> : null}
          </p>
          {call.error && call.state !== 'denied' ? (
            <p className="jp-jmcp-Call-error" dir="auto" title={call.error}>
              {call.error}
            </p>
          ) : null}
          {told && call.state === 'denied' ? (
            <p className="jp-jmcp-Call-told" dir="auto">
              <q>{told}</q>
            </p>
          ) : null}
          <ErrorLine message={action.error} />
        </div>
        {call.state === 'running' ? (
          <Button
            kind="quiet"
            describedBy={titleId}
            inert={action.busy}
            onPress={() => action.run(() => model.stopCall(call.id))}
          >
            {trans.__('Stop')}
          </Button>
        ) : null}
        {call.deniedUntil &&
        Date.parse(call.deniedUntil) > Date.now() &&
        refusal === null ? (
          <Button
            kind="quiet"
            title={trans.__(
              'The next time the agent wants this, it asks you again'
            )}
            describedBy={titleId}
            inert={action.busy}
            onPress={() =>
              action.run(
                () => model.askAgain(call.id),
                trans.__('%1 may ask you again.', call.agentLabel)
              )
            }
          >
            {trans.__('Ask me again')}
          </Button>
        ) : null}
        {call.undoable && !isUnderWay(call) ? (
          <Undo
            kind="quiet"
            title={trans.__('Restores the cells, not variables or files')}
            describedBy={titleId}
            inert={action.busy}
            onPress={() =>
              action.run(
                () => model.undoCall(call.id),
                trans.__('Undone: %1', call.summary)
              )
            }
          >
            {trans.__('Undo')}
          </Undo>
        ) : null}
      </div>
    </li>
  );
});

/** Whether a call only read and succeeded. There are many of these, and one line is enough. */
function isQuiet(call: ICall): boolean {
  return (
    (call.class === 'info' || call.class === 'read') &&
    call.state === 'done' &&
    call.outcome !== 'error' &&
    !call.error
  );
}

function CallTime({ call }: { call: ICall }): JSX.Element {
  const { locale } = usePanel();
  return (
    <time dateTime={call.created} title={fullTime(call.created, locale)}>
      {clock(call.created, locale)}
    </time>
  );
}

/** What the call did; a link to the cell, if there is one. */
function CallTitle(props: { id: string; call: ICall }): JSX.Element {
  const { call } = props;
  const { navigator } = usePanel();
  return call.target.path ? (
    <button
      id={props.id}
      type="button"
      dir="auto"
      className="jp-jmcp-Call-title"
      title={call.summary}
      onClick={() => void navigator.show(call)}
    >
      {call.summary}
    </button>
  ) : (
    <span
      id={props.id}
      className="jp-jmcp-Call-title"
      dir="auto"
      title={call.summary}
    >
      {call.summary}
    </span>
  );
}
