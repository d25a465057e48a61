import { linkIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { useNow, usePanel } from '../../context';
import { modeHelp, modeLabel, stopwatch } from '../../format';
import type { INewAgent, IPairing, Mode } from '../../../tokens';
import { MODES } from '../agents/AgentRow';
import { AutoFields, useAutoFields } from '../agents/AutoForm';
import { Button } from '../shared/Button';
import { ConnectionCard } from './ConnectionCard';

/** A program that wants to connect: its name, what it may do, and the answers to it. */
export function PairingCard(props: {
  pairing: IPairing;
  onDecided: () => void;
}): JSX.Element {
  const { pairing, onDecided } = props;
  const { trans, navigator } = usePanel();
  const [label, setLabel] = React.useState(pairing.client);
  const [mode, setMode] = React.useState<Mode>('edit');
  const auto = useAutoFields(navigator.currentPath ?? '');
  const nameId = React.useId();
  const helpId = React.useId();
  const complete = mode !== 'auto' || auto.complete;
  const agent: INewAgent = {
    label: label.trim() || pairing.client,
    mode,
    ...(mode === 'auto' ? { notebooks: auto.notebooks, until: auto.until } : {})
  };
  return (
    <ConnectionCard
      request={pairing}
      icon={linkIcon}
      words={trans.__(
        'A program that goes by this name asks to be let in. Allow it only if you have just started it.'
      )}
      onDecided={onDecided}
      answers={({ inert, press }) => (
        <>
          <Button
            kind="accept"
            inert={inert || !complete}
            onPress={press(agent)}
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
      <label className="jp-jmcp-Field">
        <span>{trans.__('Name this connection')}</span>
        <input
          type="text"
          className="jp-mod-styled"
          dir="auto"
          maxLength={80}
          value={label}
          onChange={event => setLabel(event.target.value)}
        />
      </label>
      <label className="jp-jmcp-Field">
        <span id={nameId}>{trans.__('What may it do?')}</span>
        <select
          className="jp-jmcp-Select"
          value={mode}
          aria-labelledby={nameId}
          aria-describedby={helpId}
          onChange={event => setMode(event.target.value as Mode)}
        >
          {MODES.map(value => (
            <option key={value} value={value}>
              {modeLabel(value, trans)}
            </option>
          ))}
        </select>
        <small id={helpId}>{modeHelp(mode, trans)}</small>
      </label>
      {mode === 'auto' ? <AutoFields fields={auto} /> : null}
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
