/**
 * Checks that a person, who saw what is shown, presses a button.
 *
 * Script in the page could dispatch clicks, cover a button or slide it under the pointer. This
 * keeps such clicks out as far as a page can; the server's own checks do not rest on it.
 */
import * as React from 'react';

/** How long a button does nothing after it appeared, moved or changed its meaning. */
export const ARMING_MS = 400;

/** How long a button does nothing that came where one with another meaning was. */
export const CHANGED_MS = 1000;

/** Movement up to this many pixels is not taken as a movement. */
const SLACK = 2;

/** Whether the browser made this event for something that a person did. */
export function isGenuine(event: React.SyntheticEvent): boolean {
  return event.nativeEvent.isTrusted;
}

/** Whether the pressed button is what the person sees at that point. */
export function isOnTop(
  event: Pick<
    React.MouseEvent<HTMLElement>,
    'detail' | 'clientX' | 'clientY'
  > & {
    readonly currentTarget: HTMLElement;
  }
): boolean {
  // A click made with the keyboard has no place.
  if (event.detail === 0) {
    return true;
  }
  const top = document.elementFromPoint(event.clientX, event.clientY);
  return top !== null && event.currentTarget.contains(top);
}

/** Tells whether buttons may act yet. */
export interface IArming {
  /** For what is drawn. */
  readonly armed: boolean;
  /** For the moment of a click. */
  isArmed(): boolean;
}

/**
 * Let buttons rest when they appear, move, or mean something new.
 *
 * @param meaning - What the buttons would do; a change makes them rest again.
 * @param place - The element whose movement makes them rest again.
 * @param ms - How long they rest.
 */
export function useArming(
  meaning: string,
  place: React.RefObject<HTMLElement>,
  ms = ARMING_MS
): IArming {
  const [armed, setArmed] = React.useState(false);
  const since = React.useRef(Number.POSITIVE_INFINITY);
  const timer = React.useRef(0);
  const top = React.useRef<number | null>(null);

  const rest = React.useCallback(() => {
    since.current = performance.now();
    setArmed(false);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setArmed(true), ms);
  }, [ms]);

  React.useLayoutEffect(() => {
    rest();
    return () => window.clearTimeout(timer.current);
  }, [meaning, rest]);

  React.useLayoutEffect(() => {
    const now = place.current?.offsetTop ?? null;
    if (top.current !== null && now !== null) {
      if (Math.abs(now - top.current) > SLACK) {
        rest();
      }
    }
    top.current = now;
  });

  React.useEffect(() => {
    if (!place.current || typeof IntersectionObserver === 'undefined') {
      return;
    }
    // The panel may open under the pointer long after the card was made.
    const observer = new IntersectionObserver(entries => {
      if (entries.some(entry => entry.isIntersecting)) {
        rest();
      }
    });
    observer.observe(place.current);
    return () => observer.disconnect();
  }, [place, rest]);

  return {
    armed,
    isArmed: () => performance.now() - since.current >= ms
  };
}
