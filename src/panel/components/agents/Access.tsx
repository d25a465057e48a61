import * as React from 'react';

import { useNow, usePanel } from '../../context';
import { isOver, protectionWords, untilWords } from '../../format';
import type { IGrant } from '../../../tokens';
import { ErrorLine } from '../shared/ErrorLine';
import { RevokeGrant } from './RevokeGrant';
import { Section } from '../shared/Section';
import { useAction } from '../shared/useAction';

/** The grants, and how the server is protected. */
export function Access(): JSX.Element {
  const { model, trans } = usePanel();
  const now = useNow(model.grants.length > 0, 15_000);
  const grants = model.grants.filter(grant => !isOver(grant, now));
  return (
    <Section name={trans.__('Access')} count={grants.length} folded={false}>
      {grants.length === 0 ? (
        <p className="jp-jmcp-Empty">
          {trans.__('No agent may do more than its mode allows.')}
        </p>
      ) : (
        <ul className="jp-jmcp-List">
          {grants.map(grant => (
            <GrantRow key={grant.id} grant={grant} now={now} />
          ))}
        </ul>
      )}
      <div className="jp-jmcp-Words">
        <p>
          {trans.__(
            'Approvals stop an agent from acting here without you. They are not a sandbox: code that an agent runs has the same rights as you on this computer, so approving code is the real decision.'
          )}
        </p>
        <p>
          {trans.__(
            'To limit what code can do, run kernels as another user or in a container.'
          )}
        </p>
        {model.server ? (
          <p className="jp-jmcp-Muted">
            {protectionWords(model.server.protection, trans)}
          </p>
        ) : null}
      </div>
    </Section>
  );
}

function GrantRow(props: { grant: IGrant; now: number }): JSX.Element {
  const { grant, now } = props;
  const { trans, locale } = usePanel();
  const action = useAction();
  const nameId = React.useId();
  const where = grant.path ?? trans.__('all notebooks');
  const words = trans.__('%1 may run %2', grant.agentLabel, where);
  return (
    <li className="jp-jmcp-Grant">
      <div className="jp-jmcp-Grant-words">
        <span id={nameId} dir="auto">
          {words}
        </span>
        <span className="jp-jmcp-Muted">
          {untilWords(grant.until, now, trans, locale)}
        </span>
        <ErrorLine message={action.error} />
      </div>
      <RevokeGrant
        grant={grant}
        action={action}
        describedBy={nameId}
        kind="quiet"
      />
    </li>
  );
}
