import { checkIcon, copyIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { copyText } from '../../clipboard';
import { Button } from './Button';

/** How long the tick stays after copying. */
const TICK_MS = 2500;

/** Copies a text; the dialog around it stays open. */
export function CopyButton(props: {
  text: string;
  children: string;
  label?: string;
  accent?: boolean;
  onCopied: (error: Error | null) => void;
}): JSX.Element {
  const node = React.useRef<HTMLSpanElement>(null);
  const [copied, setCopied] = React.useState(false);
  React.useEffect(() => {
    if (!copied) {
      return;
    }
    const timer = window.setTimeout(() => setCopied(false), TICK_MS);
    return () => window.clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    if (!node.current) {
      return;
    }
    try {
      await copyText(props.text, node.current);
      setCopied(true);
      props.onCopied(null);
    } catch (reason) {
      props.onCopied(reason as Error);
    }
  };
  return (
    <span ref={node} className="jp-jmcp-Copy">
      <Button
        kind={props.accent ? 'accept' : 'plain'}
        icon={copied ? checkIcon : copyIcon}
        label={props.label}
        onPress={() => void copy()}
      >
        {props.children}
      </Button>
    </span>
  );
}
