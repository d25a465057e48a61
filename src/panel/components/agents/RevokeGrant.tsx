import * as React from 'react';

import { usePanel } from '../../context';
import type { IGrant } from '../../../tokens';
import { Button } from '../shared/Button';
import type { IAction } from '../shared/useAction';

/** The button that revokes a grant; `action` has the result. */
export function RevokeGrant(props: {
  grant: IGrant;
  action: IAction;
  describedBy?: string;
  kind?: 'plain' | 'quiet';
}): JSX.Element {
  const { grant, action, describedBy, kind } = props;
  const { model, trans } = usePanel();
  return (
    <Button
      kind={kind}
      title={trans.__('It asks again from now on')}
      describedBy={describedBy}
      inert={action.busy}
      onPress={() =>
        action.run(
          () => model.revokeGrant(grant.id),
          trans.__('%1 asks again from now on.', grant.agentLabel)
        )
      }
    >
      {trans.__('Revoke')}
    </Button>
  );
}
