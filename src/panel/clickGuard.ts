/**
 * Checks that a person who has seen the content presses a button.
 *
 * A script in the page could dispatch clicks, cover a button or slide it under the pointer. This
 * module rejects such clicks as far as a page can. The server's own checks do not depend on it.
 */
import * as React from 'react';

/** Milliseconds for which a button does nothing after it appears, moves or changes its meaning. */
export const ARMING_MS = 400;

/** Milliseconds for which a button does nothing that replaces one with another meaning. */
export const CHANGED_MS = 1000;

/** Number of pixels up to which a movement is ignored. */
const SLACK = 2;

/** Whether a person, and not a script, caused this event. */
export function isGenuine(event: React.SyntheticEvent): boolean {
  return event.nativeEvent.isTrusted;
}

/** Whether the pressed button is on top at that point. */
export function isOnTop(
  event: Pick<
    React.MouseEvent<HTMLElement>,
    'detail' | 'clientX' | 'clientY'
  > & {
    readonly currentTarget: HTMLElement;
  }
): boolean {
  // A click by keyboard has no position.
  if (event.detail === 0) {
    return true;
  }
  const top = document.elementFromPoint(event.clientX, event.clientY);
  return top !== null && event.currentTarget.contains(top);
}

/** Whether buttons may act yet. */
export interface IArming {
  /** For drawing. */
  readonly armed: boolean;
  /** At the moment of a click. */
  isArmed(): boolean;
}

/**
 * Disarm buttons for a while when they appear, move, or change their meaning.
 *
 * @param meaning - What the buttons would do. A change disarms them again.
 * @param place - The element whose movement disarms them again.
 * @param ms - How long they stay disarmed.
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
    // The panel may open under the pointer long after the card was created.
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
