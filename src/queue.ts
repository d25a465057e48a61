import type { ICall } from './tokens';

/** What a request is known by: the same call may ask for one input after the other. */
export function requestKey(call: ICall): string {
  return call.question ? `${call.id} ${call.question.id}` : call.id;
}

/** A place in the queue: a request that waits, or one that ended while the person was near. */
export interface IPlace {
  readonly call: ICall;
  readonly settled: boolean;
}

/**
 * Arrange the requests so that nothing moves under the pointer or the focus.
 *
 * New requests go below. One that was decided goes away, unless its place must be held: `hold` is
 * asked with its id and whether another request waits below it.
 */
export function arrange(
  previous: readonly IPlace[],
  waiting: readonly ICall[],
  hold: (id: string, waitsBelow: boolean) => boolean,
  now: (id: string) => ICall | null
): readonly IPlace[] {
  const open = new Map(waiting.map(call => [call.id, call]));
  const known = new Set(previous.map(place => place.call.id));
  const places: IPlace[] = [];
  previous.forEach((place, index) => {
    const call = open.get(place.call.id);
    if (call) {
      places.push({ call, settled: false });
      return;
    }
    const waitsBelow = previous
      .slice(index + 1)
      .some(later => open.has(later.call.id));
    if (hold(place.call.id, waitsBelow)) {
      places.push({ call: now(place.call.id) ?? place.call, settled: true });
    }
  });
  for (const call of waiting) {
    if (!known.has(call.id)) {
      places.push({ call, settled: false });
    }
  }
  return places;
}
