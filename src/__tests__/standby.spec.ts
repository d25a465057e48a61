import { Signal } from '@lumino/signaling';

import { AgentsModel, DOORBELL } from '../model/model';
import { makeAgent, MemoryApi } from './fixtures';

/** Lets timers come due, and what they began come to its end. */
async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await jest.advanceTimersByTimeAsync(1000);
  }
}

describe('A hidden page', () => {
  let api: MemoryApi;
  let model: AgentsModel;
  let isHidden = false;
  const bus = {};
  let events: Signal<object, { schema_id: string }>;

  beforeEach(() => {
    jest.useFakeTimers();
    isHidden = false;
    api = new MemoryApi();
    events = new Signal(bus);
  });

  afterEach(() => {
    model.dispose();
    jest.useRealTimers();
  });

  const open = async (connected: boolean): Promise<number> => {
    api.agents = [makeAgent({ connected })];
    model = new AgentsModel({ api, events, hidden: () => isHidden });
    await pass(2);
    isHidden = true;
    await pass(120);
    return api.asked.length;
  };

  it('asks nothing as long as no agent is connected', async () => {
    const asked = await open(false);
    await pass(300);
    expect(api.asked.length).toBe(asked);
  });

  it('keeps asking while an agent is connected', async () => {
    const asked = await open(true);
    await pass(300);
    expect(api.asked.length).toBeGreaterThan(asked);
  });

  it('asks again once an agent comes', async () => {
    const asked = await open(false);
    api.agents = [makeAgent({ connected: true })];
    api.seq += 1;
    events.emit({ schema_id: DOORBELL });
    await pass(300);
    expect(model.agents[0].connected).toBe(true);
    expect(api.asked.length).toBeGreaterThan(asked + 2);
  });
});
