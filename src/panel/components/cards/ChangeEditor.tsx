import * as React from 'react';

import { usePanel } from '../../context';
import type { IPreviewItem } from '../../../tokens';

/**
 * A short change in the style of JupyterLab's editor; `children` show it until the editor is
 * loaded.
 */
export function ChangeEditor(props: {
  item: IPreviewItem;
  language: string | null;
  children: React.ReactNode;
}): JSX.Element {
  const { item, language } = props;
  const { trans, languages } = usePanel();
  const host = React.useRef<HTMLDivElement>(null);
  const [drawn, setDrawn] = React.useState(false);
  const name = item.title || trans.__('Change');
  React.useEffect(() => {
    const parent = host.current;
    if (!parent) {
      return;
    }
    let current = true;
    let remove = () => {};
    // The diff has its own bundle, which most pages never need.
    import('../../diff')
      .then(async ({ showDiff }) => {
        const destroy = await showDiff({
          parent,
          before: item.old,
          after: item.new,
          language,
          languages,
          label: name
        });
        if (current) {
          remove = destroy;
          setDrawn(true);
        } else {
          destroy();
        }
      })
      .catch((reason: unknown) => {
        console.warn('The diff could not be shown.', reason);
      });
    return () => {
      current = false;
      setDrawn(false);
      remove();
    };
  }, [item.old, item.new, language, languages, name]);
  return (
    <>
      <div className="jp-jmcp-Diff" ref={host} hidden={!drawn} />
      {drawn ? null : props.children}
    </>
  );
}
