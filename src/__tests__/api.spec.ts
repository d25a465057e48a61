import { ServerConnection } from '@jupyterlab/services';

import { AgentsApi } from '../api/api';
import { fetchWithXsrf, xsrfValues } from '../api/xsrf';

const TOKENS = '_xsrf=outer; theme=dark; _xsrf=inner';

function answer(status: number, body: object = {}): Response {
  return new Response(JSON.stringify(body), { status });
}

/** A server that takes one value of the cookie, and what it was sent. */
function server(takes: string): {
  sent: (string | null)[];
  fetch: typeof fetch;
} {
  const sent: (string | null)[] = [];
  const fetch = async (
    input: RequestInfo | URL,
    init?: RequestInit
  ): Promise<Response> => {
    const request = new Request(input, init);
    const value = request.headers.get('X-XSRFToken');
    sent.push(value);
    return value === takes ? answer(200, await body(request)) : answer(403);
  };
  return { sent, fetch };
}

async function body(request: Request): Promise<object> {
  const text = await request.text();
  return text === '' ? {} : (JSON.parse(text) as object);
}

function change(value: string): Request {
  return new Request('http://localhost/jmcp-lab/api/agents', {
    method: 'POST',
    body: '{"label":"mine"}',
    headers: { 'X-XSRFToken': value }
  });
}

test("the URL of a new agent is based on the page, not on the server's own address", async () => {
  const settings = ServerConnection.makeSettings({
    baseUrl: 'https://lab.example/user/ada/',
    fetch: (async () =>
      answer(201, {
        id: 'a_1',
        label: 'mine',
        token: 'jml_x',
        url: 'http://127.0.0.1:41/user/ada/agents/mcp'
      })) as typeof fetch
  });
  const minted = await new AgentsApi(settings).connect({
    label: 'mine',
    mode: 'edit'
  } as never);
  expect(minted.url).toBe('https://lab.example/user/ada/agents/mcp');
});

test('all values of the cookie are found', () => {
  expect(xsrfValues(TOKENS)).toEqual(['outer', 'inner']);
  expect(xsrfValues('_xsrf=a; _xsrf=a')).toEqual(['a']);
  expect(xsrfValues('')).toEqual([]);
});

test.each(['outer', 'inner'])(
  'a change reaches a server that accepts the value %s, and the next one at once',
  async takes => {
    const { sent, fetch } = server(takes);
    const find = fetchWithXsrf(fetch, () => TOKENS);
    const first = await find(change('inner'));
    expect(first.status).toBe(200);
    expect(await first.json()).toEqual({ label: 'mine' });
    sent.length = 0;
    expect((await find(change('inner'))).status).toBe(200);
    expect(sent).toEqual([takes]);
  }
);

test('a refusal for another reason is passed on after each value was tried once', async () => {
  const { sent, fetch } = server('no such value');
  const find = fetchWithXsrf(fetch, () => TOKENS);
  expect((await find(change('inner'))).status).toBe(403);
  expect(sent).toEqual(['inner', 'outer']);
});

test('with one value nothing is sent twice', async () => {
  const { sent, fetch } = server('no such value');
  const find = fetchWithXsrf(fetch, () => '_xsrf=one');
  expect((await find(change('one'))).status).toBe(403);
  expect(sent).toEqual(['one']);
});
