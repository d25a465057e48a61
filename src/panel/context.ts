import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IAgents, INavigator } from '../tokens';

/** What every component of the panel can use. */
export interface IPanelContext {
  readonly model: IAgents;
  readonly trans: TranslationBundle;
  /** The language of the person as `Intl` names it. */
  readonly locale: string | undefined;
  readonly navigator: INavigator;
  /** Where there is none, code is shown without colours. */
  readonly languages: IEditorLanguageRegistry | null;
  /** Say something politely to those who do not see the panel. */
  say(words: string): void;
  /** Ask the person for a new connection. */
  openConnect(): void;
}

const Context = React.createContext<IPanelContext | null>(null);

export const PanelProvider = Context.Provider;

export function usePanel(): IPanelContext {
  const context = React.useContext(Context);
  if (!context) {
    throw new Error('A component of the panel was used outside of it.');
  }
  return context;
}

/** The present moment, renewed each second while `ticking`. */
export function useNow(ticking: boolean, every = 1000): number {
  const [now, setNow] = React.useState(() => Date.now());
  React.useEffect(() => {
    if (!ticking) {
      return;
    }
    setNow(Date.now());
    const timer = window.setInterval(() => setNow(Date.now()), every);
    return () => window.clearInterval(timer);
  }, [ticking, every]);
  return now;
}
