import * as React from 'react';

import { warningIcon } from '../../../icons';
import { Icon } from './Icon';

/** What went wrong, with a way on. */
export function ErrorLine(props: {
  message: string | null;
  children?: React.ReactNode;
}): JSX.Element | null {
  return props.message === null ? null : (
    <p className="jp-jmcp-ErrorLine" role="alert">
      <Icon icon={warningIcon} className="jp-mod-failed" />
      <span dir="auto">{props.message}</span>
      {props.children}
    </p>
  );
}
