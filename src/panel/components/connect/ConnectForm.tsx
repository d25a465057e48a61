import * as React from 'react';

import { usePanel } from '../../context';
import { modeHelp, modeLabel } from '../../format';
import { isGenuine } from '../../clickGuard';
import type { IMinted, INewAgent, Mode } from '../../../tokens';
import { MODES } from '../agents/AgentRow';
import { AutoFields, useAutoFields } from '../agents/AutoForm';
import { Button } from '../shared/Button';
import { ErrorLine } from '../shared/ErrorLine';
import { useAction } from '../shared/useAction';

/** The first half of connecting: a name and what the agent may do. */
export function ConnectForm(props: {
  onMinted: (minted: IMinted) => void;
  onCancel: () => void;
}): JSX.Element {
  const { model, trans, navigator } = usePanel();
  const [label, setLabel] = React.useState('');
  const [mode, setMode] = React.useState<Mode>('edit');
  const auto = useAutoFields(navigator.currentPath ?? '');
  const action = useAction();
  const complete = mode !== 'auto' || auto.complete;

  const create = async () => {
    const fallback = trans.__('Agent %1', model.agents.length + 1);
    const wanted: INewAgent = {
      label: label.trim() || fallback,
      mode,
      ...(mode === 'auto'
        ? { notebooks: auto.notebooks, until: auto.until }
        : {})
    };
    props.onMinted(await model.connect(wanted));
  };
  return (
    <form
      className="jp-jmcp-Connect-form"
      onSubmit={event => {
        event.preventDefault();
        if (isGenuine(event) && complete && !action.busy) {
          action.run(create);
        }
      }}
    >
      <label className="jp-jmcp-Field">
        <span>{trans.__('Name this connection')}</span>
        <input
          type="text"
          className="jp-mod-styled"
          dir="auto"
          maxLength={80}
          value={label}
          placeholder={trans.__('Claude Code on my laptop')}
          onChange={event => setLabel(event.target.value)}
        />
      </label>
      <fieldset className="jp-jmcp-Modes">
        <legend>{trans.__('What may it do?')}</legend>
        {MODES.map(value => (
          <ModeChoice
            key={value}
            mode={value}
            chosen={mode === value}
            onChoose={() => setMode(value)}
          />
        ))}
        {mode === 'auto' ? <AutoFields fields={auto} /> : null}
      </fieldset>
      <ErrorLine message={action.error} />
      <div className="jp-jmcp-Connect-buttons">
        <Button onPress={props.onCancel}>{trans.__('Cancel')}</Button>
        <button
          type="submit"
          className="jp-jmcp-Button jp-mod-styled jp-mod-accept"
          aria-disabled={!complete || action.busy ? true : undefined}
        >
          {trans.__('Create connection')}
        </button>
      </div>
    </form>
  );
}

function ModeChoice(props: {
  mode: Mode;
  chosen: boolean;
  onChoose: () => void;
}): JSX.Element {
  const { trans } = usePanel();
  const helpId = React.useId();
  const nameId = React.useId();
  return (
    <label className="jp-jmcp-Mode">
      <input
        type="radio"
        name="jp-jmcp-mode"
        value={props.mode}
        checked={props.chosen}
        aria-labelledby={nameId}
        aria-describedby={helpId}
        onChange={props.onChoose}
      />
      <span>
        <span id={nameId} className="jp-jmcp-Strong">
          {modeLabel(props.mode, trans)}
        </span>
        <small id={helpId}>{modeHelp(props.mode, trans)}</small>
      </span>
    </label>
  );
}
