import { act, screen } from '@testing-library/react';
import * as React from 'react';

import { RequestCard } from '../panel/components/cards/RequestCard';
import { AgentsModel } from '../model/model';
import { makeCall, MemoryApi } from './fixtures';
import { draw } from './render';

test.each([
  ['sales.ipynb', 1],
  ['warnings.py', 0]
])('a card leads to a notebook, and to no other file: %s', async (path, n) => {
  const model = new AgentsModel({ api: new MemoryApi() });
  const call = makeCall({ target: { path, cell_ids: [], positions: [] } });
  await act(async () => {
    draw(model, () => <RequestCard call={call} />);
    await model.ready;
  });
  expect(screen.queryAllByText('Show in notebook')).toHaveLength(n);
  model.dispose();
});
