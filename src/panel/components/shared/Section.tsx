import { caretRightIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Icon } from './Icon';

/** A section of the panel under a heading, which holds the button that folds the section. */
export function Section(props: {
  name: string;
  count?: number;
  urgent?: boolean;
  /** Whether it is folded at first; without this it cannot be folded. */
  folded?: boolean;
  headingRef?: React.Ref<HTMLHeadingElement>;
  children: React.ReactNode;
}): JSX.Element {
  const id = React.useId();
  const [open, setOpen] = React.useState(!props.folded);
  const foldable = props.folded !== undefined;
  return (
    <section
      className={`jp-jmcp-Section ${props.urgent ? 'jp-mod-urgent' : ''}`}
      aria-labelledby={id}
    >
      <div className="jp-jmcp-Section-header">
        <h3 id={id} ref={props.headingRef} tabIndex={-1}>
          {foldable ? (
            <button
              type="button"
              className="jp-jmcp-Fold"
              aria-expanded={open}
              onClick={() => setOpen(!open)}
            >
              <Icon icon={caretRightIcon} />
              {props.name}
            </button>
          ) : (
            props.name
          )}
        </h3>
        {props.count ? (
          <span className="jp-jmcp-Count">{props.count}</span>
        ) : null}
      </div>
      {open ? (
        <div className="jp-jmcp-Section-body">{props.children}</div>
      ) : null}
    </section>
  );
}
