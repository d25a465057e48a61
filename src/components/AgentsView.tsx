import { UseSignal } from '@jupyterlab/apputils';
import * as React from 'react';

import { IPanelContext, PanelProvider } from '../context';
import { Access } from './Access';
import { Activity } from './Activity';
import { Connected } from './Connected';
import { Header } from './Header';
import { NeedsYou } from './NeedsYou';
import { Strips } from './Strips';

/** Everything in the panel, in its fixed order. */
export function AgentsView(props: Omit<IPanelContext, 'say'>): JSX.Element {
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
      <UseSignal signal={model.changed}>
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
