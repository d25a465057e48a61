import * as React from 'react';

import type { IPlace } from '../../../model/requests';

/** For how long a pointer must be still until what it may be about to press can move. */
export const STILL_MS = 1500;

/** The longest that a pointer which goes on moving keeps the place of what was decided. */
export const LONGEST_MS = 5000;

/** Which places of requests that were decided are still held as they were. */
export interface IHolding {
  /** Whether the place of a request has been held for long enough. */
  isOver(id: string): boolean;
  /** To be told of each movement of the pointer. */
  onMove(): void;
  /** To be told what is drawn. */
  drawn(places: readonly IPlace[]): void;
}

/**
 * Hold the places of decided requests while a person may be about to press what stands below.
 *
 * Not for longer: an empty box that stays hides the next request.
 */
export function useHolding(look: () => void): IHolding {
  const since = React.useRef(new Map<string, number>());
  const moved = React.useRef(-Infinity);
  const timer = React.useRef(0);
  React.useEffect(() => () => window.clearTimeout(timer.current), []);
  const left = (id: string): number => {
    const now = performance.now();
    const start = since.current.get(id) ?? now;
    return (
      Math.min(Math.max(start, moved.current) + STILL_MS, start + LONGEST_MS) -
      now
    );
  };
  return {
    isOver: id => left(id) <= 0,
    onMove: () => {
      moved.current = performance.now();
    },
    drawn: places => {
      const settled = places
        .filter(place => place.settled)
        .map(place => place.request.id);
      const now = performance.now();
      since.current = new Map(
        settled.map(id => [id, since.current.get(id) ?? now])
      );
      const next = settled.map(left).filter(ms => ms > 0);
      window.clearTimeout(timer.current);
      if (next.length > 0) {
        timer.current = window.setTimeout(look, Math.min(...next));
      }
    }
  };
}
