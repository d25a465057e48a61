/** Pause in typing that ends the guard. */
const PAUSE_MS = 1000;

/** Maximum time for which the guard swallows keys. */
const LONGEST_MS = 10_000;

/**
 * Swallow all keys while a person still types into a cell that was deleted.
 *
 * In another cell they would be text in the wrong place. In command mode they would be commands:
 * two letters delete a cell.
 *
 * @returns A function that ends the guard. A click, Escape or a pause ends it too.
 */
export function guardKeys(): () => void {
  const first = Date.now();
  let last = first;
  const onKey = (event: KeyboardEvent) => {
    const now = Date.now();
    if (now - last > PAUSE_MS || now - first > LONGEST_MS) {
      end();
      return;
    }
    last = now;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.key === 'Escape') {
      end();
    }
  };
  // A person who focuses an output, or another part of the page, no longer types into that cell.
  const onFocus = ({ target }: FocusEvent) => {
    if (
      target instanceof Element &&
      (target.closest('.jp-OutputArea') || !target.closest('.jp-Notebook'))
    ) {
      end();
    }
  };
  const end = () => {
    window.removeEventListener('keydown', onKey, true);
    window.removeEventListener('focusin', onFocus, true);
    window.removeEventListener('pointerdown', end, true);
  };
  window.addEventListener('keydown', onKey, true);
  window.addEventListener('focusin', onFocus, true);
  window.addEventListener('pointerdown', end, true);
  return end;
}
