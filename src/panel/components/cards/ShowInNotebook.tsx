import * as React from 'react';

import { usePanel } from '../../context';
import { oneLine } from '../../format';
import type { ICall } from '../../../tokens';
import { Button } from '../shared/Button';

/** Leads to the cells of a call; nothing for a call outside of notebooks. */
export function ShowInNotebook(props: { call: ICall }): JSX.Element | null {
  const { trans, navigator } = usePanel();
  const { path } = props.call.target;
  return path?.endsWith('.ipynb') ? (
    <Button
      kind="link"
      className="jp-jmcp-Card-where"
      title={oneLine(path)}
      onPress={() => void navigator.show(props.call)}
    >
      {trans.__('Show in notebook')}
    </Button>
  ) : null;
}
