import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { ISignal, Signal } from '@lumino/signaling';

/** The context of a text file. */
export type TextContext =
  DocumentRegistry.IContext<DocumentRegistry.ICodeModel>;

/** Name under which JupyterLab registers its text editor. */
const EDITOR = 'Editor';

/** The text files that are open in editors of the page. */
export class OpenTexts {
  constructor(registry: DocumentRegistry) {
    registry.addWidgetExtension(EDITOR, {
      createNew: (_, context) => this._add(context as TextContext)
    });
  }

  /** The contexts, in no order. */
  get contexts(): Iterable<TextContext> {
    return this._contexts;
  }

  /** Emits when a text file is opened. */
  get opened(): ISignal<this, TextContext> {
    return this._opened;
  }

  private _add(context: TextContext): void {
    // Two editors of one file share a context.
    if (!this._contexts.has(context)) {
      this._contexts.add(context);
      context.disposed.connect(() => this._contexts.delete(context));
      this._opened.emit(context);
    }
  }

  private readonly _contexts = new Set<TextContext>();
  private readonly _opened = new Signal<this, TextContext>(this);
}
