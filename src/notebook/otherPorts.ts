import type { ISanitizer } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

/** Attributes whose address a browser fetches by itself. */
const FETCHED = ['src', 'srcset', 'poster', 'background', 'data', 'xlink:href'];

/** Elements whose `href` a browser fetches by itself; the one of a link waits for a click. */
const FETCHES_HREF = new Set(['image', 'use', 'link', 'feimage', 'mpath']);

const CSS_ADDRESS = /url\(\s*(?:"([^"]*)"|'([^']*)'|([^)]*))\s*\)|@import/gi;

/**
 * What every address of another origin contains, even if written with line breaks, which browsers
 * skip.
 */
const MAY_HOLD_ADDRESS = /[\\:&]|\/[\t\r\n]*\//;

/** Maximum length of an address that is shown. */
const SHOWN = 200;

/**
 * Whether an address leads to another port of this computer, or of the server's computer.
 *
 * Browsers send a login cookie to every port of its host, so any program that listens there gets
 * it.
 */
export function isOtherPort(address: string, page: URL): boolean {
  let url: URL;
  try {
    url = new URL(address, page);
  } catch {
    return false;
  }
  return (
    /^(https?|wss?|ftp):$/.test(url.protocol) &&
    url.origin !== page.origin &&
    (url.hostname === page.hostname || isLoopback(url.hostname))
  );
}

function isLoopback(host: string): boolean {
  return (
    /^(127(\.\d+){3}|0\.0\.0\.0|\[::1?\]|\[::ffff:(7f|0:0).*\])$/.test(host) ||
    /(^|\.)localhost\.?$/.test(host)
  );
}

/** Remove from HTML what would fetch from another port, and put a note in its place. */
export function withoutOtherPorts(
  html: string,
  page: URL,
  words: (address: string) => string
): string {
  if (!MAY_HOLD_ADDRESS.test(html)) {
    // For example a table of a million numbers.
    return html;
  }
  // Parse it in a document that fetches nothing.
  const { body } = new DOMParser().parseFromString(html, 'text/html');
  let found = false;
  for (const element of Array.from(body.querySelectorAll('*'))) {
    const address = addresses(element).find(each => isOtherPort(each, page));
    if (address !== undefined) {
      const note = document.createElement('span');
      note.className = 'jp-jmcp-NotLoaded';
      note.textContent = words(address.slice(0, SHOWN));
      element.replaceWith(note);
      found = true;
    }
  }
  // Otherwise return it untouched: parsing and serializing HTML may change its form.
  return found ? body.innerHTML : html;
}

function addresses(element: Element): string[] {
  const found: string[] = [];
  const names = FETCHES_HREF.has(element.localName)
    ? [...FETCHED, 'href']
    : FETCHED;
  for (const name of names) {
    const value = element.getAttribute(name);
    if (value !== null) {
      found.push(value);
      if (name === 'srcset') {
        found.push(...value.split(/[\s,]+/));
      }
    }
  }
  const css = [
    element.getAttribute('style') ?? '',
    element.localName === 'style' ? (element.textContent ?? '') : ''
  ].join('\n');
  for (const match of unescaped(css).matchAll(CSS_ADDRESS)) {
    found.push(match[1] ?? match[2] ?? match[3] ?? '');
  }
  return found;
}

/** Decode the escapes of CSS: characters by number, or after a backslash. */
function unescaped(css: string): string {
  return css.replace(
    /\\(?:([0-9a-f]{1,6})[ \t\r\n\f]?|(.))/gi,
    (_, hex: string | undefined, plain: string) => {
      const code = hex === undefined ? null : parseInt(hex, 16);
      return code === null
        ? plain
        : String.fromCodePoint(code > 0x10ffff ? 0xfffd : code);
    }
  );
}

/** Keep untrusted markdown and outputs from fetching from another port. */
export function guardOtherPorts(
  sanitizer: ISanitizer,
  trans: TranslationBundle
): void {
  const sanitize = sanitizer.sanitize.bind(sanitizer);
  sanitizer.sanitize = (dirty, options) =>
    withoutOtherPorts(
      sanitize(dirty, options),
      new URL(location.href),
      address =>
        trans.__(
          'Not loaded: %1 is another port of this computer, and would get your login.',
          address
        )
    );
}
