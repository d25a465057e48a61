import { act, screen, waitFor } from '@testing-library/react';
import * as React from 'react';

import { RefusedError } from '../api/api';
import { Banners } from '../panel/components/Banners';
import { AgentsModel } from '../model/model';
import { readDelta } from '../api/wire';
import type { NotLive } from '../tokens';
import { makeAgent, MemoryApi, until } from './fixtures';
import { draw, pressAsPerson } from './render';

async function banners(
  notLive: NotLive | null,
  missingNames: readonly string[] = []
): Promise<string[]> {
  const api = new MemoryApi();
  api.missingNames = missingNames;
  api.notLive = notLive;
  const model = new AgentsModel({ api });
  await act(async () => {
    draw(model, () => <Banners />);
    await model.ready;
  });
  const found = screen.queryAllByRole('listitem').map(each => each.textContent);
  model.dispose();
  return found as string[];
}

test('no banner is shown when documents are live', async () => {
  expect(await banners(null)).toEqual([]);
});

test.each<[NotLive, RegExp]>([
  ['disable_rtc', /^Live documents are off \(YDocExtension\.disable_rtc\)/],
  ['no_extension', /^Live documents are off \(jupyter_server_ydoc is disabled/],
  ['other_documents', /^jupyter-server-documents manages the live documents/],
  ['upstream_changed', /^Agents cannot use notebooks or change files/]
])('the person is told why live documents are off: %s', async (why, words) => {
  expect(await banners(why)).toEqual([expect.stringMatching(words)]);
});

test('the person is told which names are missing, and what to do', async () => {
  const name = 'FileLoader._lock of jupyter-server-ydoc 3.1.0';
  const [words] = await banners('upstream_changed', [name]);
  expect(words).toContain(`(missing: ${name})`);
  expect(words).toContain('pip install --upgrade jmcp_lab');
});

test('the tasks of pages are read from the state', () => {
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
    missingNames: [],
    files: { save: [], written: {} }
  });
  const files = { save: ['a.ipynb'], written: { 'b.ipynb': '1f' } };
  expect(
    state({ not_live: 'upstream_changed', missing_names: ['a of b 1'] })
  ).toMatchObject({ notLive: 'upstream_changed', missingNames: ['a of b 1'] });
  expect(state({ not_live: 'disable_rtc', files })).toMatchObject({
    notLive: 'disable_rtc',
    files
  });
});

test('the person is told why the server rejects the panel', async () => {
  const api = new MemoryApi();
  api.fail = new RefusedError('Use another address.', 403);
  const model = new AgentsModel({ api });
  await act(async () => {
    draw(model, () => <Banners />);
    await until(model, () => model.link === 'refused');
  });
  expect(screen.getByRole('listitem').textContent).toBe(
    'The server rejects this panel, so you cannot see or answer agents here. Use another address.'
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
    draw(model, () => <Banners />);
    await model.ready;
  });
  expect(screen.getByRole('listitem').textContent).toContain(words);
  const change = jest.spyOn(model, 'change');
  const resume = screen.getByRole('button', { name: 'Resume' });
  // It takes no press before the second click of a double click is over.
  await waitFor(() =>
    expect(resume.getAttribute('aria-disabled')).not.toBe('true')
  );
  await act(async () => pressAsPerson(resume));
  expect(change).toHaveBeenCalledWith('a_1', { paused: false });
  model.dispose();
});

test('a bystander is not said to have denied anything', async () => {
  const api = new MemoryApi();
  const held = { paused: true, paused_why: 'denials', owner: 'ada' };
  api.agents = [makeAgent(held)];
  const model = new AgentsModel({ api });
  await act(async () => {
    draw(model, () => <Banners />);
    await model.ready;
  });
  expect(screen.getByRole('listitem').textContent).toContain(
    'ada denied 3 of its requests in a row'
  );
  expect(screen.queryByRole('button', { name: 'Resume' })).toBeNull();
  model.dispose();
});

test('an agent that a person paused is not in a banner', async () => {
  const api = new MemoryApi();
  api.agents = [makeAgent({ paused: true })];
  const model = new AgentsModel({ api });
  await act(async () => {
    draw(model, () => <Banners />);
    await model.ready;
  });
  expect(screen.queryAllByRole('listitem')).toEqual([]);
  model.dispose();
});

test('a banner shows a valid grant, but not while its agent is paused', async () => {
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
    draw(model, () => <Banners />);
    await model.ready;
  });
  const [banner, ...others] = screen.getAllByRole('listitem');
  expect(banner.textContent).toMatch(
    /^Claude can run code in sales\.ipynb until \d\d:\d\d without asking\.Revoke$/
  );
  expect(others).toEqual([]);
  api.agents = [makeAgent({ paused: true })];
  await act(() => model.refresh());
  expect(screen.queryAllByRole('listitem')).toEqual([]);
  model.dispose();
});

test('offline, it says that the person is disconnected, not the agents', async () => {
  const api = new MemoryApi();
  const model = new AgentsModel({ api });
  await act(async () => {
    draw(model, () => <Banners />);
    await model.ready;
    api.fail = new TypeError('gone');
    await model.refresh();
  });
  await screen.findByText(
    /Until it is back, you cannot see or answer agents. What you allowed continues\.$/
  );
  model.dispose();
});
