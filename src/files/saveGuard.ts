import type { INotebookTracker } from '@jupyterlab/notebook';
import type { Contents, IContentProvider } from '@jupyterlab/services';

/** The name under which collaboration registers what it reads and saves files with. */
const COLLABORATION = 'rtc';

/** How long a file that the page does not know may be one that it is about to hear of. */
export const PATIENCE_MS = 5000;

/** How often it is looked whether the page has heard of another file. */
const LOOK_MS = 50;

/** How often a file is asked for again although the page has heard of none. */
const ASK_MS = 1000;

/**
 * Asks nobody about a file that the server itself has just written.
 *
 * Before a notebook is saved by hand, JupyterLab compares the file with the one it knows, and asks
 * the person whether to overwrite or to revert when they differ. The server saves by itself a
 * second after each change, and the page hears of that file only later: while agents work, a
 * person who saves would meet that question again and again, and reverting loses what was typed.
 * So the answer to the comparison waits until the page has heard of the file.
 *
 * Upstream: `Context._maybeSave` of @jupyterlab/docregistry asks for `{content: false, hash: true}`;
 * `RtcContentProvider` of @jupyter/docprovider hears of a save by the document's `hash`.
 */
export class FileCheck {
  constructor(
    private readonly _tracker: INotebookTracker,
    private readonly _contents: Contents.IManager,
    private readonly _drive: Contents.IDrive
  ) {}

  start(): void {
    if (this._tracker.size > 0) {
      this._attach();
    }
    // Collaboration is there by the time that a notebook is open.
    this._tracker.widgetAdded.connect(() => this._attach());
  }

  private _attach(): void {
    const provider = this._provider();
    if (!provider || provider === this._attached) {
      return;
    }
    this._attached = provider;
    const get = provider.get.bind(provider);
    provider.get = async (path, options) => {
      const found = await get(path, options);
      return options?.hash && options.content === false
        ? this._heardOf(found, () => get(path, options))
        : found;
    };
  }

  private _provider(): IContentProvider | null {
    try {
      return (
        this._drive.contentProviderRegistry?.getProvider(COLLABORATION) ?? null
      );
    } catch {
      // It is off.
      return null;
    }
  }

  /** Return what is on the disk, once it is what the page knows or has stayed unknown. */
  private async _heardOf(
    found: Contents.IModel,
    ask: () => Promise<Contents.IModel>
  ): Promise<Contents.IModel> {
    const end = Date.now() + PATIENCE_MS;
    let asked = Date.now();
    let known = this._known(found.path);
    while (known && found.hash && known !== found.hash && Date.now() < end) {
      await new Promise(resolve => setTimeout(resolve, LOOK_MS));
      const now = this._known(found.path);
      if (
        (now !== known && now !== found.hash) ||
        Date.now() > asked + ASK_MS
      ) {
        asked = Date.now();
        found = await ask();
      }
      known = this._known(found.path);
    }
    return found;
  }

  /** The hash of the file that the page of a live notebook compares with, if it has one. */
  private _known(path: string): string | undefined {
    const panel = this._tracker.find(
      each => this._contents.localPath(each.context.path) === path
    );
    // Any other page saves by itself, and then hears of nothing.
    return panel?.context.model.collaborative
      ? panel.context.contentsModel?.hash
      : undefined;
  }

  private _attached: IContentProvider | null = null;
}
