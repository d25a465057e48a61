/** Draws a component as the panel would. */
import { UseSignal } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { configure, render, RenderResult } from '@testing-library/react';
import * as React from 'react';

import { Announcements } from '../notify/announcements';
import { PanelProvider } from '../panel/context';
import type { IAgents, INavigator } from '../tokens';
import { nowhere } from './fixtures';

// A busy computer takes its time; the usual second is what some buttons wait by themselves.
configure({ asyncUtilTimeout: 10_000 });

/** Whether what is looked at lies within its box: jsdom lays nothing out. */
export const sight = { inside: true };

/** Tells at once, as a browser does soon, whether an element is in sight. */
class Sight {
  constructor(private readonly _tell: IntersectionObserverCallback) {}
  observe(): void {
    const entry = { isIntersecting: sight.inside } as IntersectionObserverEntry;
    this._tell([entry], this as unknown as IntersectionObserver);
  }
  unobserve(): void {}
  disconnect(): void {}
}
window.IntersectionObserver = Sight as unknown as typeof IntersectionObserver;

/** jsdom lays nothing out, so no size ever changes. */
class Sizes {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}
window.ResizeObserver = Sizes as unknown as typeof ResizeObserver;

export function draw(
  model: IAgents,
  component: () => JSX.Element | null,
  said: (words: string) => void = () => {},
  navigator: INavigator = nowhere
): RenderResult {
  const trans = nullTranslator.load('jmcp_lab');
  new Announcements(model, trans, said);
  return render(
    <PanelProvider
      value={{
        model,
        trans,
        locale: 'en',
        navigator,
        languages: null,
        say: said,
        openConnect: () => {}
      }}
    >
      <UseSignal signal={model.changed}>{() => component()}</UseSignal>
    </PanelProvider>
  );
}

/**
 * A click as a browser makes it for a person. Events made by script are never trusted, in jsdom
 * neither, so the flag is set where it can be read.
 */
export function pressAsPerson(
  element: Element,
  init: MouseEventInit = {}
): void {
  const event = new MouseEvent('click', { bubbles: true, detail: 0, ...init });
  trust(event);
  element.dispatchEvent(event);
}

/** Send a form as a browser does it for a person. */
export function submitAsPerson(form: HTMLFormElement): void {
  const event = new Event('submit', { bubbles: true, cancelable: true });
  trust(event);
  form.dispatchEvent(event);
}

function trust(event: Event): void {
  // jsdom keeps isTrusted as an own getter that cannot be redefined; its wrapped object can.
  const key = Object.getOwnPropertySymbols(event).find(
    symbol => symbol.description === 'impl'
  );
  if (!key) {
    throw new Error('jsdom keeps its events in another way now.');
  }
  const inner = (event as unknown as Record<symbol, { isTrusted: boolean }>)[
    key
  ];
  Object.defineProperty(inner, 'isTrusted', { get: () => true, set: () => {} });
}
