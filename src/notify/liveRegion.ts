/** Maximum number of lines, and how long each stays: old news must not be read as current. */
const MOST = 6;
const KEPT_MS = 15_000;

/**
 * A polite live region: it tells people who cannot see the panel what happens.
 *
 * It is attached to the page itself, because screen readers skip a closed panel. Each sentence is a
 * separate line, so that a repeated sentence is read again.
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
