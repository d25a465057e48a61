import {
  checkIcon,
  closeIcon,
  editIcon,
  fileIcon,
  infoIcon,
  inspectorIcon,
  kernelIcon,
  LabIcon,
  runIcon
} from '@jupyterlab/ui-components';
import * as React from 'react';

import {
  clockIcon,
  deniedIcon,
  eyeIcon,
  spinnerIcon,
  warningIcon
} from '../../../icons';
import type { CallClass, ICall } from '../../../tokens';

/** An icon beside text that says the same, so it is hidden from assistive technology. */
export function Icon(props: {
  icon: LabIcon;
  className?: string;
}): JSX.Element {
  return (
    <span
      className={`jp-jmcp-Icon ${props.className ?? ''}`}
      aria-hidden="true"
    >
      <props.icon.react tag="span" />
    </span>
  );
}

const CLASS_ICONS: Readonly<Record<CallClass, LabIcon>> = {
  info: infoIcon,
  read: eyeIcon,
  inspect: inspectorIcon,
  edit: editIcon,
  run: runIcon,
  kernel: kernelIcon,
  file: fileIcon
};

/** The icon of a class of calls. */
export function ClassIcon(props: { class: CallClass }): JSX.Element {
  return <Icon icon={CLASS_ICONS[props.class]} className="jp-mod-class" />;
}

/** The icon of the state of a call. */
export function StateIcon(props: { call: ICall }): JSX.Element {
  switch (props.call.state) {
    case 'received':
    case 'running':
      return <Icon icon={spinnerIcon} className="jp-mod-running" />;
    case 'waiting_for_approval':
      return <Icon icon={clockIcon} className="jp-mod-waiting" />;
    case 'failed':
      return <Icon icon={warningIcon} className="jp-mod-failed" />;
    case 'denied':
      return <Icon icon={deniedIcon} className="jp-mod-denied" />;
    case 'cancelled':
      return <Icon icon={closeIcon} className="jp-mod-cancelled" />;
    case 'done':
      return props.call.outcome === 'error' ? (
        <Icon icon={warningIcon} className="jp-mod-failed" />
      ) : (
        <Icon icon={checkIcon} className="jp-mod-done" />
      );
  }
}
