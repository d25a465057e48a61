import { YCodeCell, YFile, YNotebook } from '@jupyter/ydoc';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';

import { FileFollower } from '../files/fileFollower';
import type { TextContext } from '../files/openTexts';
import type { IAgents, IFiles, IOpenTexts } from '../tokens';

function file(source: string, hash: string, outputs: object[] = []) {
  const cell = {
    id: 'a',
    cell_type: 'code',
    source,
    metadata: {},
    outputs
  };
  const content = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {},
    cells: [{ ...cell, execution_count: null }]
  };
  return { path: 'a.ipynb', hash, content };
}

/** A page with one open document, and the file below it. */
abstract class Page {
  /** How often the file is just being written when it is read. */
  torn = 0;
  saves = 0;
  /** What happens while a save is on its way. */
  during: () => void = () => undefined;
  readonly changed = new Signal<this, void>(this);
  abstract disk: { path: string; hash: string; content: unknown };
  abstract readonly shared: YNotebook | YFile;
  private _files: IFiles = { save: [], written: {} };

  /** The context of the document. */
  protected opened() {
    const context = {
      path: this.disk.path,
      ready: Promise.resolve(),
      isDisposed: false,
      disposed: new Signal<this, void>(this),
      contentsModel: { hash: this.disk.hash },
      saveState: new Signal<this, string>(this),
      model: { collaborative: false, dirty: false, sharedModel: this.shared },
      save: async () => {
        this.saves++;
        context.saveState.emit('started');
        this.during();
        context.model.dirty = false;
        context.saveState.emit('completed');
      },
      revert: async () => {
        this.shared.setSource(this.disk.content as never);
      },
      _updateContentsModel: (found: { hash: string }) => {
        context.contentsModel = found;
      }
    };
    return context;
  }

  protected follow(
    tracker: INotebookTracker | null,
    texts: IOpenTexts | null,
    autosave = true
  ): void {
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
      tracker,
      texts,
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

  /** The server says something, and the page has heard it. */
  async tell(files: Partial<IFiles>): Promise<void> {
    this.say(files);
    this.changed.emit();
    await jest.advanceTimersByTimeAsync(1000);
  }

  /** The server says something when it is asked. */
  say(files: Partial<IFiles>): void {
    this._files = { ...this._files, ...files };
  }
}

class NotebookPage extends Page {
  disk = file('one', 'h1');
  readonly shared = YNotebook.create();
  readonly context;

  constructor(autosave = true) {
    super();
    this.shared.setSource(this.disk.content as never);
    this.context = this.opened();
    const panel = { context: this.context };
    this.follow(
      {
        forEach: (each: (found: unknown) => void) => each(panel),
        widgetAdded: new Signal<this, unknown>(this)
      } as unknown as INotebookTracker,
      null,
      autosave
    );
  }

  get text(): string {
    return this.shared.getCell(0).getSource();
  }
}

class TextPage extends Page {
  disk = { path: 'a.txt', hash: 'h1', content: 'one\r\ntwo\r\n' };
  readonly shared = YFile.create();
  readonly context;

  constructor() {
    super();
    this.shared.setSource('one\ntwo\n');
    this.shared.clearUndoHistory();
    this.context = this.opened();
    const context = this.context as unknown as TextContext;
    // The same editor twice, as in two views.
    const contexts = [context, context];
    const opened = new Signal<this, TextContext>(this);
    this.follow(null, { contexts, opened });
  }

