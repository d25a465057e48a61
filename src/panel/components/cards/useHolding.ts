import * as React from 'react';

import type { IPlace } from '../../../model/requests';

/** How long the pointer must be still before the cards below it may move. */
export const STILL_MS = 1500;

/** Maximum time for which a moving pointer keeps the place of a decided request. */
export const LONGEST_MS = 5000;

/** The places of decided requests that are still kept. */
export interface IHolding {
  /** Whether the place of a request has been kept for long enough. */
  isOver(id: string): boolean;
  /** Call this on each movement of the pointer. */
  onMove(): void;
  /** Call this with what is drawn. */
  drawn(places: readonly IPlace[]): void;
}

/**
 * Keep the places of decided requests while a person may be about to press a card below.
 *
 * It does not keep them longer: an empty box would hide the next request.
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
