/** Lines that are kept at most, and for how long: what is over must not be read as if it were so. */
const MOST = 6;
const KEPT_MS = 15_000;

/**
 * Says politely what happens to those who do not see it, wherever they are in the page.
 *
 * It stands in the page itself: what lies in a panel that is closed is not read. Each sentence is
 * a line of its own, so that the same words said again are heard again.
 */
export class LiveRegion {
  constructor(document: Document) {
    this.node = document.createElement('div');
    this.node.className = 'jp-jmcp-Hidden jp-jmcp-LiveRegion';
    this.node.setAttribute('role', 'status');
    this.node.setAttribute('aria-atomic', 'false');
    document.body.append(this.node);
  }

  readonly node: HTMLElement;

  say(words: string): void {
    const line = this.node.ownerDocument.createElement('p');
    line.textContent = words;
    line.dir = 'auto';
    this.node.append(line);
    while (this.node.childElementCount > MOST) {
      this.node.firstElementChild?.remove();
    }
    window.setTimeout(() => line.remove(), KEPT_MS);
  }
}
