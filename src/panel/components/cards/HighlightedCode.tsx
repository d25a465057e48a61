import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import * as React from 'react';

/** Code in the colours of JupyterLab's editor; plain until the highlighter is loaded. */
export function HighlightedCode(props: {
  code: string;
  language: string | null;
  languages: IEditorLanguageRegistry | null;
}): JSX.Element {
  const { code, language, languages } = props;
  const node = React.useRef<HTMLElement>(null);
  React.useLayoutEffect(() => {
    const element = node.current;
    if (!element) {
      return;
    }
    element.textContent = code;
    const spec = language ? languages?.findBest(language) : null;
    if (!languages || !spec) {
      return;
    }
    const coloured = document.createElement('code');
    let current = true;
    languages
      .highlight(code, spec, coloured)
      .then(() => {
        // Highlighting must not change a character of what the person is asked to allow.
        if (current && coloured.textContent === code) {
          element.replaceChildren(...coloured.childNodes);
        }
      })
      .catch(() => {
        // The plain text is already shown.
      });
    return () => {
      current = false;
    };
  }, [code, language, languages]);
  return <code ref={node} dir="ltr" />;
}
