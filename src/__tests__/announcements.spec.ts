import { nullTranslator } from '@jupyterlab/translation';

import { Announcements, TOAST_MS } from '../notify/announcements';
import { LiveRegion } from '../notify/liveRegion';
import { AgentsModel } from '../model/model';
import type { IRequestToast } from '../tokens';
import { makeAgent, makeCall, MemoryApi } from './fixtures';

const ENDED = new Date().toISOString();

describe('announcements for people who do not see the panel', () => {
  let api: MemoryApi;
  let model: AgentsModel;
  let said: string[];
  let toast: IRequestToast | null;

  beforeEach(async () => {
    api = new MemoryApi();
    api.agents = [makeAgent()];
    model = new AgentsModel({ api, hidden: () => false });
    await model.ready;
    said = [];
    const trans = nullTranslator.load('jmcp_lab');
    toast = null;
    new Announcements(
      model,
      trans,
      words => said.push(words),
      () => toast
    );
  });

  afterEach(() => model.dispose());

  const put = async (fields: object) => {
    api.put(makeCall(fields));
    await model.refresh();
  };
  const user = (allowed: boolean) => ({ allowed, source: 'user' });
  const ASKED =
    'Claude Code on my laptop asks: Run cell 12 in sales.ipynb. 1 request is waiting.';

  it('announce each request, even with the same words', async () => {
    await put({ id: 'c_1', seq: 1 });
    await put({ id: 'c_1', seq: 2, state: 'denied', decision: user(false) });
    await put({ id: 'c_2', seq: 3 });
    expect(said).toEqual([ASKED, 'Denied: Run cell 12 in sales.ipynb', ASKED]);
  });

  it.each([
    ['skip a request that a toast announces', true, []],
    ['a request whose toast did not come', false, [ASKED]]
  ])('is %s', async (_, isRead, heard) => {
    toast = { isDue: () => true, isRead: () => isRead };
    const looks: (() => void)[] = [];
    const real = window.setTimeout.bind(window);
    const spy = jest.spyOn(window, 'setTimeout');
    spy.mockImplementation(((run: () => void, ms?: number) =>
      ms === TOAST_MS ? looks.push(run) : real(run, ms)) as typeof setTimeout);
    await put({ seq: 1 });
    expect(said).toEqual([]);
    looks.forEach(look => look());
    spy.mockRestore();
    expect(said).toEqual(heard);
    await put({ seq: 2, state: 'denied', decision: user(false) });
    expect(said).toEqual([...heard, 'Denied: Run cell 12 in sales.ipynb']);
  });

  it('announce an approval, then its outcome', async () => {
    await put({ seq: 1 });
    await put({ seq: 2, state: 'running', decision: user(true) });
    await put({ seq: 3, state: 'done', outcome: 'error', ended: ENDED });
    expect(said.slice(1)).toEqual([
      'Allowed: Run cell 12 in sales.ipynb',
      'Failed: Run cell 12 in sales.ipynb'
    ]);
  });

  it.each([
    [{ state: 'done', outcome: 'ok' }, 'Done: '],
    [{ state: 'failed' }, 'Failed: '],
    [{ state: 'cancelled' }, 'Stopped: '],
    [
      { state: 'denied', decision: { allowed: false, source: 'expired' } },
      'Denied because nobody answered in time: '
    ],
    [
      { state: 'cancelled', decision: { allowed: false, source: 'withdrawn' } },
      'The agent stopped waiting: '
    ]
  ])('announce how a request ended: %o', async (end, words) => {
    await put({ seq: 1 });
    await put({ seq: 2, ended: ENDED, ...end });
    expect(said.slice(1)).toEqual([`${words}Run cell 12 in sales.ipynb`]);
  });

  it('announce only a stop for a call that asked nobody', async () => {
    await put({ id: 'c_1', seq: 1, state: 'running' });
    await put({ id: 'c_1', seq: 2, state: 'done', outcome: 'ok' });
    await put({ id: 'c_2', seq: 3, state: 'running' });
    await put({ id: 'c_2', seq: 4, state: 'cancelled' });
    expect(said).toEqual(['Stopped: Run cell 12 in sales.ipynb']);
  });

  it('count requests that end together', async () => {
    api.put(makeCall({ id: 'c_1', seq: 1 }));
    api.put(makeCall({ id: 'c_2', seq: 2 }));
    await model.refresh();
    api.put(makeCall({ id: 'c_1', seq: 3, state: 'denied' }));
    api.put(makeCall({ id: 'c_2', seq: 4, state: 'denied' }));
    await model.refresh();
    expect(said).toEqual(['2 requests are waiting.', 'Denied: 2 requests']);
  });
});

describe('the live region', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('announces repeated text, is in the page and forgets', () => {
    const region = new LiveRegion(document);
    expect(region.node.parentElement).toBe(document.body);
    region.say('Denied');
    region.say('Denied');
    expect(region.node.children).toHaveLength(2);
    for (let i = 0; i < 100; i += 1) {
      region.say('Denied');
    }
    expect(region.node.children.length).toBeLessThan(10);
    jest.advanceTimersByTime(60_000);
    expect(region.node.children).toHaveLength(0);
  });
});
