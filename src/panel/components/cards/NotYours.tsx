import { stopIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { usePanel } from '../../context';
import { IRefusal, refusalWords } from '../../../model/deciding';
import { warningIcon } from '../../../icons';
import type { ICall } from '../../../tokens';
import { Button } from '../shared/Button';
import { ErrorLine } from '../shared/ErrorLine';
import { Icon } from '../shared/Icon';
import { useAction } from '../shared/useAction';

/** For a person who cannot decide, this replaces the answers: it says why, and offers Stop. */
export function NotYours(props: {
  refusal: IRefusal;
  /** The call that can be stopped; absent for a connection. */
  call?: ICall;
}): JSX.Element {
  const { refusal, call } = props;
  const { model, trans } = usePanel();
  const action = useAction();
  const wordsId = React.useId();
  return (
    <>
      <p id={wordsId} className="jp-jmcp-Caution">
        <Icon icon={warningIcon} />
        <span dir="auto">{refusalWords(refusal, trans)}</span>
      </p>
      <ErrorLine message={action.error} />
      {call ? (
        <div className="jp-jmcp-Card-answers">
          <Button
            icon={stopIcon}
            describedBy={wordsId}
            title={trans.__('Cancels the request and tells the agent')}
            inert={action.busy}
            onPress={() => action.run(() => model.stopCall(call.id))}
          >
            {trans.__('Stop')}
          </Button>
        </div>
      ) : null}
    </>
  );
}
