import * as React from 'react';

import { CHANGED_MS, useArming } from '../../clickGuard';
import { Button, IButtonProps } from './Button';

/**
 * A button that appears where another one was, or may appear under the pointer.
 *
 * It ignores presses until a double click would be over: the second click was meant for the button
 * that was there before.
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
