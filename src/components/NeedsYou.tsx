import * as React from 'react';

import { usePanel } from '../context';
import {
  decisionWords,
  requestTitle,
  requestWords,
  stateLabel
} from '../format';
import { arrange, IPlace, isPairing, requestKey } from '../queue';
import type { AgentRequest } from '../tokens';
import { StateIcon } from './Icon';
import { InputCard } from './InputCard';
import { OfferCard } from './OfferCard';
import { PairingCard } from './PairingCard';
import { RequestCard } from './RequestCard';
import { Section } from './Section';

/** The requests that wait for the person; nothing in it moves while the person is near. */
export function NeedsYou(props: {
  /** Where the focus goes when the last request is decided. */
  onEmpty: () => void;
}): JSX.Element | null {
  const { model, trans } = usePanel();
  const [, look] = React.useReducer((times: number) => times + 1, 0);
  const own = React.useRef(new Set<string>());
  const hovered = React.useRef(false);
  const places = React.useRef<readonly IPlace[]>([]);
  const list = React.useRef<HTMLDivElement>(null);
  const heading = React.useRef<HTMLHeadingElement>(null);
  const heights = React.useRef(new Map<string, number>());
  const decided = React.useRef<string | null>(null);

  const waiting = model.waiting;
  places.current = arrange(
    places.current,
    waiting,
    // Who decided here knows what became of it and goes on to the next card.
    (id, waitsBelow) =>
      hovered.current
        ? waitsBelow || !own.current.has(id)
        : waitsBelow && !own.current.has(id) && holdsFocus(list.current),
    id => model.call(id)
  );
  useAnnouncement(waiting);

  React.useLayoutEffect(() => {
    const cards = list.current?.querySelectorAll<HTMLElement>('article') ?? [];
    for (const card of cards) {
      heights.current.set(card.dataset.call ?? '', card.offsetHeight);
    }
  });

  const settle = (id: string) => {
    decided.current = id;
    own.current.add(id);
  };

  const { onEmpty } = props;
  React.useEffect(() => {
    const id = decided.current;
    if (id === null || waiting.some(request => request.id === id)) {
      return;
    }
    decided.current = null;
    const next = list.current?.querySelector<HTMLElement>('article');
    if (next) {
      next.focus({ preventScroll: true });
    } else if (heading.current) {
      heading.current.focus();
    } else {
      onEmpty();
    }
  }, [waiting, onEmpty]);

  if (places.current.length === 0) {
    // Nothing tells that the pointer left what was taken away from under it.
    hovered.current = false;
    return null;
  }
  return (
    <Section
      name={trans.__('Needs you')}
      count={waiting.length}
      headingRef={heading}
      urgent
    >
      <div
        ref={list}
        className="jp-jmcp-Cards"
        onMouseEnter={() => {
          hovered.current = true;
        }}
        onMouseLeave={() => {
          hovered.current = false;
          look();
        }}
        onBlur={look}
      >
        {places.current.map(({ request, settled }) =>
          settled ? (
            <Settled
              key={request.id}
              request={request}
              height={heights.current.get(request.id)}
            />
          ) : (
            <Card
              key={requestKey(request)}
              request={request}
              onSettled={() => settle(request.id)}
            />
          )
        )}
      </div>
    </Section>
  );
}

function holdsFocus(element: HTMLElement | null): boolean {
  return element?.contains(document.activeElement) ?? false;
}

/** The card that fits a request. */
function Card(props: {
  request: AgentRequest;
  onSettled: () => void;
}): JSX.Element {
  const { request, onSettled } = props;
  if (isPairing(request) && request.offer) {
    return (
      <OfferCard
        request={request}
        offer={request.offer}
        onDecided={onSettled}
      />
    );
  }
  if (isPairing(request)) {
    return <PairingCard pairing={request} onDecided={onSettled} />;
  }
  return request.question ? (
    <InputCard
      call={request}
      question={request.question}
      onAnswered={onSettled}
    />
  ) : (
    <RequestCard call={request} onDecided={onSettled} />
  );
}

/** What became of a request, in the place where it was. */
function Settled(props: {
  request: AgentRequest;
  height?: number;
}): JSX.Element {
  const { request } = props;
  const { trans } = usePanel();
  return (
    <div className="jp-jmcp-Settled" style={{ blockSize: props.height }}>
      <p dir="auto">
        {isPairing(request) ? requestTitle(request, trans) : request.summary}
      </p>
      <p className="jp-jmcp-Call-meta">
        {isPairing(request) ? (
          trans.__('Answered elsewhere, or it asked for too long.')
        ) : (
          <>
            <span className="jp-jmcp-Outcome">
              <StateIcon call={request} />
              {stateLabel(request, trans)}
            </span>
            <span>{decisionWords(request, trans)}</span>
          </>
        )}
      </p>
    </div>
  );
}

/** Tell once of each new request. */
function useAnnouncement(waiting: readonly AgentRequest[]): void {
  const { trans, say } = usePanel();
  const told = React.useRef(new Set<string>());
  React.useEffect(() => {
    const fresh = waiting.filter(
      request => !told.current.has(requestKey(request))
    );
    told.current = new Set(waiting.map(requestKey));
    if (fresh.length === 1) {
      say(
        trans._n(
          '%2. %1 request is waiting.',
          '%2. %1 requests are waiting.',
          waiting.length,
          requestWords(fresh[0], trans)
        )
      );
    } else if (fresh.length > 1) {
      say(
        trans._n(
          '%1 request is waiting.',
          '%1 requests are waiting.',
          waiting.length
        )
      );
    }
  }, [waiting, trans, say]);
}
