import { UseSignal } from '@jupyterlab/apputils';
import type { ISignal } from '@lumino/signaling';
import * as React from 'react';

import { IPanelContext, PanelProvider } from '../context';
import type { IPanelSection } from '../../tokens';
import { Access } from './agents/Access';
import { Activity } from './activity/Activity';
import { Connected } from './agents/Connected';
import { Header } from './Header';
import { NeedsYou } from './cards/NeedsYou';
import { Banners } from './Banners';
import { OtherSection } from './OtherSection';

/** What {@link AgentsView} needs. */
export type AgentsViewProps = IPanelContext & {
  /** Emits when the panel must be drawn again. */
  readonly renderRequested: ISignal<unknown, void>;
  /** The sections of other extensions, in their order. */
  sections(): readonly IPanelSection[];
};

/** Everything in the panel, in its fixed order. */
export function AgentsView(props: AgentsViewProps): JSX.Element {
  const connected = React.useRef<HTMLHeadingElement>(null);
  const focusConnected = React.useCallback(
    () => connected.current?.focus({ preventScroll: true }),
    []
  );
  const { model, trans, locale, navigator, languages, say, openConnect } =
    props;
  const context = React.useMemo<IPanelContext>(
    () => ({
      model,
      trans,
      locale,
      navigator,
      languages,
      say,
      openConnect
    }),
    [model, trans, locale, navigator, languages, say, openConnect]
  );
  return (
    <PanelProvider value={context}>
      <UseSignal signal={props.renderRequested}>
        {() => (
          <>
            <Header />
            <Banners />
            <div className="jp-jmcp-Body">
              <NeedsYou onEmpty={focusConnected} />
              <Connected headingRef={connected} />
              <Activity />
              <Access />
              {props.sections().map(section => (
                <OtherSection key={section.id} section={section} />
              ))}
            </div>
          </>
        )}
      </UseSignal>
    </PanelProvider>
  );
}
