import { act, screen, within } from '@testing-library/react';
import * as React from 'react';

import { AgentRow } from '../panel/components/agents/AgentRow';
import { Header } from '../panel/components/Header';
import { NeedsYou } from '../panel/components/cards/NeedsYou';
import { AgentsModel } from '../model/model';
import type { CallClass } from '../tokens';
import { readDelta } from '../api/wire';
import { makeAgent, makeCall, MemoryApi } from './fixtures';
import { draw, pressAsPerson } from './render';

const ADAS = 'Only ada, who connected this agent, can decide this.';
const FORBIDDEN = 'This server does not let you decide this.';
const QUESTION = { id: 'q_1', prompt: 'Name?', password: false };

describe('a person who may not decide', () => {
  let api: MemoryApi;
  let model: AgentsModel;

  const open = async (component: () => JSX.Element | null) => {
    model = new AgentsModel({ api, hidden: () => false });
    await act(async () => {
      draw(model, component);
      await model.ready;
    });
  };
  const cards = () => open(() => <NeedsYou onEmpty={() => {}} />);
  const buttons = () =>
    within(screen.getByRole('article'))
      .getAllByRole('button')
      .map(each => each.textContent);

  beforeEach(() => {
    api = new MemoryApi();
  });

  afterEach(() => model.dispose());

  it.each<[string, string | null, readonly CallClass[] | null, object, string]>(
    [
      ['an agent of another person', 'ada', null, {}, ADAS],
      ['its code that asks', 'ada', null, { question: QUESTION }, ADAS],
      ['an authorizer that forbids runs', null, ['edit'], {}, FORBIDDEN],
      [
        'one that forbids the edit in a run',
        null,
        ['run'],
        { also: ['edit'] },
        FORBIDDEN
      ]
    ]
  )(
    'is why, and a way to stop it: %s',
    async (_, owner, may, fields, words) => {
      api.decides = may;
      api.agents = [makeAgent({ owner })];
      api.put(makeCall({ ...fields }));
      await cards();
      expect(screen.getByRole('article').textContent).toContain(words);
      expect(buttons()).toEqual(['Show in notebook', 'Stop']);
      expect(model.needsYou).toEqual([]);
      expect(screen.queryByRole('region', { name: 'Needs you' })).toBeNull();
      await act(async () =>
        pressAsPerson(screen.getByRole('button', { name: 'Stop' }))
      );
      expect(api.stopped).toEqual(['c_1']);
    }
  );

  it('sees what they may decide first', async () => {
    api.agents = [makeAgent({ owner: 'ada' }), makeAgent({ id: 'a_2' })];
    api.put(makeCall({ id: 'c_1', summary: 'Hers' }));
    api.put(makeCall({ id: 'c_2', agent: 'a_2', summary: 'Mine' }));
    await cards();
    const titles = screen
      .getAllByRole('article')
      .map(each => each.getAttribute('aria-label'));
    expect(titles).toEqual(['Mine', 'Hers']);
    expect(screen.getAllByRole('region')[0].textContent).toMatch(/^Needs you1/);
  });

  it('sees every answer if the agent is theirs', async () => {
    api.decides = ['run'];
    api.agents = [makeAgent()];
    api.put(makeCall());
    await cards();
    expect(buttons()).toContain('Allow');
    expect(model.needsYou).toHaveLength(1);
  });

  it('sees no answer for programs and outside changes', async () => {
    const { pairings } = readDelta({
      seq: 1,
      server: {},
      agents: [],
      calls: [],
      grants: [],
      pairings: [
        {
          id: 'o_1',
          client: 'Helper',
          created: '2026-01-01T10:00:00Z',
          offer: { agent: 'Helper', owner: 'ada', changes: [] }
        }
      ]
    });
    api.pairings = [...pairings];
    await cards();
    expect(screen.getByRole('article').textContent).toContain(ADAS);
    expect(screen.queryByRole('button', { name: 'Allow' })).toBeNull();
  });

  it('can stop but not change an agent of another person', async () => {
    api.agents = [makeAgent({ owner: 'ada', paused: true })];
    await open(() => <AgentRow agent={api.agents[0]} now={0} />);
    const row = screen.getByRole('listitem');
    expect(row.textContent).toContain('connected by ada');
    expect(row.textContent).toContain('Edit freely, ask to run');
    expect(screen.queryByRole('combobox')).toBeNull();
    expect(screen.getAllByRole('button').map(each => each.textContent)).toEqual(
      ['Stop']
    );
  });

  it('cannot connect agents if the server forbids it', async () => {
    api.decides = [];
    await open(() => <Header />);
    const connect = screen.getByRole('button', { name: 'Connect an agent' });
    expect(connect.getAttribute('aria-disabled')).toBe('true');
    const stop = screen.getByRole('button', { name: 'Stop all' });
    expect(stop.getAttribute('aria-disabled')).toBeNull();
  });
});
