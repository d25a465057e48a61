/** A pause in typing after which keys mean something again. */
const PAUSE_MS = 1000;

/** The longest that keys are kept from anything. */
const LONGEST_MS = 10_000;

/**
 * Keeps keys from everything while a person types into a cell that is gone.
 *
 * In another cell they would be text at a wrong place, and in command mode they are commands: two
 * letters delete a cell.
 *
 * @returns What ends it; a click, Escape or a pause do so as well.
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
  // Whoever goes to an output, or elsewhere in the page, does not type into that cell any more.
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
