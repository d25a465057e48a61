import { act, fireEvent, screen } from '@testing-library/react';
import * as React from 'react';

import { NeedsYou } from '../panel/components/cards/NeedsYou';
import { ARMING_MS } from '../panel/clickGuard';
import { AgentsModel } from '../model/model';
import { makeAgent, makeCall, MemoryApi } from './fixtures';
import { draw, pressAsPerson, submitAsPerson } from './render';

const TITLE = 'Answer the code’s question · Run cell 12 in sales.ipynb';

describe('InputCard', () => {
  let api: MemoryApi;
  let model: AgentsModel;
  let said: string[];
  let clock: number;

  const ask = (question: object) =>
    api.put(makeCall({ state: 'running', options: [], question }));
  const open = async (): Promise<void> => {
    model = new AgentsModel({ api, hidden: () => false });
    await jest.advanceTimersByTimeAsync(0);
    await model.ready;
    said = [];
    draw(
      model,
      () => <NeedsYou onEmpty={() => {}} />,
      words => said.push(words)
    );
    await act(async () => {
      clock += ARMING_MS;
      await jest.advanceTimersByTimeAsync(ARMING_MS);
    });
  };
  const look = () =>
    act(async () => {
      const done = model.refresh();
      await jest.advanceTimersByTimeAsync(0);
      await done;
    });
  const field = () => screen.getByLabelText<HTMLInputElement>(/^Who\?/);
  const press = async (name: string) => {
    await act(async () => {
      pressAsPerson(screen.getByRole('button', { name }));
      await jest.advanceTimersByTimeAsync(0);
    });
  };

  beforeEach(() => {
    clock = 1000;
    jest.useFakeTimers({ doNotFake: ['performance', 'queueMicrotask'] });
    jest.spyOn(performance, 'now').mockImplementation(() => clock);
    api = new MemoryApi();
    api.agents = [makeAgent()];
    ask({ id: 'q_1', prompt: 'Who? ', password: false });
  });

  afterEach(() => {
    model.dispose();
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  it("shows the code's question and says who will see the answer", async () => {
    await open();
    const card = screen.getByRole('article', { name: TITLE });
    expect(card.textContent).toContain('The agent can see it too.');
    expect(field().type).toBe('text');
    expect(said).toEqual([
      `Claude Code on my laptop asks: ${TITLE}. 1 request is waiting.`
    ]);
  });

  it('sends the answer of a person, once', async () => {
    await open();
    fireEvent.change(field(), { target: { value: 'Ada' } });
    await press('Answer');
    expect(api.answers).toEqual([{ id: 'c_1', question: 'q_1', value: 'Ada' }]);
    expect(screen.queryByRole('article')).toBeNull();
  });

  it('sends the answer with Enter, unless script pressed it', async () => {
    await open();
    fireEvent.change(field(), { target: { value: 'Ada' } });
    await act(async () => {
      fireEvent.submit(field().form as HTMLFormElement);
    });
    expect(api.answers).toEqual([]);
    await act(async () => {
      submitAsPerson(field().form as HTMLFormElement);
      await jest.advanceTimersByTimeAsync(0);
    });
    expect(api.answers).toHaveLength(1);
  });

  it('can be left without an answer', async () => {
    await open();
    await press('Do not answer');
    expect(api.answers[0].value).toBeNull();
  });

  it('hides a password while it is typed', async () => {
    ask({ id: 'q_1', prompt: 'Who?', password: true });
    await open();
    expect(field().type).toBe('password');
  });

  it('starts empty for the next question of the same call', async () => {
    await open();
    fireEvent.change(field(), { target: { value: 'half of an ans' } });
    ask({ id: 'q_2', prompt: 'Who? Really?', password: false });
    await look();
    expect(field().value).toBe('');
    expect(said).toHaveLength(2);
  });
});
