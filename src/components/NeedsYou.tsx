import * as React from 'react';

import { usePanel } from '../context';
import { decisionWords, requestTitle, stateLabel } from '../format';
import { arrange, IPlace, requestKey } from '../queue';
import type { ICall } from '../tokens';
import { StateIcon } from './Icon';
import { InputCard } from './InputCard';
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
    if (id === null || waiting.some(call => call.id === id)) {
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
        {places.current.map(({ call, settled }) =>
          settled ? (
            <Settled
              key={call.id}
              call={call}
              height={heights.current.get(call.id)}
            />
          ) : call.question ? (
            <InputCard
              key={requestKey(call)}
              call={call}
              question={call.question}
              onAnswered={() => settle(call.id)}
            />
          ) : (
            <RequestCard
              key={call.id}
              call={call}
              onDecided={() => settle(call.id)}
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

/** What became of a request, in the place where it was. */
function Settled(props: { call: ICall; height?: number }): JSX.Element {
  const { trans } = usePanel();
  return (
    <div className="jp-jmcp-Settled" style={{ blockSize: props.height }}>
      <p dir="auto">{props.call.summary}</p>
      <p className="jp-jmcp-Call-meta">
        <span className="jp-jmcp-Outcome">
          <StateIcon call={props.call} />
          {stateLabel(props.call, trans)}
        </span>
        <span>{decisionWords(props.call, trans)}</span>
      </p>
    </div>
  );
}

/** Tell once of each new request. */
function useAnnouncement(waiting: readonly ICall[]): void {
  const { trans, say } = usePanel();
  const told = React.useRef(new Set<string>());
  React.useEffect(() => {
    const fresh = waiting.filter(call => !told.current.has(requestKey(call)));
    told.current = new Set(waiting.map(requestKey));
    if (fresh.length === 1) {
      say(
        trans._n(
          '%2 asks: %3. %1 request is waiting.',
          '%2 asks: %3. %1 requests are waiting.',
          waiting.length,
          fresh[0].agentLabel,
          requestTitle(fresh[0], trans)
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
