import { caretDownIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { usePanel, useNow } from '../../context';
import { refusalOf } from '../../../model/deciding';
import { clip, oneLine, visible } from '../../format';
import { isOnTop, useArming } from '../../clickGuard';
import { warningIcon } from '../../../icons';
import { firstOf, layOut } from '../../preview';
import type { ICall, IOption } from '../../../tokens';
import { Button } from '../shared/Button';
import { CardAgent } from './CardAgent';
import { DenyForm } from './DenyForm';
import { ErrorLine } from '../shared/ErrorLine';
import { GrantWords } from './GrantWords';
import { ClassIcon, Icon } from '../shared/Icon';
import { NotYours } from './NotYours';
import { Preview } from './Preview';
import { useDecision } from './useDecision';
import { useReading } from './useReading';
import { ShowInNotebook } from './ShowInNotebook';

/** Maximum length of an agent's reason that is shown. */
const REASON = 140;

/**
 * The card of a request: who wants what, where and why, exactly what will happen, and the answers.
 */
export const RequestCard = React.forwardRef<
  HTMLElement,
  { call: ICall; onDecided?: (call: ICall) => void }
>(function RequestCard({ call, onDecided }, forwarded) {
  const { model, trans, locale } = usePanel();
  const own = React.useRef<HTMLElement | null>(null);
  const reasonId = React.useId();
  const grantId = React.useId();
  const shown = React.useMemo(
    () => (call.preview ? layOut(call.preview) : null),
    [call.preview]
  );
  const cut = React.useMemo(
    () => shown !== null && firstOf(shown) !== null,
    [shown]
  );
  const meaning = `${call.id} ${call.actionHash}`;
  const reading = useReading(meaning, cut);
  const allowable = shown === null || (reading.done && !shown.tooLong);
  const hidden = shown !== null && !shown.tooLong && reading.hidden;
  // A button in the place of Allow must not turn into Allow under the pointer.
  const arming = useArming(`${meaning} ${hidden}`, own);
  const decision = useDecision(call, onDecided);
  const [denying, setDenying] = React.useState(false);
  const more = React.useRef<HTMLButtonElement>(null);
  const inert = !arming.armed || decision.busy;

  const press = (option: IOption) => (event: React.MouseEvent<HTMLElement>) => {
    const allows = option.kind.startsWith('allow');
    if (arming.isArmed() && isOnTop(event) && (allowable || !allows)) {
      decision.decide(option);
    }
  };
  const refusal = refusalOf(call, model);
  const offered = refusal ? [] : call.options;
  const open = shown?.tooLong || hidden ? [] : offered;
  const once = open.find(option => option.kind === 'allow_once');
  const longer = open.filter(option => option.kind === 'allow_always');
  const deny = offered.find(option => option.kind === 'reject_once');

  return (
    <article
      ref={node => {
        own.current = node;
        if (typeof forwarded === 'function') {
          forwarded(node);
        } else if (forwarded) {
          forwarded.current = node;
        }
      }}
      className="jp-jmcp-Card"
      aria-label={call.summary}
      aria-busy={decision.busy}
      tabIndex={-1}
      data-call={call.id}
    >
      <header className="jp-jmcp-Card-header">
        <ClassIcon class={call.class} />
        <h4 dir="auto">{call.summary}</h4>
      </header>
      <CardPath call={call} />
      <CardAgent call={call} />
      <CardReason call={call} />
      {call.changed && decision.notice === null ? (
        <p className="jp-jmcp-Caution">
          {trans.__(
            'This changed after the agent asked. Here is the new version.'
          )}
        </p>
      ) : null}
      {call.preview?.words ? <p dir="auto">{call.preview.words}</p> : null}
      {shown ? <Preview shown={shown} reading={reading} /> : null}
      {shown?.tooLong ? (
        <p className="jp-jmcp-Caution">
          <Icon icon={warningIcon} />
          <span>
            {trans.__(
              'Too long to check here (%1 characters), so it cannot be allowed. Ask the agent for smaller steps.',
              shown.characters.toLocaleString(locale)
            )}
          </span>
        </p>
      ) : null}
      <ShowInNotebook call={call} />
      <CardExpiry call={call} />
      <ErrorLine message={decision.notice} />
      <ErrorLine message={decision.error}>
        <Button inert={inert} onPress={() => decision.retry()}>
          {trans.__('Retry')}
        </Button>
      </ErrorLine>
      {refusal ? (
        <NotYours refusal={refusal} call={call} />
      ) : (
        <div className="jp-jmcp-Card-answers">
          {hidden && shown ? (
            <Button kind="accept" onPress={reading.openAll}>
              {trans._n('Show all %1 line', 'Show all %1 lines', shown.lines)}
            </Button>
          ) : null}
          {once ? (
            <Button
              kind="accept"
              inert={inert || !allowable}
              onPress={press(once)}
            >
              {trans.__('Allow')}
            </Button>
          ) : null}
          {longer.map(option => (
            <Button
              key={`${option.until}`}
              inert={inert || !allowable}
              describedBy={grantId}
              title={option.name}
              onPress={press(option)}
            >
              {option.until === '30m'
                ? trans.__('Allow for 30 minutes')
                : option.name}
            </Button>
          ))}
          {deny ? (
            <span className="jp-jmcp-Split">
              <Button inert={inert} onPress={press(deny)}>
                {trans.__('Deny')}
              </Button>
              <Button
                ref={more}
                icon={caretDownIcon}
                label={trans.__('Deny and tell the agent why…')}
                title={trans.__('Deny and tell the agent why…')}
                expanded={denying}
                controls={denying ? reasonId : undefined}
                onPress={() => setDenying(!denying)}
              />
            </span>
          ) : null}
        </div>
      )}
      {longer.length > 0 ? (
        <GrantWords id={grantId} call={call} option={longer[0]} />
      ) : null}
      {deny && denying ? (
        <DenyForm
          id={reasonId}
          inert={inert}
          onSend={reason => decision.decide(deny, reason)}
          onClose={() => {
            setDenying(false);
            more.current?.focus();
          }}
        />
      ) : null}
      {model.link !== 'online' ? (
        <p className="jp-jmcp-Caution">
          {trans.__('Not connected to the server. This request is kept.')}
        </p>
      ) : null}
    </article>
  );
});

/** The full path of the file, if the title omits its folders. */
function CardPath({ call }: { call: ICall }): JSX.Element | null {
  const path = oneLine(call.target.path ?? '');
  return call.summary.includes(path) ? null : (
    <p className="jp-jmcp-Muted jp-jmcp-Card-path" dir="auto">
      {path}
    </p>
  );
}

function CardReason({ call }: { call: ICall }): JSX.Element | null {
  const { trans } = usePanel();
  if (!call.reason) {
    return null;
  }
  const words = clip(visible(call.reason.replace(/\s+/g, ' ')).text, REASON);
  return (
    <p className="jp-jmcp-Card-reason">
      <span>{trans.__('The agent says:')}</span> <q dir="auto">{words}</q>
    </p>
  );
}

function CardExpiry({ call }: { call: ICall }): JSX.Element | null {
  const { trans } = usePanel();
  const now = useNow(call.expires !== null, 5000);
  const left = call.expires ? Date.parse(call.expires) - now : Infinity;
  return left > 60_000 ? null : (
    <p className="jp-jmcp-Caution">
      {trans.__(
        'This request expires in less than a minute. Then it is denied.'
      )}
    </p>
  );
}
