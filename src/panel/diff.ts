/** A unified diff in the style of JupyterLab's editor. Imported only when a diff is shown. */
import { unifiedMergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { jupyterTheme } from '@jupyterlab/codemirror';
import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';

/** Maximum cost of a comparison; beyond it the changed parts are less exact. */
const BUDGET = { scanLimit: 500, timeout: 50 };

/** What to compare and where to show it. */
export interface IDiffOptions {
  readonly parent: HTMLElement;
  readonly before: string;
  readonly after: string;
  readonly language: string | null;
  readonly languages: IEditorLanguageRegistry | null;
  /** The accessible name. */
  readonly label: string;
}

/** Show a change. Returns a function that removes it. */
export async function showDiff(options: IDiffOptions): Promise<() => void> {
  const view = new EditorView({
    parent: options.parent,
    state: EditorState.create({
      doc: options.after,
      extensions: [
        jupyterTheme,
        await highlighting(options),
        EditorState.readOnly.of(true),
        EditorView.editable.of(false),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({
          'aria-label': options.label,
          'aria-readonly': 'true',
          tabindex: '0'
        }),
        unifiedMergeView({
          original: options.before,
          diffConfig: BUDGET,
          mergeControls: false,
          gutter: true,
          highlightChanges: true,
          syntaxHighlightDeletions: true,
          allowInlineDiffs: false,
          collapseUnchanged: { margin: 2, minSize: 4 }
        })
      ]
    })
  });
  return () => view.destroy();
}

async function highlighting(options: IDiffOptions): Promise<Extension> {
  if (!options.language || !options.languages) {
    return [];
  }
  const found = await options.languages.getLanguage(options.language);
  return found?.support ?? [];
}
