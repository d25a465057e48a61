import { act, screen } from '@testing-library/react';
import * as React from 'react';

import { Activity } from '../panel/components/activity/Activity';
import { AgentsModel } from '../model/model';
import { makeAgent, makeCall, MemoryApi } from './fixtures';
import { draw, pressAsPerson } from './render';

describe('Activity', () => {
  let api: MemoryApi;
  let model: AgentsModel;

  const denied = (fields: object) =>
    makeCall({
      state: 'denied',
      ended: new Date().toISOString(),
      decision: { allowed: false, source: 'user', option: 'reject_once' },
      ...fields
    });
  const open = async () => {
    model = new AgentsModel({ api, hidden: () => false });
    await model.ready;
    draw(model, () => <Activity />);
  };

  beforeEach(() => {
    api = new MemoryApi();
    api.agents = [makeAgent()];
  });

  afterEach(() => model.dispose());

  it('counts repeats in the line of the denial, and offers to be asked again', async () => {
    const until = new Date(Date.now() + 60_000).toISOString();
    api.put(denied({ id: 'c_1', repeats: 3, denied_until: until }));
    const source = 'duplicate_denied';
    api.put(denied({ id: 'c_2', decision: { allowed: false, source } }));
    await open();
    expect(screen.getAllByText('Denied')).toHaveLength(1);
    expect(screen.getByText('×3')).toBeTruthy();
    const again = jest.spyOn(model, 'askAgain');
    await act(async () =>
      pressAsPerson(screen.getByRole('button', { name: 'Ask me again' }))
    );
    expect(again).toHaveBeenCalledWith('c_1');
  });

  it('offers this no longer when the agent may ask anyway', async () => {
    const until = new Date(Date.now() - 1000).toISOString();
    api.put(denied({ denied_until: until }));
    await open();
    expect(screen.getByText('Denied')).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Ask me again' })).toBeNull();
  });

  it('shows a limited number of rows, however far back a person goes', async () => {
    for (let i = 0; i < 450; i += 1) {
      const created = new Date(Date.UTC(2026, 0, 1) + i * 1000).toISOString();
      const summary = `Edit cell ${i}`;
      const fields = { seq: i + 1, class: 'edit', state: 'done', created };
      api.put(makeCall({ id: `c_${i}`, summary, ...fields }));
    }
    await open();
    const rows = () => document.querySelectorAll('li').length;
    const press = async (words: string) =>
      act(async () => pressAsPerson(screen.getByText(words)));
    while (screen.queryByText('Show older')) {
      await press('Show older');
      expect(rows()).toBeLessThanOrEqual(300);
    }
    expect(screen.getByText('Edit cell 0')).toBeTruthy();
    await press('Show newer');
    expect(screen.queryByText('Edit cell 0')).toBeNull();
    await press('Show the newest');
    expect(screen.getByText('Edit cell 449')).toBeTruthy();
    expect(rows()).toBe(100);
  });
});
