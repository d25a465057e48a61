import { act, screen } from '@testing-library/react';
import * as React from 'react';

import { ConflictError } from '../api/api';
import { NeedsYou } from '../panel/components/cards/NeedsYou';
import { ARMING_MS } from '../panel/clickGuard';
import { AgentsModel } from '../model/model';
import { makeAgent, makeCall, MemoryApi } from './fixtures';
import { draw, pressAsPerson, sight } from './render';

describe('RequestCard', () => {
  let api: MemoryApi;
  let model: AgentsModel;
  let said: string[];
  let clock: number;

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
  };
  const look = () =>
    act(async () => {
      const done = model.refresh();
      await jest.advanceTimersByTimeAsync(0);
      await done;
    });
  const rest = (ms: number) =>
    act(async () => {
      clock += ms;
      await jest.advanceTimersByTimeAsync(ms);
    });
  const button = (name: string) =>
    screen.getByRole('button', { name, exact: true } as { name: string });
  const press = async (name: string) => {
    await act(async () => {
      pressAsPerson(button(name));
      await jest.advanceTimersByTimeAsync(0);
    });
  };

  beforeEach(() => {
    clock = 1000;
    jest.useFakeTimers({ doNotFake: ['performance', 'queueMicrotask'] });
    jest.spyOn(performance, 'now').mockImplementation(() => clock);
    api = new MemoryApi();
    api.agents = [makeAgent()];
    api.put(makeCall());
  });

  afterEach(() => {
    sight.inside = true;
    model.dispose();
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  it('shows the full path only when the title omits folders', async () => {
    const path = 'reports/north/2026/sales.ipynb';
    const target = { ...makeCall().target, path };
    api.put(makeCall({ summary: 'Run cell 1 in …/2026/sales.ipynb', target }));
    await open();
    expect(screen.getByText(path)).toBeTruthy();
    api.put(makeCall({ summary: `Run cell 1 in ${path}`, target }));
    await look();
    expect(screen.queryByText(path)).toBeNull();
  });

  it('is an article named after its request', async () => {
    await open();
    const card = screen.getByRole('article', {
      name: 'Run cell 12 in sales.ipynb'
    });
    expect(card.textContent).toContain('Claude Code on my laptop');
    expect(card.textContent).toContain('claude-code 2.1');
    expect(card.textContent).toContain('Exactly what will run · 1 line');
    expect(card.textContent).toContain('model.fit(X)');
  });

  it('allows once, with the hash of what was shown', async () => {
    await open();
    await rest(ARMING_MS);
    await press('Allow');
    expect(api.decisions).toEqual([
      {
        id: 'c_1',
        answer: { option: 'allow_once', actionHash: 'sha256:1' }
      }
    ]);
    expect(screen.queryByRole('article')).toBeNull();
  });

  it('allows for 30 minutes if that is offered', async () => {
    await open();
    await rest(ARMING_MS);
    await press('Allow for 30 minutes');
    expect(api.decisions[0].answer).toEqual({
      option: 'allow_always',
      until: '30m',
      actionHash: 'sha256:1'
    });
  });

  it('offers nothing that the server does not', async () => {
    api.put(makeCall({ options: [{ kind: 'allow_once', name: 'Allow' }] }));
    await open();
    expect(screen.queryByText('Allow for 30 minutes')).toBeNull();
    expect(screen.queryByText('Deny')).toBeNull();
  });

  it('ignores a click that no person made', async () => {
    await open();
    await rest(ARMING_MS);
    await act(async () => button('Allow').click());
    expect(api.decisions).toEqual([]);
  });

  it('ignores clicks just after it appeared', async () => {
    await open();
    expect(button('Allow').getAttribute('aria-disabled')).toBe('true');
    await press('Allow');
    await rest(ARMING_MS - 10);
    await press('Allow');
    expect(api.decisions).toEqual([]);
    await rest(10);
    expect(button('Allow').getAttribute('aria-disabled')).toBeNull();
    await press('Allow');
    expect(api.decisions).toHaveLength(1);
  });

  it('ignores clicks again after its meaning changed', async () => {
    await open();
    await rest(ARMING_MS);
    api.put(makeCall({ action_hash: 'sha256:2', changed: true }));
    await look();
    await press('Allow');
    expect(api.decisions).toEqual([]);
    expect(screen.getByRole('article').textContent).toContain(
      'This changed after the agent asked.'
    );
    await rest(ARMING_MS);
    await press('Allow');
    expect(api.decisions[0].answer.actionHash).toBe('sha256:2');
  });

  it('does nothing when something covers the button', async () => {
    await open();
    await rest(ARMING_MS);
    const cover = document.createElement('div');
    document.elementFromPoint = () => cover;
    await act(async () =>
      pressAsPerson(button('Allow'), { detail: 1, clientX: 5, clientY: 5 })
    );
    expect(api.decisions).toEqual([]);
    document.elementFromPoint = () => button('Allow');
    await act(async () =>
      pressAsPerson(button('Allow'), { detail: 1, clientX: 5, clientY: 5 })
    );
    expect(api.decisions).toHaveLength(1);
  });

  it('redraws and says why when the decision came too late', async () => {
    await open();
    await rest(ARMING_MS);
    api.conflict = new ConflictError(
      'Cell 12 changed after the agent asked.',
      makeCall({ seq: 9, action_hash: 'sha256:2', changed: true })
    );
    await press('Allow');
    expect(screen.getByRole('alert').textContent).toContain(
      'Cell 12 changed after the agent asked.'
    );
    expect(button('Allow').getAttribute('aria-disabled')).toBe('true');
    expect(screen.queryByText('Retry')).toBeNull();
  });

  it('offers a retry when the server did not answer', async () => {
    await open();
    await rest(ARMING_MS);
    api.fail = new Error('The server is busy.');
    await press('Allow');
    expect(screen.getByRole('alert').textContent).toContain(
      'The server is busy.'
    );
    api.fail = null;
    await press('Retry');
    expect(api.decisions).toHaveLength(2);
    expect(screen.queryByRole('article')).toBeNull();
  });

  it('tells the agent why', async () => {
    await open();
    await rest(ARMING_MS);
    await press('Deny and tell the agent why…');
    const field = screen.getByLabelText('Tell the agent why');
    expect(document.activeElement).toBe(field);
    act(() => {
      const set = Object.getOwnPropertyDescriptor(
        HTMLTextAreaElement.prototype,
        'value'
      )?.set;
      set?.call(field, 'Use less data');
      field.dispatchEvent(new Event('input', { bubbles: true }));
    });
    await rest(ARMING_MS);
    await press('Deny and send');
    expect(api.decisions[0].answer).toEqual({
      option: 'reject_once',
      actionHash: 'sha256:1',
      reason: 'Use less data'
    });
  });

  it('denies with one click', async () => {
    await open();
    await rest(ARMING_MS);
    await press('Deny');
    expect(api.decisions[0].answer.option).toBe('reject_once');
  });

  it('shows 40 lines and all on demand', async () => {
    const text = Array.from({ length: 212 }, (_, row) => `row_${row}`).join(
      '\n'
    );
    api.put(
      makeCall({
        preview: {
          kind: 'code',
          items: [{ title: 'Cell 12', text }],
          lines: 212
        }
      })
    );
    await open();
    const card = screen.getByRole('article');
    expect(card.textContent).toContain('Showing 40 of 212 lines.');
    expect(card.textContent).not.toContain('row_40');
    await press('Show all');
    expect(card.textContent).toContain('row_211');
  });

  it('cannot be allowed before all of it was shown', async () => {
    const text = 'import time\n'.repeat(45) + 'shutil.rmtree(home)';
    api.put(
      makeCall({
        preview: {
          kind: 'code',
          items: [{ title: 'Cell 12', text }],
          lines: 46
        }
      })
    );
    await open();
    await rest(ARMING_MS);
    expect(screen.queryByText('Allow')).toBeNull();
    expect(screen.queryByText('Allow for 30 minutes')).toBeNull();
    await press('Show all 46 lines');
    expect(screen.getByRole('article').textContent).toContain('shutil.rmtree');
    // It stands where the other button was.
    await press('Allow');
    expect(api.decisions).toEqual([]);
    await rest(ARMING_MS);
    await press('Allow');
    expect(api.decisions).toHaveLength(1);
  });

  it('cannot be allowed while part of it is not visible', async () => {
    sight.inside = false;
    await open();
    await rest(ARMING_MS);
    expect(screen.queryByText('Allow')).toBeNull();
    sight.inside = true;
    await press('Show all 1 line');
    await rest(ARMING_MS);
    await press('Allow');
    expect(api.decisions).toHaveLength(1);
  });

  it('asks to show all again after its meaning changed', async () => {
    const text = (end: string) => 'x\n'.repeat(60) + end;
    const preview = (end: string) => ({
      kind: 'code',
      items: [{ title: 'Cell 12', text: text(end) }],
      lines: 61
    });
    api.put(makeCall({ preview: preview('good') }));
    await open();
    await press('Show all 61 lines');
    await rest(ARMING_MS);
    api.put(makeCall({ preview: preview('bad'), action_hash: 'sha256:2' }));
    await look();
    await rest(ARMING_MS);
    expect(screen.queryByText('Allow')).toBeNull();
    await press('Show all 61 lines');
    await rest(ARMING_MS);
    await press('Allow');
    expect(api.decisions[0].answer.actionHash).toBe('sha256:2');
  });

  it('cannot be allowed if it is too long to show', async () => {
    const text = `x = '${'a'.repeat(3_500_000)}'`;
    api.put(
      makeCall({
        preview: { kind: 'code', items: [{ title: 'Cell 12', text }], lines: 1 }
      })
    );
    await open();
    await rest(ARMING_MS);
    const card = screen.getByRole('article');
    expect(card.textContent).toContain('it cannot be allowed');
    expect(card.textContent).not.toContain('Exactly what');
    expect(card.textContent!.length).toBeLessThan(5000);
    expect(screen.getAllByRole('button').map(each => each.textContent)).toEqual(
      ['Show in notebook', 'Deny', '']
    );
    await press('Deny');
    expect(api.decisions[0].answer.option).toBe('reject_once');
  });

  it('says what a 30-minute approval covers', async () => {
    await open();
    const button_ = button('Allow for 30 minutes');
    const words = document.getElementById(
      button_.getAttribute('aria-describedby')!
    );
    expect(words!.textContent).toMatch(
      /lets it run any code in sales\.ipynb without asking, until (\w+ \d+, )?\d\d:\d\d\.$/
    );
  });

  it('says what the code alone does not show', async () => {
    api.put(
      makeCall({
        preview: {
          kind: 'code',
          words: 'A new cell, after cell 3.',
          items: [{ title: 'New cell', text: 'model.fit(X)' }],
          lines: 1
        }
      })
    );
    await open();
    const card = screen.getByRole('article');
    expect(card.textContent).toContain('A new cell, after cell 3.');
  });

  it('makes invisible characters visible and counts them', async () => {
    api.put(
      makeCall({
        preview: {
          kind: 'code',
          items: [{ title: 'Cell 12', text: 'a\u200b\u202eb' }],
          lines: 1
        }
      })
    );
    await open();
    const card = screen.getByRole('article');
    expect(card.textContent).toContain('a▯▯b');
    expect(card.textContent).toContain('2 invisible characters are shown as ▯');
  });

  it('moves the focus to the next card and never takes it before', async () => {
    api.put(makeCall({ id: 'c_2', summary: 'Run cell 13 in sales.ipynb' }));
    await open();
    expect(document.activeElement).toBe(document.body);
    await rest(ARMING_MS);
    const [first, second] = screen.getAllByRole('article');
    await act(async () => {
      const allow = first.querySelector('.jp-mod-accept');
      (allow as HTMLButtonElement).focus();
      pressAsPerson(allow as HTMLButtonElement);
      await jest.advanceTimersByTimeAsync(0);
    });
    expect(document.activeElement).toBe(second);
  });

  it('announces a request politely, once', async () => {
    await open();
    api.put(makeCall({ id: 'c_2', summary: 'Run cell 13 in sales.ipynb' }));
    await look();
    await look();
    expect(said).toEqual([
      'Claude Code on my laptop asks: Run cell 12 in sales.ipynb. 1 request is waiting.',
      'Claude Code on my laptop asks: Run cell 13 in sales.ipynb. 2 requests are waiting.'
    ]);
  });
});
