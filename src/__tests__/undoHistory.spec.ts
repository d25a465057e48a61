import { YCodeCell, YNotebook } from '@jupyter/ydoc';

import { UndoHistories, back, difference } from '../notebook/undoHistory';

function notebookOf(...sources: string[]): YNotebook {
  const notebook = YNotebook.create({
    disableDocumentWideUndoRedo: true
  }) as YNotebook;
  notebook.insertCells(
    0,
    sources.map((source, n) => ({ cell_type: 'code', id: `c${n}`, source }))
  );
  return notebook;
}

/** As an agent moves: the cell is deleted and made anew in one transaction. */
function move(notebook: YNotebook, from: number, to: number): void {
  const content = notebook.getCell(from).toJSON();
  notebook.transact(() => {
    notebook.deleteCell(from);
    notebook.insertCell(to, content);
  });
}

function type(cell: YCodeCell, at: number, text: string, gone = 0): void {
  cell.updateSource(at, at + gone, text);
  cell.undoManager?.stopCapturing();
}

describe('difference', () => {
  it('is one replacement that turns one text into the other', () => {
    const texts = [
      '',
      'a',
      'aa',
      'ab',
      'aba',
      'abba',
      'b',
      'xaby',
      '\u{1f600}'
    ];
    for (const from of texts) {
      for (const to of texts) {
        const { start, end, text } = difference(from, to);
        expect(from.slice(0, start) + text + from.slice(end)).toBe(to);
      }
    }
  });
});

describe('undo', () => {
  const step = { before: 'one\nthree', after: 'one\ntwo\nthree' };

  it.each([
    ['one\ntwo\nthree', 'one\nthree'],
    ['zero\none\ntwo\nthree', 'zero\none\nthree'],
    ['one\ntwo\nthree\nfour', 'one\nthree\nfour']
  ])('undoes a step in %j', (present, wanted) => {
    const splice = back(step, present);
    expect(splice).not.toBeNull();
    const { start, end, text } = splice!;
    expect(present.slice(0, start) + text + present.slice(end)).toBe(wanted);
  });

  it('leaves changes of others at the same place', () => {
    expect(back(step, 'one\nTWO!\nthree')).toBeNull();
  });
});

describe('UndoHistories', () => {
  it('keeps the undo steps of a cell each time it is recreated', () => {
    const notebook = notebookOf('a', 'b', 'c');
    const histories = new UndoHistories(notebook);
    histories.update();
    const cell = () =>
      notebook.cells.find(each => each.id === 'c1') as YCodeCell;
    type(cell(), 1, '1');
    type(cell(), 2, '2');
    for (const [from, to] of [
      [1, 0],
      [0, 2],
      [2, 1]
    ]) {
      move(notebook, from, to);
      histories.update();
    }
    type(cell(), 3, '3');
    const seen = [];
    while (cell().undo()) {
      seen.push(cell().getSource());
    }
    expect(seen).toEqual(['b12', 'b1', 'b']);
    expect(cell().canUndo()).toBe(false);
    while (cell().redo()) {
      seen.push(cell().getSource());
    }
    expect(seen.slice(3)).toEqual(['b1', 'b12', 'b123']);
    move(notebook, 1, 0);
    histories.update();
    cell().undo();
    cell().undo();
    move(notebook, 0, 1);
    histories.update();
    expect(cell().getSource()).toBe('b1');
    expect(cell().canRedo()).toBe(true);
    cell().redo();
    expect(cell().getSource()).toBe('b12');
    // What is typed ends what can be redone.
    type(cell(), 0, 'x');
    expect(cell().redo()).toBe(false);
    expect(cell().getSource()).toBe('xb12');
  });

  it('keeps what others wrote', () => {
    const notebook = notebookOf('a', 'one\nthree');
    const histories = new UndoHistories(notebook);
    histories.update();
    type(notebook.cells[1] as YCodeCell, 4, 'two\n');
    move(notebook, 1, 0);
    histories.update();
    const cell = notebook.cells[0] as YCodeCell;
    notebook.ydoc.transact(() => cell.ysource.insert(0, 'zero\n'));
    cell.undo();
    expect(cell.getSource()).toBe('zero\none\nthree');
    cell.redo();
    expect(cell.getSource()).toBe('zero\none\ntwo\nthree');
  });

  it('forgets everything when the history is cleared', () => {
    const notebook = notebookOf('a', 'b');
    const histories = new UndoHistories(notebook);
    histories.update();
    type(notebook.cells[1] as YCodeCell, 0, 'x');
    move(notebook, 1, 0);
    histories.update();
    const cell = notebook.cells[0] as YCodeCell;
    expect(cell.canUndo()).toBe(true);
    cell.clearUndoHistory();
    expect(cell.undo()).toBe(false);
  });
});
