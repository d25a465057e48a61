import * as React from 'react';

import { usePanel } from '../../context';
import { IPiece, parts } from '../../pieces';
import { colourable } from '../../preview';
import type { IPreview } from '../../../tokens';
import { HighlightedCode } from './HighlightedCode';

/** Draws a text of an agent, or a change to one, piece by piece. */
export function Pieces(props: {
  pieces: readonly IPiece[];
  name: string;
  kind: IPreview['kind'];
  language: string | null;
}): JSX.Element {
  const { pieces, kind } = props;
  const { languages } = usePanel();
  const colours = React.useMemo(
    () => (kind === 'code' ? colourable(pieces) : null),
    [pieces, kind]
  );
  return (
    <pre
      className={`jp-jmcp-Code jp-mod-${kind === 'text' ? 'words' : kind}`}
      role="region"
      aria-label={props.name}
      tabIndex={0}
      dir={kind === 'text' ? 'auto' : 'ltr'}
    >
      {colours !== null ? (
        <HighlightedCode
          code={colours}
          language={props.language}
          languages={languages}
        />
      ) : (
        pieces.map((piece, index) => <Piece key={index} piece={piece} />)
      )}
    </pre>
  );
}

/**
 * A piece is drawn only once: a long text is drawn in steps, and each step draws only new pieces.
 */
const Piece = React.memo(function Piece({
  piece
}: {
  piece: IPiece;
}): JSX.Element {
  const { trans } = usePanel();
  if (piece.kind !== 'lines') {
    return (
      <span className={`jp-jmcp-Piece jp-mod-note jp-mod-${piece.sign}`}>
        {piece.kind === 'blank'
          ? trans._n('… %1 blank line', '… %1 blank lines', piece.lines)
          : trans._n(
              '… %1 unchanged line',
              '… %1 unchanged lines',
              piece.lines
            )}
      </span>
    );
  }
  const height = { '--jp-jmcp-lines': piece.lines || 1 } as React.CSSProperties;
  return (
    <span
      className={`jp-jmcp-Piece jp-mod-${piece.sign} ${piece.goesOn ? 'jp-mod-goesOn' : ''}`}
      style={height}
    >
      {piece.sign === 'same' ? null : (
        <span className="jp-jmcp-Hidden">
          {piece.sign === 'added' ? trans.__('Added:') : trans.__('Removed:')}
        </span>
      )}
      {parts(piece.text).map((part, index) =>
        typeof part === 'string' ? (
          part
        ) : (
          <span key={index} className="jp-jmcp-Blanks">
            {trans._n('… %1 blank', '… %1 blanks', part)}
          </span>
        )
      )}
      {'\n'}
    </span>
  );
});
