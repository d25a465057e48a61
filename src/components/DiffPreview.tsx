import * as React from 'react';

import { usePanel } from '../context';
import { visible } from '../format';
import type { IPreview, IPreviewItem } from '../tokens';
import { UnseenNote } from './UnseenNote';

/** The changes of a request, one block a cell or file. */
export function DiffPreview(props: { preview: IPreview }): JSX.Element {
  const { trans } = usePanel();
  return (
    <div className="jp-jmcp-Preview">
      <p className="jp-jmcp-Preview-title">
        {trans.__('Exactly what will change')}
      </p>
      {props.preview.items.map((item, index) => (
        <DiffBlock
          key={`${index} ${item.cellId ?? ''}`}
          item={item}
          named={props.preview.items.length > 1}
          language={props.preview.language}
        />
      ))}
    </div>
  );
}

function DiffBlock(props: {
  item: IPreviewItem;
  named: boolean;
  language: string | null;
}): JSX.Element {
  const { item, language } = props;
  const { trans, languages } = usePanel();
  const host = React.useRef<HTMLDivElement>(null);
  const before = React.useMemo(() => visible(item.old), [item.old]);
  const after = React.useMemo(() => visible(item.new), [item.new]);
  const name = item.title || trans.__('Change');

  React.useEffect(() => {
    const parent = host.current;
    if (!parent) {
      return;
    }
    let current = true;
    let remove = () => {};
    // The diff comes with its own code, which most sessions never need.
    import('../diff')
      .then(async ({ showDiff }) => {
        const destroy = await showDiff({
          parent,
          before: before.text,
          after: after.text,
          language,
          languages,
          label: name
        });
        if (current) {
          remove = destroy;
        } else {
          destroy();
        }
      })
      .catch((reason: unknown) => {
        // Without the diff the new text must still be readable.
        parent.textContent = after.text;
        console.warn('The diff could not be drawn.', reason);
      });
    return () => {
      current = false;
      remove();
    };
  }, [before.text, after.text, language, languages, name]);

  return (
    <div className="jp-jmcp-Preview-block">
      {props.named ? (
        <p className="jp-jmcp-Preview-name" dir="auto">
          {item.title}
        </p>
      ) : null}
      <div className="jp-jmcp-Diff" ref={host} />
      <UnseenNote count={before.unseen + after.unseen} />
    </div>
  );
}
