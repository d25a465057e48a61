import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { usePanel } from '../../context';
import { refusalOf } from '../../../model/deciding';
import { requestTitle } from '../../format';
import { isOnTop, useArming } from '../../clickGuard';
import type { INewAgent, IPairing } from '../../../tokens';
import { ErrorLine } from '../shared/ErrorLine';
import { Icon } from '../shared/Icon';
import { NotYours } from './NotYours';
import { useAction } from '../shared/useAction';

/** What the answer buttons of a connection card need. */
export interface IConnectionAnswers {
  readonly inert: boolean;
  /** Lets the given agent in; null turns it away. */
  press(
    agent: INewAgent | null
  ): (event: React.MouseEvent<HTMLElement>) => void;
}

/** A card about a program that may connect, and what it may do. */
export function ConnectionCard(props: {
  request: IPairing;
  icon: LabIcon;
  words: string;
  onDecided: () => void;
  children?: React.ReactNode;
  answers: (given: IConnectionAnswers) => React.ReactNode;
}): JSX.Element {
  const { request, icon, words, onDecided, children, answers } = props;
  const { model, trans, say } = usePanel();
  const card = React.useRef<HTMLElement>(null);
  const arming = useArming(request.id, card);
  const action = useAction();
  const title = requestTitle(request, trans);
  const refusal = refusalOf(request, model);

  const press =
    (agent: INewAgent | null) => (event: React.MouseEvent<HTMLElement>) => {
      if (arming.isArmed() && isOnTop(event)) {
        action.run(async () => {
          await model.answerPairing(request.id, agent);
          say(
            agent
              ? trans.__('Allowed: %1', title)
              : trans.__('Denied: %1', title)
          );
          onDecided();
        });
      }
    };
  return (
    <article
      ref={card}
      className={`jp-jmcp-Card ${request.offer ? 'jp-mod-warn' : ''}`}
      aria-label={title}
      aria-busy={action.busy}
      tabIndex={-1}
      data-call={request.id}
    >
      <header className="jp-jmcp-Card-header">
        <Icon icon={icon} className="jp-mod-class" />
        <h4 dir="auto">{title}</h4>
      </header>
      <p>{words}</p>
      {refusal && !request.offer ? null : children}
      <ErrorLine message={action.error} />
      {refusal ? (
        <NotYours refusal={refusal} />
      ) : (
        <div className="jp-jmcp-Card-answers">
          {answers({ inert: !arming.armed || action.busy, press })}
        </div>
      )}
    </article>
  );
}
