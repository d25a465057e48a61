import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { isGenuine } from '../../clickGuard';
import { Icon } from './Icon';

/** A button in JupyterLab's style that only a person can press. */
export interface IButtonProps {
  readonly children?: React.ReactNode;
  readonly icon?: LabIcon;
  readonly kind?: 'accept' | 'warn' | 'plain' | 'quiet' | 'link';
  /** The accessible name, where it must say more than the text on the button. */
  readonly label?: string;
  readonly title?: string;
  readonly describedBy?: string;
  readonly expanded?: boolean;
  readonly controls?: string;
  readonly inert?: boolean;
  readonly className?: string;
  readonly onPress: (event: React.MouseEvent<HTMLButtonElement>) => void;
}

const KINDS = {
  accept: 'jp-mod-styled jp-mod-accept',
  warn: 'jp-mod-styled jp-mod-warn',
  plain: 'jp-jmcp-mod-plain',
  quiet: 'jp-jmcp-mod-quiet',
  link: 'jp-jmcp-mod-link'
};

export const Button = React.forwardRef<HTMLButtonElement, IButtonProps>(
  function Button(props, ref) {
    const kind = KINDS[props.kind ?? 'plain'];
    return (
      <button
        ref={ref}
        type="button"
        className={`jp-jmcp-Button ${kind} ${props.className ?? ''}`}
        aria-label={props.label}
        title={props.title}
        aria-describedby={props.describedBy}
        aria-expanded={props.expanded}
        aria-controls={props.controls}
        aria-disabled={props.inert ? true : undefined}
        onClick={event => {
          if (isGenuine(event) && !props.inert) {
            props.onPress(event);
          }
        }}
      >
        {props.icon ? <Icon icon={props.icon} /> : null}
        {props.children ? (
          <span className="jp-jmcp-Button-label">{props.children}</span>
        ) : null}
      </button>
    );
  }
);