  get text(): string {
    return this.shared.getSource();
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

test('a file that is being written is read again without a question', async () => {
  const page = new NotebookPage();
  await page.tell({});
  page.disk = file('agent', 'h2');
  page.torn = 3;
  await page.tell({ written: { 'a.ipynb': 'm1' } });
  expect(page.text).toBe('agent');
  expect(page.context.contentsModel.hash).toBe('h2');
  expect(page.context.model.dirty).toBe(false);
});

test('an unreadable file is read again with the next event', async () => {
  const page = new NotebookPage();
  await page.tell({});
  page.disk = file('agent', 'h2');
  page.torn = 10;
  await page.tell({ written: { 'a.ipynb': 'm1' } });
  expect(page.text).toBe('one');
  await page.tell({});
  expect(page.text).toBe('agent');
});

test('typed text stays, and stays unsaved', async () => {
  const page = new NotebookPage();
  await page.tell({});
  page.shared.getCell(0).updateSource(0, 0, 'typed\n');
  page.disk = file('one\nagent', 'h2');
  await page.tell({ written: { 'a.ipynb': 'm1' } });
  expect(page.text).toBe('typed\none\nagent');
  expect(page.context.model.dirty).toBe(true);
});

test("an agent's latest change is merged before a save", async () => {
  const page = new NotebookPage();
  await page.tell({ written: { 'a.ipynb': 'm1' } });
  page.disk = file('agent', 'h2');
  page.say({ written: { 'a.ipynb': 'm2' } });
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
    const page = new NotebookPage(on);
    page.context.model.dirty = true;
    await page.tell({ save: ['a.ipynb', 'b.ipynb'] });
    expect(page.saves).toBe(times);
  }
);

test("a text file shows an agent's change together with typed text", async () => {
  const page = new TextPage();
  await page.tell({});
  page.shared.updateSource(0, 0, 'typed ');
  page.disk = { ...page.disk, hash: 'h2', content: 'one\r\ntwo\r\nagent\r\n' };
  await page.tell({ written: { 'a.txt': 'm1' } });
  expect(page.text).toBe('typed one\ntwo\nagent\n');
  expect(page.context.model.dirty).toBe(true);
  expect(page.context.contentsModel.hash).toBe('h2');
});

test("undo in a text file reverts typed text, not an agent's change", async () => {
  const page = new TextPage();
  await page.tell({});
  page.shared.updateSource(0, 0, 'typed ');
  page.disk = { ...page.disk, hash: 'h2', content: 'one\ntwo\nagent\n' };
  await page.tell({ written: { 'a.txt': 'm1' } });
  page.shared.undo();
  expect(page.text).toBe('one\ntwo\nagent\n');
});

test('a text file that a page is asked to save is saved once', async () => {
  const page = new TextPage();
  page.context.model.dirty = true;
  await page.tell({ save: ['a.txt'] });
  expect(page.saves).toBe(1);
});

test('text typed during a save is not shown as saved', async () => {
  const page = new NotebookPage();
  await page.tell({});
  page.during = () => page.shared.getCell(0).updateSource(0, 0, 'typed ');
  await page.context.save();
  expect(page.context.model.dirty).toBe(true);
  page.during = () => undefined;
  await page.context.save();
  expect(page.context.model.dirty).toBe(false);
});

test('a page that is asked to save also saves text typed during the save', async () => {
  const page = new TextPage();
  await page.tell({});
  let left = 2;
  page.during = () => left-- > 0 && page.shared.updateSource(0, 0, 'typed ');
  page.context.model.dirty = true;
  await page.tell({ save: ['a.txt'] });
  expect(page.saves).toBe(3);
  expect(page.context.model.dirty).toBe(false);
});

test.each([
  ['outputs', (cell: YCodeCell) => cell.setOutputs([])],
  ['metadata', (cell: YCodeCell) => cell.setMetadata('tags', ['mine'])]
])('unsaved %s stay unsaved', async (_, change) => {
  const page = new NotebookPage();
  await page.tell({});
  const output = { output_type: 'stream', name: 'stdout', text: '1' } as const;
  const cell = page.shared.getCell(0) as YCodeCell;
  cell.setOutputs([output]);
  await page.context.save();
  change(cell);
  page.context.model.dirty = true;
  page.disk = file('agent', 'h2', [output]);
  await page.tell({ written: { 'a.ipynb': 'm1' } });
  expect(page.text).toBe('agent');
  expect(page.context.model.dirty).toBe(true);
});

test('agents continue from the version that a page reverted to', async () => {
  const page = new NotebookPage();
  await page.tell({});
  page.disk = file('back', 'h2');
  page.shared.getCell(0).updateSource(0, 0, 'typed ');
  // A save that meets another file ends so, where the person wants that.
  page.during = () => void page.context.revert();
  await page.context.save();
  page.disk = file('back again', 'h3');
  await page.tell({ written: { 'a.ipynb': 'm1' } });
  expect(page.text).toBe('back again');
  expect(page.context.model.dirty).toBe(false);
});
