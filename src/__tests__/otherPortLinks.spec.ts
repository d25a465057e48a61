import { nullTranslator } from '@jupyterlab/translation';

import { OtherPortLinks } from '../notebook/otherPortLinks';

const opened: string[] = [];
let on = true;
const trans = nullTranslator.load('jmcp_lab');

beforeAll(() => {
  new OtherPortLinks(
    () => on,
    trans,
    address => {
      opened.push(address);
    }
  ).start();
});

beforeEach(() => {
  on = true;
  opened.length = 0;
});

/** Draw HTML in a cell, click its link, and return whether the browser may follow it. */
function follows(html: string, kind = 'click', button = 0): boolean {
  document.body.innerHTML = html;
  const link = document.querySelector('a, area');
  const inner = link?.querySelector('*') ?? link;
  return !!inner?.dispatchEvent(
    new MouseEvent(kind, { bubbles: true, cancelable: true, button })
  );
}

const cell = (address: string) =>
  `<div class="jp-MarkdownOutput"><a href="${address}"><b>chart</b></a></div>`;

test.each([
  ['http://127.0.0.1:9/', 'click', 0],
  ['http://localhost:9/', 'click', 0],
  ['//localhost:9/', 'auxclick', 1],
  ['http://2130706433:9/', 'click', 0]
])('a link to %s is not followed without asking', (address, kind, button) => {
  expect(follows(cell(address), kind, button)).toBe(false);
  expect(opened).toEqual([]);
});

test('a link in an output or drawing is not followed without asking', () => {
  const link = '<a href="http://localhost:9/">x</a>';
  const svg = '<svg><a href="http://localhost:9/"><text>x</text></a></svg>';
  expect(follows(`<div class="jp-OutputArea">${link}</div>`)).toBe(false);
  expect(follows(`<div class="jp-OutputArea">${svg}</div>`)).toBe(false);
});

test('other links are followed', () => {
  expect(follows(cell('https://example.org/'))).toBe(true);
  expect(follows(cell('other.ipynb'))).toBe(true);
  expect(follows(cell('#Heading'))).toBe(true);
  expect(follows(cell('http://127.0.0.1:9/'), 'auxclick', 2)).toBe(true);
  expect(follows('<a href="http://localhost:9/">menu</a>')).toBe(true);
  on = false;
  expect(follows(cell('http://127.0.0.1:9/'))).toBe(true);
});
