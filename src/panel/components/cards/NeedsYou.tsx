import * as React from 'react';

import { usePanel } from '../../context';
import { decisionWords, requestTitle, stateLabel } from '../../format';
import {
  arrange,
  IPlace,
  isPairing,
  requestKey
} from '../../../model/requests';
import type { AgentRequest } from '../../../tokens';
import { StateIcon } from '../shared/Icon';
import { InputCard } from './InputCard';
import { OfferCard } from './OfferCard';
import { PairingCard } from './PairingCard';
import { RequestCard } from './RequestCard';
import { Section } from '../shared/Section';
import { useHolding } from './useHolding';

/** The requests that wait for the person. Nothing in it moves while the person may press it. */
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

  const holding = useHolding(look);
  const { needsYou } = model;
  const waiting = [
    ...needsYou,
    ...model.waiting.filter(request => !needsYou.includes(request))
  ];
  const arranged = arrange(
    places.current,
    waiting,
    // The person who decided here knows the result, so the focus goes to the next card.
    (id, waitsBelow) => {
      const told = !own.current.has(id);
      const below = waitsBelow && !holding.isOver(id);
      return hovered.current
        ? below || told
        : waitsBelow && told && holdsFocus(list.current);
    },
    id => model.call(id)
  );
  const isLine = ({ settled, request }: IPlace) =>
    settled && holding.isOver(request.id);
  // Cards of ended requests come after those that wait.
  places.current = [
    ...arranged.filter(place => !isLine(place)),
    ...arranged.filter(isLine)
  ];
  const lines = arranged.filter(isLine).length;

  React.useEffect(() => holding.drawn(places.current));
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

  const boxes = places.current.length - lines;
  const before = React.useRef(boxes);
  React.useEffect(() => {
    // Only a removed card can have moved all waiting ones out of sight.
    if (boxes < before.current && list.current) {
      showFirst(list.current);
    }
    before.current = boxes;
  }, [boxes]);

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

  const mine = needsYou.length;
  const isMine = mine > 0 || waiting.length === 0;
  if (places.current.length === 0) {
    // No event says that the pointer has left an element that was removed under it.
    hovered.current = false;
    return null;
  }
  return (
    <Section
      name={isMine ? trans.__('Needs you') : trans.__('Waiting for others')}
      count={mine}
      headingRef={heading}
      urgent={isMine}
    >
      <div
        ref={list}
        className="jp-jmcp-Cards"
        onMouseEnter={() => {
          hovered.current = true;
        }}
        onMouseMove={holding.onMove}
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
              height={
                holding.isOver(request.id)
                  ? undefined
                  : heights.current.get(request.id)
              }
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

/** Scroll to the first card where the panel shows none of them. */
function showFirst(list: HTMLElement): void {
  const body = list.closest('.jp-jmcp-Body')?.getBoundingClientRect();
  const cards = [...list.querySelectorAll<HTMLElement>('article')];
  const near = list.matches(':hover') || holdsFocus(list);
  const isInSight = (card: HTMLElement) => {
    const { top, bottom } = card.getBoundingClientRect();
    return !body || (bottom > body.top && top < body.bottom);
  };
  if (near && cards.length > 0 && !cards.some(isInSight)) {
    cards[0].scrollIntoView({ block: 'start' });
  }
}

function holdsFocus(element: HTMLElement | null): boolean {
  return element?.contains(document.activeElement) ?? false;
}

/** The card for a request. */
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

/** The result of a request, in its place. */
function Settled(props: {
  request: AgentRequest;
  height?: number;
}): JSX.Element {
  const { request } = props;
  const { trans } = usePanel();
  return (
    <div
      className={`jp-jmcp-Settled ${props.height === undefined ? 'jp-mod-line' : ''}`}
      style={{ blockSize: props.height }}
    >
      <p dir="auto">
        {isPairing(request) ? requestTitle(request, trans) : request.summary}
      </p>
      <p className="jp-jmcp-Call-meta">
        {isPairing(request) ? (
          trans.__('Answered elsewhere, or expired.')
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
