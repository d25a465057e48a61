import { act, screen } from '@testing-library/react';
import * as React from 'react';

import { Strips } from '../components/Strips';
import { AgentsModel } from '../model';
import { readDelta } from '../wire';
import type { NotLive } from '../tokens';
import { makeAgent, MemoryApi } from './fixtures';
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

test('a grant is said on top while it holds, and not while its agent is paused', async () => {
  const api = new MemoryApi();
  const grant = {
    id: 'g_1',
    agent: 'a_1',
    agentLabel: 'Claude',
    class: 'run',
    path: 'sales.ipynb'
  };
  api.agents = [makeAgent()];
  api.granted = [
    { ...grant, until: new Date(Date.now() + 60_000).toISOString() },
    { ...grant, id: 'g_2', until: new Date(Date.now() - 1000).toISOString() }
  ];
  const model = new AgentsModel({ api });
  await act(async () => {
    draw(model, () => <Strips />);
    await model.ready;
  });
  const [strip, ...others] = screen.getAllByRole('listitem');
  expect(strip.textContent).toMatch(
    /^Claude can run code in sales\.ipynb until \d\d:\d\d without asking\.Revoke$/
  );
  expect(others).toEqual([]);
  api.agents = [makeAgent({ paused: true })];
  await act(() => model.refresh());
  expect(screen.queryAllByRole('listitem')).toEqual([]);
  model.dispose();
});

test('offline it says that the person is cut off, not the agents', async () => {
  const api = new MemoryApi();
  const model = new AgentsModel({ api });
  await act(async () => {
    draw(model, () => <Strips />);
    await model.ready;
    api.fail = new TypeError('gone');
    await model.refresh();
  });
  await screen.findByText(
    /You cannot see or answer agents until it is back; what was allowed goes on\.$/
  );
  model.dispose();
});
