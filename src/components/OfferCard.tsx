import * as React from 'react';

import { usePanel } from '../context';
import { requestTitle } from '../format';
import { isOnTop, useArming } from '../guard';
import { warningIcon } from '../icons';
import { changeWords, IOffer } from '../offer';
import type { INewAgent, IPairing } from '../tokens';
import { Button } from './Button';
import { ErrorLine } from './ErrorLine';
import { Icon } from './Icon';
import { useAction } from './useAction';

/** More access that something wrote into the list of agents, and the answers to it. */
export function OfferCard(props: {
  request: IPairing;
  offer: IOffer;
  onDecided: () => void;
}): JSX.Element {
  const { request, offer, onDecided } = props;
  const { model, trans, say } = usePanel();
  const card = React.useRef<HTMLElement>(null);
  const arming = useArming(request.id, card);
  const action = useAction();
  const inert = !arming.armed || action.busy;

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
  const title = requestTitle(request, trans);
  return (
    <article
      ref={card}
      className="jp-jmcp-Card"
      aria-label={title}
      aria-busy={action.busy}
      tabIndex={-1}
      data-call={request.id}
    >
      <header className="jp-jmcp-Card-header">
        <Icon icon={warningIcon} className="jp-mod-class" />
        <h4 dir="auto">{title}</h4>
      </header>
      <p>
        {trans.__(
          'Something other than a Jupyter server wrote this into the list of agents, perhaps code in a kernel. It is not in force. Allow it only if it was you.'
        )}
      </p>
      <ul>
        {changeWords(offer, trans).map(words => (
          <li key={words} dir="auto">
            {words}
          </li>
        ))}
      </ul>
      <ErrorLine message={action.error} />
      <div className="jp-jmcp-Card-answers">
        <Button
          kind="accept"
          inert={inert}
          onPress={press({ label: request.client, mode: 'edit' })}
        >
          {trans.__('Allow')}
        </Button>
        <Button inert={inert} onPress={press(null)}>
          {trans.__('Discard')}
        </Button>
      </div>
    </article>
  );
}
