import * as React from 'react';

import { warningIcon } from '../../../icons';
import { Icon } from './Icon';

/** A line that says what went wrong and what to do about it. */
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
