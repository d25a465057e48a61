import { Notification } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';

import { DocumentNotices } from '../notify/documentNotices';
import type { IAgents, IDocuments } from '../tokens';

const FULL = {
  path: 'a.ipynb',
  words: "'a.ipynb' could not be saved: full.",
  kind: 'not_saved'
} as const;
const COPY = {
  path: 'a.ipynb',
  copy: 'a-other.ipynb',
  why: 'a page came back'
};

class Memory {
  getItem(key: string): string | null {
    return this._items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this._items.set(key, value);
  }

  private readonly _items = new Map<string, string>();
}

function shown(): string[] {
  return Notification.manager.notifications.map(each => each.message);
}

function press(): void {
  const [notification] = Notification.manager.notifications;
  notification.options.actions?.[0].callback(new MouseEvent('click'));
}

describe('DocumentNotices', () => {
  let documents: IDocuments;
  let opened: string[];
  let memory: Memory;
  let isShown: boolean;

  function notices(): DocumentNotices {
    const model = { server: { documents } } as unknown as IAgents;
    Object.defineProperty(model.server, 'documents', { get: () => documents });
    const trans = nullTranslator.load('jmcp_lab');
    return new DocumentNotices(
      model,
      path => opened.push(path),
      { isShown, reveal: () => opened.push('panel') },
      trans,
      memory
    );
  }

  beforeEach(() => {
    documents = { unsaved: [], copies: [] };
    opened = [];
    memory = new Memory();
    isShown = false;
    Notification.manager.dismiss();
  });

  afterAll(() => Signal.clearData(Notification.manager));

  it('says once that a document is unsaved, and removes that when it is saved', () => {
    const told = notices();
    documents = { unsaved: [FULL], copies: [] };
    told.update();
    told.update();
    expect(shown()).toHaveLength(1);
    expect(shown()[0]).toContain('full');
    press();
    expect(opened).toEqual(['panel']);
    documents = { unsaved: [], copies: [] };
    told.update();
    expect(shown()).toEqual([]);
  });

  it.each([
    ['for as long as it is so', false, false],
    ['briefly over a panel that says it too', true, 10_000]
  ])('shows it %s', (_, open, autoClose) => {
    isShown = open;
    documents = { unsaved: [FULL], copies: [] };
    notices().update();
    const [notification] = Notification.manager.notifications;
    expect(notification.options.autoClose).toBe(autoClose);
  });

  it('says it again when the cause changes', () => {
    const told = notices();
    documents = { unsaved: [FULL], copies: [] };
    told.update();
    documents = { unsaved: [{ ...FULL, words: 'read-only' }], copies: [] };
    told.update();
    expect(shown()).toHaveLength(1);
    expect(shown()[0]).toContain('read-only');
  });

  it('links to the other version, and mentions it once, even after a reload', () => {
    documents = { unsaved: [], copies: [COPY] };
    notices().update();
    expect(shown()).toHaveLength(1);
    expect(shown()[0]).toContain('a-other.ipynb');
    press();
    expect(opened).toEqual(['a-other.ipynb']);
    notices().update();
    expect(shown()).toHaveLength(1);
  });

  it.each([
    ['while the first is listed', [[COPY], [COPY, COPY]]],
    ['after the first was forgotten', [[COPY], [], [COPY]]]
  ])('mentions another version of a document: %s', (_, lists) => {
    for (const copies of lists) {
      documents = { unsaved: [], copies };
      notices().update();
      notices().update();
    }
    expect(shown()).toHaveLength(2);
  });

  it('mentions each of many versions once', () => {
    const copies = Array.from({ length: 120 }, (_, number) => ({
      ...COPY,
      copy: `a-other${number}.ipynb`
    }));
    documents = { unsaved: [], copies };
    notices().update();
    notices().update();
    expect(shown()).toHaveLength(120);
  });
});
