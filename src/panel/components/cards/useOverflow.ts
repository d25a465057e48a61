import * as React from 'react';

/** Which part of a box with a maximum height is out of sight. */
export interface IOverflow {
  /** Not all of it fits. */
  readonly scrolls: boolean;
  /** Some of it is below the visible part. */
  readonly more: boolean;
}

/** Find out which part of a box is out of sight whenever it is drawn, resized or scrolled. */
export function useOverflow(box: React.RefObject<HTMLElement>): IOverflow {
  const [found, setFound] = React.useState({ scrolls: false, more: false });
  const look = React.useCallback(() => {
    if (!box.current) {
      return;
    }
    const { scrollHeight, clientHeight, scrollTop } = box.current;
    const scrolls = scrollHeight > clientHeight + 1;
    const more = scrolls && scrollTop + clientHeight < scrollHeight - 1;
    setFound(last =>
      last.scrolls === scrolls && last.more === more ? last : { scrolls, more }
    );
  }, [box]);
  // Not while React draws: what is found out must never make it draw again and again at once.
  React.useEffect(() => {
    const frame = requestAnimationFrame(look);
    return () => cancelAnimationFrame(frame);
  });
  React.useEffect(() => {
    const node = box.current;
    if (!node) {
      return;
    }
    const observer = new ResizeObserver(look);
    observer.observe(node);
    node.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      node.removeEventListener('scroll', look);
    };
  }, [box, look]);
  return found;
}
