import * as React from 'react';

import { CHANGED_MS, useArming } from '../../clickGuard';
import { Button, IButtonProps } from './Button';

/**
 * A button that comes to where another one was, or may come under a pointer.
 *
 * It takes no press before the second click of a double click is over: that was meant for what
 * stood there before.
 */
export function RestingButton(
  props: IButtonProps & { focused?: boolean }
): JSX.Element {
  const { focused, onPress, ...rest } = props;
  const button = React.useRef<HTMLButtonElement>(null);
  const arming = useArming('', button, CHANGED_MS);
  React.useEffect(() => {
    if (focused) {
      button.current?.focus({ preventScroll: true });
    }
  }, [focused]);
  return (
    <Button
      {...rest}
      ref={button}
      inert={rest.inert || !arming.armed}
      onPress={event => {
        if (arming.isArmed()) {
          onPress(event);
        }
      }}
    />
  );
}
