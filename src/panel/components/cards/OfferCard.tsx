import * as React from 'react';

import { usePanel } from '../../context';
import { warningIcon } from '../../../icons';
import { DEFAULT_MODE } from '../../../model/modes';
import { changeWords, IOffer } from '../../../api/offer';
import type { IPairing } from '../../../tokens';
import { Button } from '../shared/Button';
import { ConnectionCard } from './ConnectionCard';

/** Access that was written into the list of agents from outside, and the answers to it. */
export function OfferCard(props: {
  request: IPairing;
  offer: IOffer;
  onDecided: () => void;
}): JSX.Element {
  const { request, offer, onDecided } = props;
  const { trans, locale } = usePanel();
  return (
    <ConnectionCard
      request={request}
      icon={warningIcon}
      words={trans.__(
        'Something other than a Jupyter server wrote this into the list of agents, perhaps code in a kernel. It has no effect yet. Allow it only if you wrote it.'
      )}
      onDecided={onDecided}
      answers={({ inert, press }) => (
        <>
          <Button
            inert={inert}
            onPress={press({ label: request.client, mode: DEFAULT_MODE })}
          >
            {trans.__('Allow')}
          </Button>
          <Button inert={inert} onPress={press(null)}>
            {trans.__('Discard')}
          </Button>
        </>
      )}
    >
      <ul className="jp-jmcp-Offer">
        {changeWords(offer, trans, locale).map(words => (
          <li key={words} dir="auto">
            {words}
          </li>
        ))}
      </ul>
    </ConnectionCard>
  );
}
