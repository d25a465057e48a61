import * as React from 'react';

import { usePanel } from '../../context';
import { firstOf, IShownItem, IShownPreview } from '../../preview';
import { Button } from '../shared/Button';
import { ChangeEditor } from './ChangeEditor';
import { Pieces } from './Pieces';
import { UnseenNote } from './UnseenNote';
import type { IReading } from './useReading';

/** Number of pieces drawn in one frame, so that the page stays responsive with a long text. */
const AT_ONCE = 16;

/** Exactly what will happen: code, a change, or a description. */
export function Preview(props: {
  shown: IShownPreview;
  reading: IReading;
}): JSX.Element {
  const { shown, reading } = props;
  const { trans } = usePanel();
  const first = React.useMemo(() => firstOf(shown), [shown]);
  const whole = reading.all && !shown.tooLong;
  const items = first === null || whole ? shown.items : first;
  const drawn = useSteps(items, whole);
  const box = React.useRef<HTMLDivElement>(null);
  const end = React.useRef<HTMLDivElement>(null);
  useInSight(box, end, drawn >= count(items) && items, reading);

  // After opening all by keyboard the focus moves into the text, away from where Allow will be.
  const wasWhole = React.useRef(whole);
  React.useEffect(() => {
    if (whole && !wasWhole.current) {
      box.current
        ?.querySelector<HTMLElement>('[tabindex]')
        ?.focus({ preventScroll: true });
    }
    wasWhole.current = whole;
  }, [whole]);

  const firstLines = (first ?? []).reduce(
    (sum, item) => sum + item.pieces.reduce((all, each) => all + each.lines, 0),
    0
  );
  return (
    <div className="jp-jmcp-Preview">
      <p className="jp-jmcp-Preview-title">{title(shown, trans)}</p>
      <div
        ref={box}
        className={`jp-jmcp-Preview-box ${whole ? 'jp-mod-all' : ''}`}
      >
        <Items shown={shown} items={items} most={drawn} />
        <div ref={end} className="jp-jmcp-Preview-end" />
      </div>
      {first !== null && !reading.all ? (
        <p className="jp-jmcp-Preview-more">
          <span>
            {trans.__('Showing %1 of %2 lines.', firstLines, shown.lines)}
          </span>
          {shown.tooLong ? null : (
            <Button kind="link" onPress={reading.openAll}>
              {trans.__('Show all')}
            </Button>
          )}
        </p>
      ) : null}
      <UnseenNote count={shown.unseen} />
    </div>
  );
}

function Items(props: {
  shown: IShownPreview;
  items: readonly IShownItem[];
  most: number;
}): JSX.Element {
  const { shown, items } = props;
  const { trans } = usePanel();
  let left = props.most;
  return (
    <>
      {items.map((item, index) => {
        const pieces = item.pieces.slice(0, Math.max(0, left));
        left -= item.pieces.length;
        if (pieces.length === 0 && item.pieces.length > 0) {
          return null;
        }
        const change = shown.changes?.[index];
        const drawn = (
          <Pieces
            pieces={pieces}
            name={item.title || trans.__('Code')}
            kind={shown.kind}
            language={shown.kind === 'code' ? shown.language : null}
          />
        );
        return (
          <div
            key={`${index} ${item.cellId ?? ''}`}
            className="jp-jmcp-Preview-block"
          >
            {items.length > 1 || shown.items.length > 1 ? (
              <p className="jp-jmcp-Preview-name" dir="auto">
                {item.title}
              </p>
            ) : null}
            {change ? (
              <ChangeEditor item={change} language={shown.language}>
                {drawn}
              </ChangeEditor>
            ) : (
              drawn
            )}
          </div>
        );
      })}
    </>
  );
}

function title(
  shown: IShownPreview,
  trans: ReturnType<typeof usePanel>['trans']
): string {
  if (shown.tooLong) {
    // If the comparison is not complete, the number of changed lines is unknown.
    return shown.kind === 'diff'
      ? trans.__('The beginning of what would change')
      : trans.__('The beginning of what would happen');
  }
  switch (shown.kind) {
    case 'code':
      return trans._n(
        'Exactly what will run · %1 line',
        'Exactly what will run · %1 lines',
        shown.lines
      );
    case 'diff':
      return trans.__(
        'Exactly what will change · +%1 −%2',
        shown.added,
        shown.removed
      );
    case 'text':
      return trans.__('What will happen');
  }
}

function count(items: readonly IShownItem[]): number {
  return items.reduce((sum, item) => sum + item.pieces.length, 0);
}

/** The number of pieces drawn so far, which grows with each frame. */
function useSteps(items: readonly IShownItem[], stepwise: boolean): number {
  const total = count(items);
  const [steps, setSteps] = React.useState({ items, drawn: 0 });
  const drawn = !stepwise
    ? total
    : steps.items === items
      ? Math.max(steps.drawn, AT_ONCE)
      : AT_ONCE;
  React.useEffect(() => {
    if (drawn >= total) {
      return;
    }
    const frame = window.requestAnimationFrame(() =>
      setSteps({ items, drawn: drawn + AT_ONCE })
    );
    return () => window.cancelAnimationFrame(frame);
  }, [items, drawn, total]);
  return drawn;
}

/**
 * Report when the end of a box is in sight.
 *
 * @param drawn - The content, once all of it is drawn. Other content is reported again.
 */
function useInSight(
  box: React.RefObject<HTMLElement>,
  end: React.RefObject<HTMLElement>,
  drawn: unknown,
  reading: IReading
): void {
  const tell = React.useRef(reading.onEnd);
  tell.current = reading.onEnd;
  const { all } = reading;
  React.useEffect(() => {
    if (!drawn || !end.current) {
      return;
    }
    const observer = new IntersectionObserver(
      entries => tell.current(entries[entries.length - 1].isIntersecting),
      { root: box.current }
    );
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [box, end, drawn, all]);
}
