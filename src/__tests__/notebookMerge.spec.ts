import { YNotebook } from '@jupyter/ydoc';
import { JSONExt } from '@lumino/coreutils';

import { Content, mergeNotebook } from '../files/notebookMerge';

type Cell = Content['cells'][number];

function code(id: string, source: string, fields: object = {}): Cell {
  return {
    id,
    cell_type: 'code',
    source,
    metadata: {},
    outputs: [],
    execution_count: null,
    ...fields
  } as Cell;
}

function content(...cells: Cell[]): Content {
  return { nbformat: 4, nbformat_minor: 5, metadata: {}, cells };
}

function opened(base: Content): YNotebook {
  const shared = YNotebook.create({ disableDocumentWideUndoRedo: true });
  shared.setSource(JSONExt.deepCopy(base as never));
  return shared;
}

const texts = (shared: YNotebook) => shared.cells.map(c => c.getSource());
const ids = (shared: YNotebook) => shared.cells.map(c => c.getId());

function permutations<T>(items: T[]): T[][] {
  return items.length < 2
    ? [items]
    : items.flatMap((item, index) =>
        permutations(items.filter((_, other) => other !== index)).map(rest => [
          item,
          ...rest
        ])
      );
}

const OUTPUT = { output_type: 'stream', name: 'stdout', text: '42\n' };

describe('mergeNotebook', () => {
  // Yjs warns of what @jupyter/ydoc does while it makes a cell.
  beforeEach(() => jest.spyOn(console, 'warn').mockImplementation());
  afterEach(() => jest.restoreAllMocks());

  const base = content(code('a', 'one'), code('b', 'two'), code('c', 'three'));

  it('takes changes of the file and keeps changes of the page', () => {
    const shared = opened(base);
    shared.cells[0].updateSource(0, 0, '# mine\n');
    const cell = shared.cells[1];
    mergeNotebook(
      shared,
      base,
      content(code('a', 'one\n1'), code('b', 'TWO'), code('d', 'new'))
    );
    expect(ids(shared)).toEqual(['a', 'b', 'd']);
    expect(texts(shared)).toEqual(['# mine\none\n1', 'TWO', 'new']);
    expect(shared.cells[1]).toBe(cell);
  });

  it("leaves the person's undo history alone", () => {
    const shared = opened(base);
    const cell = shared.cells[0];
    cell.clearUndoHistory();
    cell.updateSource(0, 0, 'typed ');
    mergeNotebook(shared, base, content(code('a', 'one!'), code('b', 'two')));
    expect(texts(shared)[0]).toBe('typed one!');
    cell.undo();
    expect(texts(shared)[0]).toBe('one!');
  });

  it('keeps a cell that the person edited although the file no longer has it', () => {
    const shared = opened(base);
    shared.cells[1].updateSource(0, 0, 'typed ');
    mergeNotebook(shared, base, content(code('a', 'one')));
    expect(texts(shared)).toEqual(['one', 'typed two']);
  });

  it('keeps a cell deleted by the person away, unless its text is new', () => {
    const shared = opened(base);
    shared.deleteCell(1);
    mergeNotebook(shared, base, base);
    expect(ids(shared)).toEqual(['a', 'c']);
    mergeNotebook(
      shared,
      base,
      content(code('a', 'one'), code('b', 'TWO'), code('c', 'three'))
    );
    expect(ids(shared)).toEqual(['a', 'b', 'c']);
  });

  it('moves as few cells as possible', () => {
    const shared = opened(base);
    const staying = [shared.cells[1], shared.cells[2]];
    shared.insertCell(3, code('mine', 'person') as never);
    const [a, b, c] = base.cells;
    mergeNotebook(shared, base, content(b, c, a));
    expect(ids(shared)).toEqual(['b', 'c', 'mine', 'a']);
    expect([shared.cells[0], shared.cells[1]]).toEqual(staying);
  });

  it('shows outputs of an agent and keeps those of the person', () => {
    const shared = opened(base);
    const run = { outputs: [OUTPUT], execution_count: 1 };
    const own = { ...OUTPUT, text: 'mine\n' };
    (shared.cells[1] as never as { setOutputs(o: object[]): void }).setOutputs([
      own
    ]);
    mergeNotebook(
      shared,
      base,
      content(
        code('a', 'one', { ...run, metadata: { trusted: true } }),
        code('b', 'two', run),
        code('c', 'three')
      )
    );
    const cells = shared.cells.map(cell => cell.toJSON() as Cell);
    expect(cells[0].outputs).toEqual([OUTPUT]);
    expect(cells[0].execution_count).toBe(1);
    expect(cells[0].metadata.trusted).toBe(true);
    expect(cells[1].outputs).toEqual([own]);
  });

  it('takes metadata key by key, and a new cell type', () => {
    const shared = opened({ ...base, metadata: { one: 1, two: 2 } } as Content);
    shared.setMetadata('two', 'mine');
    const markdown = {
      id: 'a',
      cell_type: 'markdown',
      source: 'one',
      metadata: { tags: ['x'] }
    } as Cell;
    mergeNotebook(
      shared,
      { ...base, metadata: { one: 1, two: 2 } } as Content,
      {
        ...content(markdown, base.cells[1], base.cells[2]),
        metadata: { one: 'theirs', two: 'theirs', three: 3 }
      } as Content
    );
    expect(shared.metadata).toEqual({ one: 'theirs', two: 'mine', three: 3 });
    expect(shared.cells[0].cell_type).toBe('markdown');
    expect(shared.cells[0].metadata).toEqual({ tags: ['x'] });
  });

  it('matches cells of a file with other ids or none by their text', () => {
    const shared = opened(base);
    const cell = shared.cells[2];
    const anonymous = content(
      code('x', 'one'),
      code('y', 'new'),
      code('z', 'three')
    );
    delete anonymous.cells[2].id;
    mergeNotebook(shared, base, anonymous);
    expect(texts(shared)).toEqual(['one', 'new', 'three']);
    expect(ids(shared)).toEqual(['a', 'y', 'c']);
    expect(shared.cells[2]).toBe(cell);
  });

  it('keeps a held cell in place, however the others move', () => {
    const cells = ['a', 'b', 'c', 'd'].map(id => code(id, id));
    for (const wanted of permutations(cells)) {
      for (const { id } of cells) {
        const shared = opened(content(...cells));
        const held = shared.cells.find(cell => cell.getId() === id);
        const file = content(...wanted);
        mergeNotebook(shared, content(...cells), file, new Set([String(id)]));
        expect(ids(shared)).toEqual(wanted.map(cell => cell.id));
        expect(shared.cells).toContain(held);
      }
    }
  });

  it('neither removes nor retypes a held cell', () => {
    const shared = opened(base);
    const [a, b] = shared.cells;
    const retyped = code('b', 'two', { cell_type: 'markdown' });
    mergeNotebook(shared, base, content(retyped), new Set(['a', 'b']));
    expect(shared.cells).toEqual([a, b]);
    expect(b.cell_type).toBe('code');
  });
});
