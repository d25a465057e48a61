import type { JupyterFrontEnd } from '@jupyterlab/application';
import { nullTranslator } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { act, fireEvent } from '@testing-library/react';
import * as React from 'react';

import { AgentsModel } from '../model/model';
import { AgentsPanel } from '../panel/panel';
import type { IAgentsPanel, IPanelSection } from '../tokens';
import { MemoryApi, nowhere } from './fixtures';
import './render';

describe('IAgentsPanel.addSection', () => {
  let model: AgentsModel;
  let panel: AgentsPanel;
  let token: IAgentsPanel;

  const add = async (section: IPanelSection): Promise<IDisposable> => {
    let handle: IDisposable | null = null;
    await act(async () => {
      handle = token.addSection(section);
    });
    return handle!;
  };
  const titles = () =>
    [...panel.node.querySelectorAll('h3')].map(head => head.textContent);
  const others = () => titles().slice(titles().indexOf('Access') + 1);
  const body = (title: string) =>
    [...panel.node.querySelectorAll('section')].find(
      each => each.querySelector('h3')?.textContent === title
    )!;

  beforeEach(async () => {
    model = new AgentsModel({ api: new MemoryApi(), hidden: () => false });
    await model.ready;
    panel = new AgentsPanel({
      model,
      trans: nullTranslator.load('jmcp_lab'),
      say: () => {},
      locale: 'en',
      navigator: nowhere,
      languages: null,
      shell: {} as JupyterFrontEnd.IShell
    });
    token = panel;
    await act(async () => {
      Widget.attach(panel, document.body);
      MessageLoop.flush();
      await panel.renderPromise;
    });
  });

  afterEach(() => {
    act(() => panel.dispose());
    model.dispose();
  });

  it('shows sections below those of the panel, ordered by rank', async () => {
    const render = () => 'words';
    await add({ id: 'x:late', title: 'Late', rank: 200, render });
    await add({ id: 'x:usual', title: 'Usual', render });
    await add({ id: 'x:early', title: 'Early', rank: 1, render });
    expect(others()).toEqual(['Early', 'Usual', 'Late']);
  });

  it('removes a section whose handle is disposed of, and that one only', async () => {
    const render = () => 'words';
    const one = await add({ id: 'x:one', title: 'One', render });
    await add({ id: 'x:two', title: 'Two', render });
    await act(async () => one.dispose());
    expect(others()).toEqual(['Two']);
    expect(one.isDisposed).toBe(true);
    await add({ id: 'x:one', title: 'One again', render });
    expect(others()).toEqual(['Two', 'One again']);
  });

  it('folds by the button in its heading, as other sections do', async () => {
    const render = () => <p>Some words</p>;
    await add({ id: 'x:one', title: 'One', folded: true, render });
    const button = body('One').querySelector('button')!;
    expect(button.getAttribute('aria-expanded')).toBe('false');
    expect(body('One').textContent).not.toContain('Some words');
    await act(async () => void fireEvent.click(button));
    expect(button.getAttribute('aria-expanded')).toBe('true');
    expect(body('One').textContent).toContain('Some words');
  });

  it('can use React hooks', async () => {
    function render() {
      const [count, setCount] = React.useState(0);
      return <button onClick={() => setCount(count + 1)}>{count} times</button>;
    }
    await add({ id: 'x:one', title: 'One', render });
    const button = [...body('One').querySelectorAll('button')].find(each =>
      each.textContent?.endsWith('times')
    )!;
    await act(async () => void fireEvent.click(button));
    expect(button.textContent).toBe('1 times');
  });

  it('attaches a widget, detaches it when folded, and leaves it to its owner', async () => {
    const widget = new Widget();
    widget.node.textContent = 'A widget';
    const attached = jest.spyOn(
      widget as unknown as { onAfterAttach(): void },
      'onAfterAttach'
    );
    const handle = await add({ id: 'x:w', title: 'One', widget });
    expect(attached).toHaveBeenCalledTimes(1);
    expect(widget.isAttached).toBe(true);
    expect(body('One').textContent).toContain('A widget');
    await act(
      async () => void fireEvent.click(body('One').querySelector('button')!)
    );
    expect(widget.isAttached).toBe(false);
    await act(
      async () => void fireEvent.click(body('One').querySelector('button')!)
    );
    expect(attached).toHaveBeenCalledTimes(2);
    await act(async () => handle.dispose());
    expect(widget.isAttached).toBe(false);
    expect(widget.isDisposed).toBe(false);
    widget.dispose();
  });

  it('shows a message instead of a failing section, and all the others', async () => {
    const error = jest.spyOn(console, 'error').mockImplementation(() => {});
    await add({
      id: 'x:bad',
      title: 'Bad',
      render: () => {
        throw new Error('a detail');
      }
    });
    await add({ id: 'x:good', title: 'Good', render: () => 'words' });
    expect(body('Bad').textContent).toContain('This section cannot be shown.');
    expect(body('Bad').textContent).not.toContain('a detail');
    expect(body('Good').textContent).toContain('words');
    expect(titles()).toContain('Access');
    expect(error.mock.calls.flat().join(' ')).toContain("'x:bad'");
    error.mockRestore();
  });

  it('refuses a section that it cannot distinguish or display', async () => {
    const render = () => 'words';
    await add({ id: 'x:one', title: 'One', render });
    expect(() =>
      token.addSection({ id: 'x:one', title: 'Another', render })
    ).toThrow("already has a section 'x:one'");
    expect(() => token.addSection({ id: 'x:two', title: 'Two' })).toThrow(
      'either render or widget'
    );
    expect(() =>
      token.addSection({
        id: 'x:two',
        title: 'Two',
        render,
        widget: new Widget()
      })
    ).toThrow('either render or widget');
    expect(() => token.addSection({ id: '', title: 'Two', render })).toThrow(
      'needs an id and a title'
    );
  });
});
