/** What the server is told of a page that a person has open. */

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
  /** Whether the page saves it when it is asked to. */
  readonly saves: boolean;
  /** Of a notebook that is not live: the cells with the caret, by their ids. */
  readonly editing?: readonly string[];
  /** Of a notebook that is not live: the cells that run. */
  readonly running?: readonly string[];
}
