/**
 * Put a text on the clipboard.
 *
 * The browser's clipboard exists only on secure pages, and many Jupyter servers are plain HTTP on
 * another computer. There this function uses the old command, which needs a field that can have the
 * focus: `near` is an element that is not inert.
 */
export async function copyText(text: string, near: HTMLElement): Promise<void> {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return;
    } catch {
      // A policy of the page or the browser refused it; the old command may still work.
    }
  }
  const focused = document.activeElement;
  const field = document.createElement('textarea');
  field.className = 'jp-jmcp-Hidden';
  field.value = text;
  near.append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  if (focused instanceof HTMLElement) {
    focused.focus({ preventScroll: true });
  }
  if (!copied) {
    throw new Error('The browser does not let this page copy.');
  }
}
