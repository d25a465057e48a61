import * as React from 'react';

import { usePanel } from '../context';
import { countLines, firstLines, visible } from '../format';
import type { IPreview, IPreviewItem } from '../tokens';
import { Button } from './Button';
import { HighlightedCode } from './HighlightedCode';
import { UnseenNote } from './UnseenNote';

/** Lines shown before "Show all". */
const FEW = 40;

/** The code of a request, to the byte, or the words about what will happen. */
export function CodePreview(props: { preview: IPreview }): JSX.Element {
  const { preview } = props;
  const { trans } = usePanel();
  const lines =
    preview.lines ||
    preview.items.reduce((sum, item) => sum + countLines(item.text), 0);
  const title =
    preview.kind === 'code'
      ? trans._n(
          'Exactly what will run · %1 line',
          'Exactly what will run · %1 lines',
          lines
        )
      : trans.__('What will happen');
  return (
    <div className="jp-jmcp-Preview">
      <p className="jp-jmcp-Preview-title">{title}</p>
      {preview.items.map((item, index) => (
        <PreviewBlock
          key={`${index} ${item.cellId ?? ''}`}
          item={item}
          named={preview.items.length > 1}
          language={preview.kind === 'code' ? preview.language : null}
          isCode={preview.kind === 'code'}
        />
      ))}
    </div>
  );
}

function PreviewBlock(props: {
  item: IPreviewItem;
  named: boolean;
  language: string | null;
  isCode: boolean;
}): JSX.Element {
  const { item, isCode } = props;
  const { trans, languages } = usePanel();
  const [all, setAll] = React.useState(false);
  const { text, unseen } = React.useMemo(() => visible(item.text), [item.text]);
  const lines = countLines(text);
  const shown = all ? text : firstLines(text, FEW);
  const name = item.title || trans.__('Code');
  return (
    <div className="jp-jmcp-Preview-block">
      {props.named ? (
        <p className="jp-jmcp-Preview-name" dir="auto">
          {item.title}
        </p>
      ) : null}
      <pre
        className={isCode ? 'jp-jmcp-Code' : 'jp-jmcp-Code jp-mod-words'}
        role="region"
        aria-label={name}
        tabIndex={0}
        dir={isCode ? 'ltr' : 'auto'}
      >
        {isCode ? (
          <HighlightedCode
            code={shown}
            language={props.language}
            languages={languages}
          />
        ) : (
          shown
        )}
      </pre>
      {lines > FEW && !all ? (
        <p className="jp-jmcp-Preview-more">
          <span>{trans.__('Showing %1 of %2 lines.', FEW, lines)}</span>
          <Button kind="link" onPress={() => setAll(true)}>
            {trans.__('Show all')}
          </Button>
        </p>
      ) : null}
      <UnseenNote count={unseen} />
    </div>
  );
}
