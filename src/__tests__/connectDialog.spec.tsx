import { act, fireEvent, screen } from '@testing-library/react';
import * as React from 'react';

import { ConnectDialog } from '../panel/components/connect/ConnectDialog';
import { AgentsModel } from '../model/model';
import { makeAgent, MemoryApi, nowhere } from './fixtures';
import { draw, pressAsPerson, submitAsPerson } from './render';

describe('ConnectDialog', () => {
  let api: MemoryApi;
  let model: AgentsModel;
  let closed: jest.Mock;
  let copied: string[];

  const open = async (currentPath: string | null = null): Promise<void> => {
    model = new AgentsModel({ api, hidden: () => false });
    await model.ready;
    closed = jest.fn();
    draw(model, () => <ConnectDialog onClose={closed} />, undefined, {
      ...nowhere,
      currentPath
    });
  };
  const create = () =>
    act(async () => {
      const form = document.querySelector('form');
      submitAsPerson(form as HTMLFormElement);
    });
  const name = (label: string) =>
    fireEvent.change(screen.getByLabelText('Name this connection'), {
      target: { value: label }
    });
  const press = (words: string) =>
    act(async () => pressAsPerson(screen.getByRole('button', { name: words })));

  beforeEach(() => {
    // jsdom has no modal dialogs.
    HTMLDialogElement.prototype.showModal = function () {
      this.open = true;
    };
    HTMLDialogElement.prototype.close = function () {
      this.open = false;
      this.dispatchEvent(new Event('close'));
    };
    copied = [];
    Object.defineProperty(navigator, 'clipboard', {
      configurable: true,
      value: { writeText: async (text: string) => copied.push(text) }
    });
    api = new MemoryApi();
  });

  afterEach(() => model.dispose());

  it('starts in the name, with editing freely and asking to run', async () => {
    await open();
    expect(document.activeElement).toBe(
      screen.getByLabelText('Name this connection')
    );
    const chosen = screen.getByRole('radio', {
      name: 'Edit freely, ask to run'
    });
    expect((chosen as HTMLInputElement).checked).toBe(true);
  });

  it('creates a connection with the name and the mode', async () => {
    await open();
    name('Codex at work');
    fireEvent.click(screen.getByRole('radio', { name: 'Look only' }));
    await create();
    expect(api.minted).toEqual([{ label: 'Codex at work', mode: 'look' }]);
    expect(screen.getByRole('dialog').textContent).toContain(
      'Connect Codex at work'
    );
  });

  it('asks for notebooks and an end time before anything runs without asking', async () => {
    await open();
    fireEvent.click(
      screen.getByRole('radio', { name: 'Edit and run in chosen notebooks' })
    );
    await create();
    expect(api.minted).toEqual([]);
    fireEvent.change(screen.getByLabelText(/^Notebooks/), {
      target: { value: 'analysis/*.ipynb, sales.ipynb' }
    });
    await create();
    expect(api.minted[0]).toMatchObject({
      mode: 'auto',
      notebooks: ['analysis/*.ipynb', 'sales.ipynb'],
      until: '30m'
    });
  });

  it('offers the open notebook, whatever characters its name contains', async () => {
    await open('sales, 2024.ipynb');
    fireEvent.click(
      screen.getByRole('radio', { name: 'Edit and run in chosen notebooks' })
    );
    await create();
    expect(api.minted[0]).toMatchObject({ notebooks: ['sales, 2024.ipynb'] });
  });

  it('creates nothing when a script submits the form', async () => {
    await open();
    await act(async () => {
      fireEvent.submit(document.querySelector('form') as HTMLFormElement);
    });
    expect(api.minted).toEqual([]);
  });

  it('copies the URL and the config of each client and stays open', async () => {
    await open();
    await create();
    await press('Copy URL');
    await press('Copy config for Claude Code');
    await press('Copy config for VS Code');
    expect(copied[0]).toBe('http://127.0.0.1:8888/mcp');
    expect(copied[1]).toContain('claude mcp add');
    expect(JSON.parse(copied[2])).toHaveProperty('servers.jupyter');
    expect(closed).not.toHaveBeenCalled();
  });

  it('says so when the first call came', async () => {
    await open();
    await create();
    const line = screen.getByRole('status');
    expect(line.textContent).toBe('Waiting for the first call…');
    api.agents = [
      makeAgent({ id: 'a_new', claims: { name: 'codex', version: '1' } })
    ];
    await act(() => model.refresh());
    expect(line.textContent).toBe('Connected. codex made its first call.');
  });

  it('keeps what was entered when the server refuses', async () => {
    await open();
    name('Codex');
    api.connect = async () => {
      throw new Error('This server takes no more agents.');
    };
    await create();
    expect(screen.getByRole('alert').textContent).toContain(
      'This server takes no more agents.'
    );
    const field = screen.getByLabelText('Name this connection');
    expect((field as HTMLInputElement).value).toBe('Codex');
  });
});
