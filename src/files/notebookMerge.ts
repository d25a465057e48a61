/**
 * Merges a notebook file that another program has written into the open notebook.
 *
 * It compares three versions: what page and file had in common, the file now, and the page now.
 * What only the file changed goes into the page, in place, so that caret, scroll position and undo
 * history stay. What only the page changed stays. Nothing that either side wrote is lost.
 */
import type {
  ISharedAttachmentsCell,
  ISharedCodeCell,
  ISharedNotebook
} from '@jupyter/ydoc';
import { JSONExt } from '@lumino/coreutils';
import type { PartialJSONObject, PartialJSONValue } from '@lumino/coreutils';

import { matches, mergeText } from './textMerge';

/** A notebook in the form of nbformat. */
export type Content = ReturnType<ISharedNotebook['toJSON']>;

type SharedCell = ISharedNotebook['cells'][number];
type CellContent = Content['cells'][number];

/** A cell without its text and its outputs. */
const LOOKS = ['cell_type', 'metadata', 'attachments'] as const;
const RESULTS = ['outputs', 'execution_count'] as const;

/** Origin of the transactions that merge a file into a notebook. */
export const FROM_FILE = 'jmcp-lab: the file';

/**
 * Merge what a file changed since `base` into the open notebook.
 *
 * @param held - Cells that must keep their place in the page, because moving a cell recreates it.
 */
export function mergeNotebook(
  shared: ISharedNotebook,
  base: Content,
  file: Content,
  held: ReadonlySet<string> = new Set()
): void {
  const cells = named(base, file);
  const old = byId(base.cells);
  const wanted = new Map(cells.map(cell => [String(cell.id), cell]));
  // This must not get into the person's undo history.
  shared.transact(
    () => {
      const here = shared.cells.map(cell => cell.getId());
      const gone = here.filter(
        (id, index) =>
          old.has(id) &&
          !wanted.has(id) &&
          !held.has(id) &&
          sameCell(shared.cells[index].toJSON(), old.get(id)!)
      );
      const anew = new Map<string, CellContent>();
      for (const cell of [...shared.cells]) {
        const id = cell.getId();
        const now = wanted.get(id);
        if (now && !takeCell(cell, old.get(id), now, held.has(id))) {
          const content = cell.toJSON() as CellContent;
          anew.set(id, { ...now, source: content.source });
        }
      }
      for (const [id, cell] of wanted) {
        const before = old.get(id);
        // A cell that the person removed stays removed, unless the file changed it.
        if (!here.includes(id) && !(before && sameCell(cell, before))) {
          anew.set(id, cell);
        }
      }
      arrange(
        shared,
        order(here, [...old.keys()], [...wanted.keys()], gone, anew),
        anew,
        held
      );
      takeMetadata(shared, base, file);
    },
    false,
    FROM_FILE
  );
}

/** Metadata that a kernel writes about itself whenever it starts. */
const OF_KERNEL = ['kernelspec', 'language_info'];

/** Whether two contents are the same in everything that people write, and in outputs. */
export function sameNotebook(one: Content, other: Content): boolean {
  return (
    one.cells.length === other.cells.length &&
    one.cells.every((cell, index) => sameCell(cell, other.cells[index])) &&
    equal(written(one), written(other))
  );
}

function written({ metadata }: Content): PartialJSONObject {
  const keys = Object.entries(metadata as PartialJSONObject);
  return Object.fromEntries(keys.filter(([key]) => !OF_KERNEL.includes(key)));
}

/** The cells of the file. If it has no ids, or only other ones, they get the ids of the page. */
function named(base: Content, file: Content): CellContent[] {
  const known = new Set(base.cells.map(cell => cell.id));
  if (file.cells.some(cell => known.has(cell.id) && cell.id !== undefined)) {
    return file.cells;
  }
  const found = matches(
    file.cells.map(source),
    base.cells.map(cell => source(cell))
  );
  return file.cells.map((cell, index) => ({
    ...cell,
    id: base.cells[found[index]]?.id ?? cell.id ?? newId()
  }));
}

function newId(): string {
  return Math.random().toString(16).slice(2, 10).padEnd(8, '0');
}

/** Change a cell in place. Returns false when the cell must be recreated. */
function takeCell(
  cell: SharedCell,
  old: CellContent | undefined,
  now: CellContent,
  held: boolean
): boolean {
  const present = cell.toJSON() as CellContent;
  const before = old ?? present;
  const retyped = now.cell_type !== present.cell_type;
  const looks = !same(now, before, LOOKS) && same(present, before, LOOKS);
  if (looks && retyped && !held) {
    return false;
  }
  const splices = mergeText(source(before), source(present), source(now));
  for (const { start, end, text } of [...splices].reverse()) {
    cell.updateSource(start, end, text);
  }
  if (retyped) {
    return true;
  }
  if (looks) {
    takeKeys(cell, before.metadata, now.metadata);
    if (cell.cell_type !== 'code') {
      (cell as ISharedAttachmentsCell).attachments = copied(
        now.attachments
      ) as ISharedAttachmentsCell['attachments'];
    }
  }
  if (!same(now, before, RESULTS) && same(present, before, RESULTS)) {
    const code = cell as ISharedCodeCell;
    code.setOutputs(copied(now.outputs ?? []) as never);
    code.execution_count = (now.execution_count ?? null) as number | null;
    // Trust is not in the file: the server adds it to a notebook that it has signed.
    const { trusted } = now.metadata;
    if (typeof trusted === 'boolean') {
      cell.setMetadata('trusted', trusted);
    }
  }
  return true;
}

