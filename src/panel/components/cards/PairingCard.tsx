import { linkIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { useNow, usePanel } from '../../context';
import { stopwatch } from '../../format';
import type { IPairing } from '../../../tokens';
import { AgentFields, useAgentFields } from '../agents/AgentFields';
import { Button } from '../shared/Button';
import { ConnectionCard } from './ConnectionCard';

/** A program that wants to connect: its name, what it may do, and the answers to it. */
export function PairingCard(props: {
  pairing: IPairing;
  onDecided: () => void;
}): JSX.Element {
  const { pairing, onDecided } = props;
  const { trans } = usePanel();
  const entered = useAgentFields(pairing.client);
  return (
    <ConnectionCard
      request={pairing}
      icon={linkIcon}
      words={trans.__(
        'A program with this name wants to connect. Allow it only if you have just started it.'
      )}
      onDecided={onDecided}
      answers={({ inert, press }) => (
        <>
          <Button
            kind="accept"
            inert={inert || !entered.complete}
            onPress={press(entered.agent(pairing.client))}
          >
            {trans.__('Allow')}
          </Button>
          <Button inert={inert} onPress={press(null)}>
            {trans.__('Deny')}
          </Button>
          <PairingWait pairing={pairing} />
        </>
      )}
    >
      <AgentFields entered={entered} modes="menu" />
    </ConnectionCard>
  );
}

function PairingWait({ pairing }: { pairing: IPairing }): JSX.Element {
  const { trans } = usePanel();
  const now = useNow(true);
  return (
    <span className="jp-jmcp-Waiting" role="timer" aria-live="off">
      {trans.__('waiting %1', stopwatch(pairing.created, now))}
    </span>
  );
}
