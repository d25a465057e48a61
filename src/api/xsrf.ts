import type { ServerConnection } from '@jupyterlab/services';

/** Header in which Jupyter servers expect the value of their cookie. */
const HEADER = 'X-XSRFToken';

/** Maximum number of values that one request tries. */
const MOST_TRIED = 8;

type Fetch = ServerConnection.ISettings['fetch'];

/**
 * The values of the `_xsrf` cookie that a page has.
 *
 * There are two where one server's path lies below another's, as on a JupyterHub. The browser does
 * not say which value belongs to which server.
 */
export function xsrfValues(cookie: string): readonly string[] {
  const values = cookie
    .split(';')
    .map(part => part.trim())
    .filter(part => part.startsWith('_xsrf='))
    .map(part => part.slice('_xsrf='.length));
  return [...new Set(values)].slice(0, MOST_TRIED);
}

/**
 * A `fetch` that finds the value of the `_xsrf` cookie that the server accepts.
 *
 * JupyterLab sends the last value, but JupyterHub accepts the first one that it has signed. A
 * refused request has changed nothing, so it can be sent again with another value.
 */
export function fetchWithXsrf(
  fetch: Fetch,
  cookie: () => string = () => document.cookie
): Fetch {
  let taken: string | null = null;
  return async (input, init) => {
    const request = new Request(input, init);
    const values = xsrfValues(cookie());
    if (values.length < 2) {
      return fetch(request);
    }
    const sent = request.headers.get(HEADER);
    const tries = [taken, sent, ...values].filter(
      (value): value is string => value !== null && values.includes(value)
    );
    let refused: Response | null = null;
    for (const value of new Set(tries)) {
      const again = request.clone();
      again.headers.set(HEADER, value);
      const response = await fetch(again);
      if (response.status !== 403) {
        taken = value;
        return response;
      }
      refused ??= response;
    }
    return refused ?? fetch(request);
  };
}
