import { YNotebook } from '@jupyter/ydoc';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';

import { FileFollower } from '../fileFollower';
import type { IAgents, IFiles } from '../tokens';

function file(source: string, hash: string) {
  const cell = {
    id: 'a',
    cell_type: 'code',
    source,
    metadata: {},
    outputs: []
  };
  const content = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {},
    cells: [{ ...cell, execution_count: null }]
  };
  return { path: 'a.ipynb', hash, content };
}

/** A page with one open notebook, and the file below it. */
class Page {
  disk = file('one', 'h1');
  /** How often the file is just being written when it is read. */
  torn = 0;
  saves = 0;
  readonly shared = YNotebook.create();
  readonly changed = new Signal<this, void>(this);
  readonly context = {
    path: 'a.ipynb',
    ready: Promise.resolve(),
    contentsModel: { hash: 'h1' },
    saveState: new Signal<this, string>(this),
    model: { collaborative: false, dirty: false, sharedModel: this.shared },
    save: async () => {
      this.saves++;
    },
    _updateContentsModel: (found: { hash: string }) => {
      this.context.contentsModel = found;
    }
  };
  private _files: IFiles = { save: [], written: {} };

  constructor(autosave = true) {
    this.shared.setSource(this.disk.content as never);
    const panel = {
      context: this.context,
      isDisposed: false,
      disposed: new Signal<this, void>(this)
    };
    const files = () => this._files;
    new FileFollower(
      {
        changed: this.changed,
        agents: [{}],
        refresh: async () => {},
        get server() {
          return { files: files() };
        }
      } as unknown as IAgents,
      {
        forEach: (each: (found: unknown) => void) => each(panel),
        widgetAdded: new Signal<this, unknown>(this)
      } as unknown as INotebookTracker,
      {
        localPath: (path: string) => path,
        get: async (_: string, options: { content: boolean }) => {
          if (options.content && this.torn-- > 0) {
            throw new Error('Unreadable Notebook');
          }
          return this.disk;
        }
      } as unknown as Contents.IManager,
      { autosave } as IDocumentManager
    ).start();
  }

  async tell(files: Partial<IFiles>): Promise<void> {
    this._files = { ...this._files, ...files };
    this.changed.emit();
    await jest.advanceTimersByTimeAsync(1000);
  }

  get text(): string {
    return this.shared.getCell(0).getSource();
  }
}

beforeEach(() => {
  jest.useFakeTimers();
  // Yjs warns of what @jupyter/ydoc does while it makes a cell.
  jest.spyOn(console, 'warn').mockImplementation();
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

test('a file that is just being written is read again, and nobody is asked', async () => {
  const page = new Page();
  await page.tell({});
  page.disk = file('agent', 'h2');
  page.torn = 3;
  await page.tell({ written: { 'a.ipynb': 'm1' } });
  expect(page.text).toBe('agent');
  expect(page.context.contentsModel.hash).toBe('h2');
  expect(page.context.model.dirty).toBe(false);
});

test('a file that could not be read is looked at again with the next news', async () => {
  const page = new Page();
  await page.tell({});
  page.disk = file('agent', 'h2');
  page.torn = 10;
  await page.tell({ written: { 'a.ipynb': 'm1' } });
  expect(page.text).toBe('one');
  await page.tell({});
  expect(page.text).toBe('agent');
});

test('what was typed stays, and stays unsaved', async () => {
  const page = new Page();
  await page.tell({});
  page.shared.getCell(0).updateSource(0, 0, 'typed\n');
  page.disk = file('one\nagent', 'h2');
  await page.tell({ written: { 'a.ipynb': 'm1' } });
  expect(page.text).toBe('typed\none\nagent');
  expect(page.context.model.dirty).toBe(true);
});

test('what an agent wrote this very moment is taken in before a save', async () => {
  const page = new Page();
  await page.tell({ written: { 'a.ipynb': 'm1' } });
  page.disk = file('agent', 'h2');
  (page as unknown as { _files: IFiles })._files = {
    save: [],
    written: { 'a.ipynb': 'm2' }
  };
  await page.context.save();
  expect(page.text).toBe('agent');
  expect(page.saves).toBe(1);
});

test.each([
  [true, 1],
  [false, 0]
])(
  'where autosave is %s, a page that is asked saves %s time',
  async (on, times) => {
    const page = new Page(on);
    page.context.model.dirty = true;
    await page.tell({ save: ['a.ipynb', 'b.ipynb'] });
    expect(page.saves).toBe(times);
  }
);
