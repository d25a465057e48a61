import { isOtherPort, withoutOtherPorts } from '../notebook/otherPorts';

const PAGE = new URL('http://127.0.0.1:8888/user/ada/lab/tree/a.ipynb');
const OTHER = 'http://127.0.0.1:9/chart.png';
const clean = (html: string) =>
  withoutOtherPorts(html, PAGE, () => 'not loaded');

test.each([
  OTHER,
  '//127.0.0.1:9/chart.png',
  '\\\\127.0.0.1:9/chart.png',
  ' http:\n//127.0.0.1:9/',
  'HTTP://2130706433:9/',
  'http://0x7f.1:9/',
  'http://127.1:9/',
  'http://localhost:9/',
  'http://a.localhost:9/',
  'http://[::1]:9/',
  'http://[::ffff:127.0.0.1]:9/',
  'http://0.0.0.0:9/',
  'http://user@127.0.0.1:9/',
  'https://127.0.0.1/'
])('%s is another port', address => {
  expect(isOtherPort(address, PAGE)).toBe(true);
});

test.each([
  'chart.png',
  '/user/ada/files/chart.png?token=x',
  'http://127.0.0.1:8888/user/ada/files/chart.png',
  'data:image/png;base64,AAAA',
  'blob:http://127.0.0.1:8888/1',
  'attachment:chart.png',
  'https://example.org/chart.png',
  'http://127.0.0.1.example:9/',
  'http://'
])('%s is not another port', address => {
  expect(isOtherPort(address, PAGE)).toBe(false);
});

test('behind a host name, other ports are those of that name', () => {
  const page = new URL('https://lab.example/jup/lab');
  expect(isOtherPort('https://lab.example:9/x.png', page)).toBe(true);
  expect(isOtherPort('http://lab.example/x.png', page)).toBe(true);
  expect(isOtherPort('https://lab.example/x.png', page)).toBe(false);
});

test.each([
  `<img src="${OTHER}">`,
  `<img src="a.png" srcset="b.png 1x, ${OTHER} 2x">`,
  `<video poster="${OTHER}"></video>`,
  `<audio src="${OTHER}"></audio>`,
  `<video><source src="${OTHER}"></video>`,
  `<table background="${OTHER}"></table>`,
  `<input type="image" src="${OTHER}">`,
  `<object data="${OTHER}"></object>`,
  `<iframe src="${OTHER}"></iframe>`,
  `<svg><image href="${OTHER}"/></svg>`,
  `<svg><image xlink:href="${OTHER}"/></svg>`,
  `<div style="background-image: url('${OTHER}')">x</div>`,
  `<div style="background: url(${OTHER}) no-repeat">x</div>`,
  `<style>p { background: url("${OTHER}") }</style>`,
  // What CSS writes in another way.
  String.raw`<div style="background: url(\68ttp://127.0.0.1:9/x)">x</div>`,
  String.raw`<div style="background: url(http\3A //127.0.0.1:9/x)">x</div>`,
  String.raw`<div style="background: url('http://127.0.0\00002e 1:9/x')">x</div>`,
  String.raw`<div style="background: \75rl(http://127.0.0.1:9/x)">x</div>`,
  String.raw`<div style="background: url(http:\/\/127.0.0.1:9/x)">x</div>`
])('nothing of %s is left that fetches', html => {
  const left = clean(`<p>before</p>${html}<p>after</p>`);
  expect(left).not.toContain('127.0.0.1:9');
  expect(left).toContain('before');
  expect(left).toContain('after');
});

test('nothing loads from the default port of a URL without a port', () => {
  for (const address of [
    '//127.0.0.1/x',
    '/\t/127.0.0.1/x',
    '/\n/127.0.0.1/x'
  ]) {
    expect(clean(`<p><img src="${address}"></p>`)).not.toContain('127.0.0.1');
  }
});

test('content that loads nothing from other ports is unchanged', () => {
  const html = `<P>1 < 2<img src=a.png><a href="${OTHER}">a link waits for a click</a>`;
  expect(clean(html)).toBe(html);
});
