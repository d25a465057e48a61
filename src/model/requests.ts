import type { AgentRequest, ICall, IPairing } from '../tokens';

/** Whether a request comes from a program that wants to connect. */
export function isPairing(request: AgentRequest): request is IPairing {
  return 'client' in request;
}

/** The key of a request. One call may ask for several inputs, one after the other. */
export function requestKey(request: AgentRequest): string {
  return isPairing(request) || !request.question
    ? request.id
    : `${request.id} ${request.question.id}`;
}

/** A place in the list: a waiting request, or one that ended while the person was near it. */
export interface IPlace {
  readonly request: AgentRequest;
  readonly settled: boolean;
}

/**
 * Arrange the requests so that nothing moves under the pointer or the focus.
 *
 * New requests go to the end. A decided request disappears unless its place must be kept. `hold`
 * decides that from its id and from whether another request waits below it.
 */
export function arrange(
  previous: readonly IPlace[],
  waiting: readonly AgentRequest[],
  hold: (id: string, waitsBelow: boolean) => boolean,
  now: (id: string) => AgentRequest | null
): readonly IPlace[] {
  const open = new Map(waiting.map(request => [request.id, request]));
  const known = new Set(previous.map(place => place.request.id));
  const places: IPlace[] = [];
  previous.forEach((place, index) => {
    const { id } = place.request;
    const request = open.get(id);
    if (request) {
      places.push({ request, settled: false });
      return;
    }
    const waitsBelow = previous
      .slice(index + 1)
      .some(later => open.has(later.request.id));
    if (hold(id, waitsBelow)) {
      places.push({ request: now(id) ?? place.request, settled: true });
    }
  });
  for (const request of waiting) {
    if (!known.has(request.id)) {
      places.push({ request, settled: false });
    }
  }
  return places;
}

/** Compares two requests by the time at which they were made. */
export function newestFirst(a: AgentRequest, b: AgentRequest): number {
  return Date.parse(b.created) - Date.parse(a.created);
}

/** Whether a call has not ended. */
export function isUnderWay(call: ICall): boolean {
  return (
    call.state === 'received' ||
    call.state === 'waiting_for_approval' ||
    call.state === 'running'
  );
}
