/** Prefix that this class puts before a title. */
const MARK = /^\(\d+\) /;

/** Keeps "(1) " before the title of the page, even when other code sets the title. */
export class TitleCount {
  constructor(private readonly _document: Document) {
    const title = _document.querySelector('head > title');
    if (title) {
      new MutationObserver(() => this._apply()).observe(title, {
        childList: true,
        characterData: true,
        subtree: true
      });
    }
  }

  /** The number to show; nothing is shown for 0. */
  set count(count: number) {
    this._count = count;
    this._apply();
  }

  private _apply(): void {
    const plain = this._document.title.replace(MARK, '');
    const wanted = this._count > 0 ? `(${this._count}) ${plain}` : plain;
    // Setting the same title again would call the observer forever.
    if (this._document.title !== wanted) {
      this._document.title = wanted;
    }
  }

  private _count = 0;
}
