import * as React from 'react';

import { usePanel } from '../../context';
import { clip, visible } from '../../format';
import type { IAgent } from '../../../tokens';

/** The dot of an agent, in the colour that it also has in the notebook. */
export function Dot(props: { color: string; hollow?: boolean }): JSX.Element {
  return (
    <span
      className={`jp-jmcp-Dot ${props.hollow ? 'jp-mod-hollow' : ''}`}
      aria-hidden="true"
      style={
        props.color
          ? ({ '--jp-jmcp-agent-color': props.color } as React.CSSProperties)
          : undefined
      }
    />
  );
}

/** What a client says it is. Nobody has checked it. */
export function Claim(props: { claims: IAgent['claims'] }): JSX.Element | null {
  const { trans } = usePanel();
  if (!props.claims) {
    return null;
  }
  const said = clip(
    visible(`${props.claims.name} ${props.claims.version}`.trim()).text,
    60
  );
  return (
    <span
      className="jp-jmcp-Claim"
      title={trans.__('What the client says about itself. It is not verified.')}
    >
      {trans.__('says it is %1', isolated(said))}
    </span>
  );
}

/** The text, isolated so that its writing direction affects nothing around it. */
function isolated(text: string): string {
  return `\u2068${text}\u2069`;
}
