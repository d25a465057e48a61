import { act, screen } from '@testing-library/react';
import * as React from 'react';

import { NeedsYou } from '../panel/components/cards/NeedsYou';
import { ARMING_MS } from '../panel/clickGuard';
import { AgentsModel } from '../model/model';
import { readOffer } from '../api/offer';
import type { IPairing } from '../tokens';
import { MemoryApi } from './fixtures';
import { draw, pressAsPerson } from './render';

const changed: IPairing = {
  id: 'o_1',
  client: 'Claude Code',
  created: '2026-01-01T10:00:00Z',
  expires: null,
  offer: readOffer(
    {
      agent: 'Claude Code',
      changes: [
        { field: 'mode', before: 'edit', after: 'auto' },
        { field: 'notebooks', before: '', after: '**' },
        { field: 'until', before: '', after: '2099-06-01T12:00:00Z' },
        { field: 'expires', before: 'stop', after: 'soon\u202e' },
        { field: 'owner', before: '', after: 'ada' },
        { field: 'paused', before: 'True', after: '' },
        { field: 'token_hash', before: '', after: '' }
      ]
    },
    'offer'
  )
};

describe('OfferCard', () => {
  let api: MemoryApi;
  let model: AgentsModel;
  let clock: number;

  const press = async (name: string) => {
    await act(async () => {
      clock += ARMING_MS;
      await jest.advanceTimersByTimeAsync(ARMING_MS);
    });
    await act(async () => {
      pressAsPerson(screen.getByRole('button', { name }));
      await jest.advanceTimersByTimeAsync(0);
    });
  };

  beforeEach(async () => {
    clock = 1000;
    jest.useFakeTimers({ doNotFake: ['performance', 'queueMicrotask'] });
    jest.spyOn(performance, 'now').mockImplementation(() => clock);
    api = new MemoryApi();
    api.pairings = [changed];
    model = new AgentsModel({ api, hidden: () => false });
    await jest.advanceTimersByTimeAsync(0);
    await model.ready;
    draw(
      model,
      () => <NeedsYou onEmpty={() => {}} />,
      () => {}
    );
  });

  afterEach(() => {
    model.dispose();
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  it('says what would change, and that it has no effect yet', () => {
    const card = screen.getByRole('article', {
      name: 'The access of Claude Code was changed outside this panel'
    });
    expect(card.textContent).toContain('It has no effect yet.');
    expect(
      screen.getAllByRole('listitem').map(item => item.textContent)
    ).toEqual([
      'What it may do: Edit freely, ask to run → Edit and run in chosen notebooks',
      'Notebooks: none → all notebooks (**)',
      expect.stringMatching(/^Until: none → Jun 1, 2099, \d+:\d\d:\d\d.[AP]M$/),
      'Connection ends: JupyterLab stops → soon▯',
      'Belongs to: none → ada',
      'It would no longer be paused.',
      'Another program could connect under its name.'
    ]);
  });

  it('can be discarded', async () => {
    await press('Discard');
    expect(api.paired).toEqual([{ id: 'o_1', agent: null }]);
  });

  it('can be allowed', async () => {
    await press('Allow');
    expect(api.paired.map(({ id, agent }) => [id, agent !== null])).toEqual([
      ['o_1', true]
    ]);
  });
});
