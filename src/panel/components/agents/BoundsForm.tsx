import * as React from 'react';

import { usePanel } from '../../context';
import { Button } from '../shared/Button';
import { Form, SubmitButton } from '../shared/Form';

/** Example of a path pattern; it is not translated. */
const EXAMPLE = 'analysis/*.ipynb';

/** The notebooks and the end that a bounded mode needs. */
export function BoundsForm(props: {
  suggested: string | null;
  busy: boolean;
  onApply: (notebooks: readonly string[], until: string) => void;
  onCancel: () => void;
}): JSX.Element {
  const { trans, navigator } = usePanel();
  const fields = useBounds(props.suggested ?? navigator.currentPath ?? '');
  const inert = !fields.complete || props.busy;
  return (
    <Form
      className="jp-jmcp-AutoForm"
      inert={inert}
      onSubmit={() => props.onApply(fields.notebooks, fields.until)}
    >
      <BoundsFields fields={fields} />
      <div className="jp-jmcp-Row">
        <SubmitButton inert={inert}>{trans.__('Apply')}</SubmitButton>
        <Button onPress={props.onCancel}>{trans.__('Cancel')}</Button>
      </div>
    </Form>
  );
}

/** What the person has entered for a bounded mode. */
export interface IBounds {
  readonly written: string;
  readonly notebooks: readonly string[];
  readonly until: string;
  readonly complete: boolean;
  write(notebooks: string): void;
  setUntil(until: string): void;
}

export function useBounds(suggested: string): IBounds {
  const [offered] = React.useState(suggested);
  const [written, write] = React.useState(offered);
  const [until, setUntil] = React.useState('30m');
  // The name of a notebook may contain a comma.
  const globs = written === offered ? [written] : written.split(/[,\n]/);
  const notebooks = globs.map(glob => glob.trim()).filter(glob => glob !== '');
  return {
    written,
    notebooks,
    until,
    complete: notebooks.length > 0,
    write,
    setUntil
  };
}

export function BoundsFields(props: { fields: IBounds }): JSX.Element {
  const { trans } = usePanel();
  const { fields } = props;
  const helpId = React.useId();
  return (
    <>
      <label className="jp-jmcp-Field">
        <span>{trans.__('Notebooks')}</span>
        <input
          type="text"
          className="jp-mod-styled"
          dir="ltr"
          spellCheck={false}
          value={fields.written}
          placeholder={EXAMPLE}
          aria-describedby={helpId}
          onChange={event => fields.write(event.target.value)}
        />
        <small id={helpId}>
          {trans.__('Separate paths with commas; * matches any name.')}
        </small>
      </label>
      <label className="jp-jmcp-Field">
        <span>{trans.__('For how long')}</span>
        <select
          className="jp-jmcp-Select"
          value={fields.until}
          onChange={event => fields.setUntil(event.target.value)}
        >
          <option value="30m">{trans.__('30 minutes')}</option>
          <option value="2h">{trans.__('2 hours')}</option>
          <option value="stop">{trans.__('Until JupyterLab stops')}</option>
        </select>
      </label>
    </>
  );
}
