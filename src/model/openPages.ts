/** What a page reports to the server about itself. */

/** A place in a text, both counted from zero. */
export interface IPosition {
  readonly line: number;
  readonly column: number;
}

/** What the person looks at in this page. */
export interface IPage {
  readonly visible: boolean;
  readonly focused: boolean;
  readonly active: {
    readonly path: string;
    readonly cell_id: string | null;
    readonly cursor: IPosition | null;
    readonly selection: {
      readonly start: IPosition;
      readonly end: IPosition;
      readonly text: string;
    } | null;
  } | null;
  /** Notebooks. */
  readonly open: readonly IOpenDocument[];
  /** Text files that are not live. */
  readonly files: readonly IOpenDocument[];
}

/** A document that a page has open. */
export interface IOpenDocument {
  readonly path: string;
  readonly dirty: boolean;
  /** Whether the page saves the document when the server asks. */
  readonly saves: boolean;
  /** In a notebook that is not live: ids of the cells with the caret. */
  readonly editing?: readonly string[];
  /** In a notebook that is not live: ids of the cells that run. */
  readonly running?: readonly string[];
}
