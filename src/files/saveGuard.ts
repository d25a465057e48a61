import type { INotebookTracker } from '@jupyterlab/notebook';
import type { Contents, IContentProvider } from '@jupyterlab/services';

/** Name under which collaboration registers its content provider. */
const COLLABORATION = 'rtc';

/** How long to wait for the page to receive word of a file that it does not know. */
export const PATIENCE_MS = 5000;

/** How often to check whether the page has received word of another file. */
const LOOK_MS = 50;

/** How often to read the file again although the page has received no word. */
const ASK_MS = 1000;

/**
 * Suppresses the "file changed on disk" dialog for changes that the server itself saved.
 *
 * Before a save by hand, JupyterLab compares the file with the version it knows. If they differ, it
 * asks the person whether to overwrite or to revert. The server saves a second after each change,
 * and the page learns about that save only later. So while agents work, a person who saves would
 * see the question again and again, and reverting loses typed text. This class delays the
 * comparison until the page has learned about the save.
 *
 * Upstream: `Context._maybeSave` of @jupyterlab/docregistry asks for `{content: false, hash:
 * true}`; `RtcContentProvider` of @jupyter/docprovider learns about a save from the document's
 * `hash`.
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
    // Collaboration has started by the time a notebook is open.
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
      // Collaboration is off.
      return null;
    }
  }

  /** Return the file on disk once the page knows it, or has not learned about it in time. */
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

  /** The hash with which the page of a live notebook compares the file, if it has one. */
  private _known(path: string): string | undefined {
    const panel = this._tracker.find(
      each => this._contents.localPath(each.context.path) === path
    );
    // Any other page saves by itself and learns about no other saves.
    return panel?.context.model.collaborative
      ? panel.context.contentsModel?.hash
      : undefined;
  }

  private _attached: IContentProvider | null = null;
}
