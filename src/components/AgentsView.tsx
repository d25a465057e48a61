import { UseSignal } from '@jupyterlab/apputils';
import type { ISignal } from '@lumino/signaling';
import * as React from 'react';

import { IPanelContext, PanelProvider } from '../context';
import { Access } from './Access';
import { Activity } from './Activity';
import { Connected } from './Connected';
import { Header } from './Header';
import { NeedsYou } from './NeedsYou';
import { Strips } from './Strips';

/** What {@link AgentsView} needs. */
export type AgentsViewProps = Omit<IPanelContext, 'say'> & {
  /** Says when to draw anew. */
  readonly due: ISignal<unknown, void>;
};

/** Everything in the panel, in its fixed order. */
export function AgentsView(props: AgentsViewProps): JSX.Element {
  const [said, setSaid] = React.useState('');
  const connected = React.useRef<HTMLHeadingElement>(null);
  const focusConnected = React.useCallback(
    () => connected.current?.focus({ preventScroll: true }),
    []
  );
  const { model, trans, locale, navigator, languages, openConnect } = props;
  const context = React.useMemo<IPanelContext>(
    () => ({
      model,
      trans,
      locale,
      navigator,
      languages,
      openConnect,
      say: setSaid
    }),
    [model, trans, locale, navigator, languages, openConnect]
  );
  return (
    <PanelProvider value={context}>
      <UseSignal signal={props.due}>
        {() => (
          <>
            <Header />
            <Strips />
            <div className="jp-jmcp-Body">
              <NeedsYou onEmpty={focusConnected} />
              <Connected headingRef={connected} />
              <Activity />
              <Access />
            </div>
          </>
        )}
      </UseSignal>
      <p className="jp-jmcp-Hidden" role="status">
        {said}
      </p>
    </PanelProvider>
  );
}
