import * as React from 'react';

import { usePanel } from '../../context';
import { DEFAULT_MODE, IMode, isBounded, MODES } from '../../../model/modes';
import type { INewAgent, Mode } from '../../../tokens';
import { BoundsFields, IBounds, useBounds } from './BoundsForm';

/** What the person has entered for a new agent. */
export interface IAgentFields {
  readonly label: string;
  readonly mode: Mode;
  readonly bounds: IBounds;
  /** Whether everything is there that the mode needs. */
  readonly complete: boolean;
  setLabel(label: string): void;
  setMode(mode: Mode): void;
  /** The agent as entered; `fallback` is its name if none was entered. */
  agent(fallback: string): INewAgent;
}

/** Keep what the person enters for a new agent. */
export function useAgentFields(offeredLabel: string): IAgentFields {
  const { navigator } = usePanel();
  const [label, setLabel] = React.useState(offeredLabel);
  const [mode, setMode] = React.useState<Mode>(DEFAULT_MODE);
  const bounds = useBounds(navigator.currentPath ?? '');
  const bounded = isBounded(mode);
  return {
    label,
    mode,
    bounds,
    complete: !bounded || bounds.complete,
    setLabel,
    setMode,
    agent: fallback => ({
      label: label.trim() || fallback,
      mode,
      ...(bounded ? { notebooks: bounds.notebooks, until: bounds.until } : {})
    })
  };
}

/** The fields for a new agent: its name, its mode, and what that mode needs. */
export function AgentFields(props: {
  entered: IAgentFields;
  /** Radio buttons that explain every mode, or a menu that takes little room. */
  modes: 'radios' | 'menu';
  example?: string;
}): JSX.Element {
  const { entered } = props;
  const { trans } = usePanel();
  const bounds = isBounded(entered.mode) ? (
    <BoundsFields fields={entered.bounds} />
  ) : null;
  return (
    <>
      <label className="jp-jmcp-Field">
        <span>{trans.__('Name this connection')}</span>
        <input
          type="text"
          className="jp-mod-styled"
          dir="auto"
          maxLength={80}
          value={entered.label}
          placeholder={props.example}
          onChange={event => entered.setLabel(event.target.value)}
        />
      </label>
      {props.modes === 'radios' ? (
        <fieldset className="jp-jmcp-Modes">
          <legend>{trans.__('What may it do?')}</legend>
          {MODES.map(mode => (
            <ModeRadio
              key={mode.value}
              mode={mode}
              chosen={entered.mode === mode.value}
              onChoose={() => entered.setMode(mode.value)}
            />
          ))}
          {bounds}
        </fieldset>
      ) : (
        <>
          <ModeMenu chosen={entered.mode} onChoose={entered.setMode} />
          {bounds}
        </>
      )}
    </>
  );
}

function ModeRadio(props: {
  mode: IMode;
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
        value={props.mode.value}
        checked={props.chosen}
        aria-labelledby={nameId}
        aria-describedby={helpId}
        onChange={props.onChoose}
      />
      <span>
        <span id={nameId} className="jp-jmcp-Strong">
          {props.mode.label(trans)}
        </span>
        <small id={helpId}>{props.mode.help(trans)}</small>
      </span>
    </label>
  );
}

function ModeMenu(props: {
  chosen: Mode;
  onChoose: (mode: Mode) => void;
}): JSX.Element {
  const { trans } = usePanel();
  const nameId = React.useId();
  const helpId = React.useId();
  return (
    <label className="jp-jmcp-Field">
      <span id={nameId}>{trans.__('What may it do?')}</span>
      <select
        className="jp-jmcp-Select"
        value={props.chosen}
        aria-labelledby={nameId}
        aria-describedby={helpId}
        onChange={event => props.onChoose(event.target.value as Mode)}
      >
        {MODES.map(mode => (
          <option key={mode.value} value={mode.value}>
            {mode.label(trans)}
          </option>
        ))}
      </select>
      <small id={helpId}>
        {MODES.find(mode => mode.value === props.chosen)?.help(trans)}
      </small>
    </label>
  );
}
