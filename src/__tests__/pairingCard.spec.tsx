import { act, fireEvent, screen } from '@testing-library/react';
import * as React from 'react';

import { NeedsYou } from '../panel/components/cards/NeedsYou';
import { RefusedError } from '../api/api';
import { ARMING_MS } from '../panel/clickGuard';
import { AgentsModel } from '../model/model';
import type { IPairing } from '../tokens';
import { MemoryApi } from './fixtures';
import { draw, pressAsPerson } from './render';

const pairing: IPairing = {
  id: 'p_1',
  client: 'Claude Code',
  created: '2026-01-01T10:00:00Z',
  expires: null
};

describe('PairingCard', () => {
  let api: MemoryApi;
  let model: AgentsModel;
  let said: string[];
  let clock: number;

  const step = (milliseconds = 0) =>
    act(async () => {
      clock += milliseconds;
      await jest.advanceTimersByTimeAsync(milliseconds);
    });
  const press = async (name: string) => {
    await act(async () => {
      pressAsPerson(screen.getByRole('button', { name }));
      await jest.advanceTimersByTimeAsync(0);
    });
  };
  const choose = (mode: string) =>
    act(async () => {
      fireEvent.change(
        screen.getByRole('combobox', { name: 'What may it do?' }),
        {
          target: { value: mode }
        }
      );
    });

  beforeEach(async () => {
    clock = 1000;
    jest.useFakeTimers({ doNotFake: ['performance', 'queueMicrotask'] });
    jest.spyOn(performance, 'now').mockImplementation(() => clock);
    api = new MemoryApi();
    api.pairings = [pairing];
    model = new AgentsModel({ api, hidden: () => false });
    await jest.advanceTimersByTimeAsync(0);
    await model.ready;
    said = [];
    draw(
      model,
      () => <NeedsYou onEmpty={() => {}} />,
      words => said.push(words)
    );
  });

  afterEach(() => {
    model.dispose();
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  it('says who wants to connect, and ignores clicks at first', async () => {
    expect(said).toEqual([
      'Claude Code wants to connect. 1 request is waiting.'
    ]);
    await press('Allow');
    expect(api.paired).toEqual([]);
    await step(ARMING_MS);
    await press('Allow');
    expect(api.paired).toEqual([
      { id: 'p_1', agent: { label: 'Claude Code', mode: 'edit' } }
    ]);
    expect(screen.queryByRole('article')).toBeNull();
  });

  it('shows what a hidden character in a name would hide', async () => {
    api.pairings = [{ ...pairing, id: 'p_2', client: 'Cla\u202eude' }];
    await act(async () => {
      const done = model.refresh();
      await jest.advanceTimersByTimeAsync(0);
      await done;
    });
    screen.getByRole('article', { name: 'Cla▯ude wants to connect' });
  });

  it('rejects a program', async () => {
    await step(ARMING_MS);
    await press('Deny');
    expect(api.paired).toEqual([{ id: 'p_1', agent: null }]);
  });

  it('requires notebooks for the mode auto', async () => {
    await step(ARMING_MS);
    await choose('auto');
    await press('Allow');
    expect(api.paired).toEqual([]);
    await act(async () => {
      fireEvent.change(screen.getByLabelText(/^Notebooks/), {
        target: { value: 'sales.ipynb' }
      });
    });
    await press('Allow');
    expect(api.paired[0].agent).toEqual({
      label: 'Claude Code',
      mode: 'auto',
      notebooks: ['sales.ipynb'],
      until: '30m'
    });
  });

  it('says why an answer was not accepted', async () => {
    api.fail = new RefusedError('This program is no longer asking.', 404);
    await step(ARMING_MS);
    await press('Allow');
    expect(screen.getByRole('article').textContent).toContain(
      'This program is no longer asking.'
    );
  });
});
