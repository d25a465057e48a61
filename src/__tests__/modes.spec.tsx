import { nullTranslator } from '@jupyterlab/translation';
import { act, screen } from '@testing-library/react';
import * as React from 'react';

import { readAgent } from '../api/wire';
import { AgentsModel } from '../model/model';
import { DEFAULT_MODE, isBounded, modeOf, MODES } from '../model/modes';
import { AgentRow } from '../panel/components/agents/AgentRow';
import { makeAgent, MemoryApi } from './fixtures';
import { draw } from './render';

const trans = nullTranslator.load('jmcp_lab');
const NOW = Date.parse('2026-01-01T10:00:00Z');

async function row(fields: object): Promise<HTMLElement> {
  const api = new MemoryApi();
  const agent = makeAgent(fields);
  api.agents = [agent];
  const model = new AgentsModel({ api });
  await act(async () => {
    draw(model, () => <AgentRow agent={agent} now={NOW} />);
    await model.ready;
  });
  expect(model.link).toBe('online');
  model.dispose();
  return screen.getByRole('listitem');
}

describe('the modes', () => {
  it.each(MODES.map(mode => [mode.value, mode] as const))(
    '%s has all its texts',
    (_, mode) => {
      expect(mode.label(trans)).toMatch(/^[A-Z].+[^.]$/);
      expect(mode.help(trans)).toMatch(/^[A-Z].+\.$/);
      if (mode.runsUnasked) {
        expect(mode.caution('a.ipynb', 'until 12:00', trans)).toMatch(
          /a\.ipynb.*until 12:00/
        );
      }
    }
  );

  it('have unique names and labels', () => {
    const values = MODES.map(mode => mode.value);
    expect(new Set(values).size).toBe(MODES.length);
    expect(new Set(MODES.map(mode => mode.label(trans))).size).toBe(
      MODES.length
    );
    expect(values).toContain(DEFAULT_MODE);
    expect(isBounded(DEFAULT_MODE)).toBe(false);
  });
});

describe('a mode of a newer server', () => {
  it('is read unchanged', () => {
    const agent = readAgent({ id: 'a_1', label: 'x', mode: 'copy' });
    expect([agent.mode, agent.usable]).toEqual(['copy', true]);
    expect(modeOf('copy')).toBeNull();
  });

  it('is shown by its name, and the panel keeps working', async () => {
    await row({ mode: 'co\u202epy' });
    const menu = screen.getByRole('combobox') as HTMLSelectElement;
    expect(menu.selectedOptions[0].textContent).toBe('co▯py');
    expect(menu.selectedOptions[0].disabled).toBe(true);
    expect(menu.options).toHaveLength(MODES.length + 1);
  });

  it('that the server does not know either is shown as unusable', async () => {
    const item = await row({ mode: 'copy', usable: false });
    expect(item.textContent).toContain('does not know its mode');
  });
});

test.each([
  ['look', null],
  ['edit', 'Edits without asking in a.ipynb only'],
  [
    'auto',
    'Edits and runs without asking in a.ipynb only, until JupyterLab stops'
  ]
])('the row explains what %s does in chosen notebooks', async (mode, words) => {
  const item = await row({ mode, notebooks: ['a.ipynb'], until: 'stop' });
  expect(item.querySelector('.jp-jmcp-Caution')?.textContent ?? null).toBe(
    words
  );
});
