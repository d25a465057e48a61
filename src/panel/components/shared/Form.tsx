import * as React from 'react';

import { isGenuine } from '../../clickGuard';

/** A form that only a person can send, by its {@link SubmitButton} or by Enter. */
export function Form(props: {
  className: string;
  inert?: boolean;
  onSubmit: () => void;
  children: React.ReactNode;
}): JSX.Element {
  return (
    <form
      className={props.className}
      onSubmit={event => {
        event.preventDefault();
        if (isGenuine(event) && !props.inert) {
          props.onSubmit();
        }
      }}
    >
      {props.children}
    </form>
  );
}

/** The button that sends the form around it. */
export function SubmitButton(props: {
  inert: boolean;
  children: React.ReactNode;
}): JSX.Element {
  return (
    <button
      type="submit"
      className="jp-jmcp-Button jp-mod-styled jp-mod-accept"
      aria-disabled={props.inert ? true : undefined}
    >
      {props.children}
    </button>
  );
}