/** The ids of all cells of the result, in order. */
function order(
  here: string[],
  old: string[],
  file: string[],
  gone: string[],
  anew: Map<string, CellContent>
): string[] {
  const staying = here.filter(id => !gone.includes(id));
  const there = new Set([...staying, ...anew.keys()]);
  const wanted = file.filter(id => there.has(id));
  const both = new Set(old.filter(id => file.includes(id)));
  const moved = !JSONExt.deepEqual(
    old.filter(id => both.has(id)),
    file.filter(id => both.has(id))
  );
  return moved ? woven(wanted, staying) : woven(staying, wanted);
}

/** `first` with the items that only `second` has, each after the item it follows there. */
function woven(first: string[], second: string[]): string[] {
  const known = new Set(first);
  const following = new Map<string | null, string[]>();
  let last: string | null = null;
  for (const id of second) {
    if (known.has(id)) {
      last = id;
    } else {
      following.set(last, [...(following.get(last) ?? []), id]);
    }
  }
  return [
    ...(following.get(null) ?? []),
    ...first.flatMap(id => [id, ...(following.get(id) ?? [])])
  ];
}

/** Bring the cells into the wanted order and recreate as few as possible. */
function arrange(
  shared: ISharedNotebook,
  wanted: string[],
  anew: Map<string, CellContent>,
  held: ReadonlySet<string>
): void {
  const ids = shared.cells.map(cell => cell.getId());
  const found = around(held, ids, wanted);
  const contents = new Map<string, CellContent>();
  for (let index = ids.length - 1; index >= 0; index--) {
    const id = ids[index];
    if (found[index] < 0 || anew.has(id)) {
      contents.set(id, shared.getCell(index).toJSON() as CellContent);
      shared.deleteCell(index);
    }
  }
  const left = new Set(shared.cells.map(cell => cell.getId()));
  wanted.forEach((id, index) => {
    if (!left.has(id)) {
      shared.insertCell(index, copied(anew.get(id) ?? contents.get(id)!));
    }
  });
}

/** Like `matches`, but each `held` cell keeps its place, as far as their order is the same. */
function around(
  held: ReadonlySet<string>,
  from: readonly string[],
  to: readonly string[]
): number[] {
  const isHeld = (id: string) => held.has(id);
  const [pins, places] = [from.filter(isHeld), to.filter(isHeld)];
  const pinned = matches(pins, places);
  const kept = pins.filter((_, pin) => pinned[pin] >= 0);
  const found: number[] = [];
  let [start, end] = [0, 0];
  for (const pin of [...kept, null]) {
    const last = pin === null;
    const at = last ? from.length : from.indexOf(pin);
    const there = last ? to.length : to.indexOf(pin);
    const between = matches(from.slice(start, at), to.slice(end, there));
    found.push(...between.map(place => (place < 0 ? -1 : place + end)));
    if (!last) {
      found.push(there);
    }
    [start, end] = [at + 1, there + 1];
  }
  return found;
}

function takeMetadata(
  shared: ISharedNotebook,
  base: Content,
  file: Content
): void {
  takeKeys(shared, base.metadata, file.metadata);
}

/** Take over changed metadata, key by key, except what the page changed too. */
function takeKeys(
  shared: ISharedNotebook | SharedCell,
  base: object,
  file: object
): void {
  const present = shared.getMetadata() as PartialJSONObject;
  const before = base as PartialJSONObject;
  const now = file as PartialJSONObject;
  for (const key of Object.keys({ ...before, ...now })) {
    if (
      key === 'trusted' ||
      equal(now[key], before[key]) ||
      !equal(present[key], before[key])
    ) {
      continue;
    }
    if (key in now) {
      (shared as SharedCell).setMetadata(key, copied(now[key])!);
    } else {
      shared.deleteMetadata(key);
    }
  }
}

function byId(cells: readonly CellContent[]): Map<string, CellContent> {
  return new Map(cells.map(cell => [String(cell.id), cell]));
}

function source(cell: CellContent): string {
  return Array.isArray(cell.source) ? cell.source.join('') : cell.source;
}

function sameCell(a: unknown, b: CellContent): boolean {
  const cell = a as CellContent;
  return (
    source(cell) === source(b) && same(cell, b, LOOKS) && same(cell, b, RESULTS)
  );
}

function same(
  a: CellContent,
  b: CellContent,
  keys: readonly string[]
): boolean {
  return keys.every(key => equal(plain(a, key), plain(b, key)));
}

/** A field to compare, without the trust of a cell, which is not part of the file. */
function plain(cell: CellContent, key: string): PartialJSONValue | undefined {
  const value = (cell as PartialJSONObject)[key];
  if (key !== 'metadata') {
    return value;
  }
  const rest = { ...((value ?? {}) as PartialJSONObject) };
  delete rest.trusted;
  return rest;
}

function equal(a?: PartialJSONValue, b?: PartialJSONValue): boolean {
  return JSONExt.deepEqual(orNull(a), orNull(b));
}

/** Missing and empty count as the same. */
function orNull(value?: PartialJSONValue): PartialJSONValue {
  const empty =
    value === undefined ||
    (typeof value === 'object' &&
      value !== null &&
      Object.keys(value).length === 0);
  return empty ? null : value;
}

function copied<T>(value: T): T {
  return value === undefined
    ? value
    : (JSONExt.deepCopy(value as PartialJSONValue) as T);
}
