import * as React from 'react';

import { usePanel } from '../../context';
import type { IMinted } from '../../../tokens';
import { AgentFields, useAgentFields } from '../agents/AgentFields';
import { Button } from '../shared/Button';
import { ErrorLine } from '../shared/ErrorLine';
import { Form, SubmitButton } from '../shared/Form';
import { useAction } from '../shared/useAction';

/** The first half of connecting: a name and what the agent may do. */
export function ConnectForm(props: {
  onMinted: (minted: IMinted) => void;
  onCancel: () => void;
}): JSX.Element {
  const { model, trans } = usePanel();
  const entered = useAgentFields('');
  const action = useAction();
  const inert = !entered.complete || action.busy;

  const create = async () => {
    const fallback = trans.__('Agent %1', model.agents.length + 1);
    props.onMinted(await model.connect(entered.agent(fallback)));
  };
  return (
    <Form
      className="jp-jmcp-Connect-form"
      inert={inert}
      onSubmit={() => action.run(create)}
    >
      <AgentFields
        entered={entered}
        modes="radios"
        example={trans.__('Claude Code on my laptop')}
      />
      <ErrorLine message={action.error} />
      <div className="jp-jmcp-Connect-buttons">
        <Button onPress={props.onCancel}>{trans.__('Cancel')}</Button>
        <SubmitButton inert={inert}>
          {trans.__('Create connection')}
        </SubmitButton>
      </div>
    </Form>
  );
}
