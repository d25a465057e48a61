import { act, screen } from '@testing-library/react';
import * as React from 'react';

import { RefusedError } from '../api';
import { Strips } from '../components/Strips';
import { AgentsModel } from '../model';
import { readDelta } from '../wire';
import type { NotLive } from '../tokens';
import { makeAgent, MemoryApi, until } from './fixtures';
import { draw, pressAsPerson } from './render';

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

test.each([
  ['denials', 'you denied 3 of its requests in a row'],
  ['flood', 'it asked more than 20 times in a minute']
])('an agent that was paused for %s can be resumed', async (why, words) => {
  const api = new MemoryApi();
  api.agents = [makeAgent({ paused: true, paused_why: why })];
  const model = new AgentsModel({ api });
  await act(async () => {
    draw(model, () => <Strips />);
    await model.ready;
  });
  expect(screen.getByRole('listitem').textContent).toContain(words);
  const change = jest.spyOn(model, 'change');
  await act(async () =>
    pressAsPerson(screen.getByRole('button', { name: 'Resume' }))
  );
  expect(change).toHaveBeenCalledWith('a_1', { paused: false });
  model.dispose();
});

test('an agent that a person paused is not in a strip', async () => {
  const api = new MemoryApi();
  api.agents = [makeAgent({ paused: true })];
  const model = new AgentsModel({ api });
  await act(async () => {
    draw(model, () => <Strips />);
    await model.ready;
  });
  expect(screen.queryAllByRole('listitem')).toEqual([]);
  model.dispose();
});
