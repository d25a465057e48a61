import { act, screen } from '@testing-library/react';
import * as React from 'react';

import { RefusedError } from '../api';
import { Strips } from '../components/Strips';
import { AgentsModel } from '../model';
import { readDelta } from '../wire';
import type { NotLive } from '../tokens';
import { MemoryApi, until } from './fixtures';
import { draw } from './render';

async function strips(notLive: NotLive | null): Promise<string[]> {
  const api = new MemoryApi();
  api.notLive = notLive;
  const model = new AgentsModel({ api });
  await act(async () => {
    draw(model, () => <Strips />);
    await model.ready;
  });
  const found = screen.queryAllByRole('listitem').map(each => each.textContent);
  model.dispose();
  return found as string[];
}

test('nothing is said where documents are live', async () => {
  expect(await strips(null)).toEqual([]);
});

test.each<[NotLive, RegExp]>([
  ['disable_rtc', /^Live documents are off \(YDocExtension\.disable_rtc\)/],
  ['no_extension', /^Live documents are off \(jupyter_server_ydoc is disabled/],
  ['other_documents', /^jupyter-server-documents keeps the live documents/]
])('the person is told what keeps them off: %s', async (why, words) => {
  expect(await strips(why)).toEqual([expect.stringMatching(words)]);
});

test('what pages are to do is read from the state', () => {
  const state = (server: object) =>
    readDelta({
      seq: 1,
      server,
      agents: [],
      calls: [],
      grants: [],
      pairings: []
    }).server;
  expect(state({})).toMatchObject({
    notLive: null,
    files: { save: [], written: {} }
  });
  const files = { save: ['a.ipynb'], written: { 'b.ipynb': '1f' } };
  expect(state({ not_live: 'disable_rtc', files })).toMatchObject({
    notLive: 'disable_rtc',
    files
  });
});

test('the person is told why the server does not let the panel in', async () => {
  const api = new MemoryApi();
  api.fail = new RefusedError('Use another address.', 403);
  const model = new AgentsModel({ api });
  await act(async () => {
    draw(model, () => <Strips />);
    await until(model, () => model.link === 'refused');
  });
  expect(screen.getByRole('listitem').textContent).toBe(
    'The server does not let this panel in, and holds the agents. Use another address.'
  );
  model.dispose();
});
