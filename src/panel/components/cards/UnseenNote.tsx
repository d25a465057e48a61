import * as React from 'react';

import { usePanel } from '../../context';
import { SUBSTITUTE } from '../../format';
import { warningIcon } from '../../../icons';
import { Icon } from '../shared/Icon';

/** A note that invisible characters were made visible. */
export function UnseenNote(props: { count: number }): JSX.Element | null {
  const { trans } = usePanel();
  return props.count === 0 ? null : (
    <p className="jp-jmcp-Caution">
      <Icon icon={warningIcon} />
      <span>
        {trans._n(
          '%1 invisible character is shown as %2',
          '%1 invisible characters are shown as %2',
          props.count,
          SUBSTITUTE
        )}
      </span>
    </p>
  );
}
