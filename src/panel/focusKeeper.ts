/** Elements that can take the focus instead: a card, or the heading of a section. */
const LANDINGS = 'article[tabindex]';
const FOCUSABLE = 'button, select, input, textarea, a[href], [tabindex]';

/**
 * Keeps the focus near its place when the element that had it is removed.
 *
 * The browser would move the focus to the body, and a person who works by keyboard would have to
 * start over from there. The focus never goes to a button that ends something: the key that ended
 * one thing must not end the next.
 */
export class FocusKeeper {
  constructor(private readonly _root: HTMLElement) {
    _root.addEventListener('focusin', event => {
      this._remember(event.target as HTMLElement);
    });
    _root.addEventListener('focusout', event => {
      const left = event.target as HTMLElement;
      // If the person moved the focus, the element is still in the page a moment later.
      queueMicrotask(() => {
        if (left.isConnected && this._trail[0]?.element === left) {
          this._trail = [];
        }
      });
    });
    this._observer = new MutationObserver(() => this._look());
    this._observer.observe(_root, { childList: true, subtree: true });
  }

  dispose(): void {
    this._observer.disconnect();
  }

  private _remember(target: HTMLElement): void {
    this._trail = [];
    for (
      let element: HTMLElement | null = target;
      element && element !== this._root.parentElement;
      element = element.parentElement
    ) {
      const place = [...(element.parentElement?.children ?? [])].indexOf(
        element
      );
      this._trail.push({ element, place });
    }
  }

  private _look(): void {
    const [lost] = this._trail;
    const { activeElement, body } = this._root.ownerDocument;
    if (!lost || lost.element.isConnected) {
      return;
    }
    const kept = this._trail.findIndex(({ element }) => element.isConnected);
    const free = activeElement === null || activeElement === body;
    const trail = this._trail;
    this._trail = [];
    if (kept > 0 && free) {
      this._landing(trail[kept].element, trail[kept - 1].place).focus({
        preventScroll: true
      });
    }
  }

  /** The best replacement for a removed child of an element. */
  private _landing(parent: HTMLElement, place: number): HTMLElement {
    for (const near of [parent.children[place], parent.children[place - 1]]) {
      if (near?.matches(LANDINGS)) {
        return near as HTMLElement;
      }
      const heading = near?.matches('section') && near.querySelector('h3');
      if (heading) {
        return heading;
      }
    }
    const row = parent.closest<HTMLElement>('li, article[tabindex]');
    const within = row?.matches('article')
      ? row
      : row?.querySelector<HTMLElement>(FOCUSABLE);
    const heading = parent.closest('section')?.querySelector('h3');
    return within ?? heading ?? this._root;
  }

  private _trail: { readonly element: HTMLElement; readonly place: number }[] =
    [];
  private readonly _observer: MutationObserver;
}
