import * as React from 'react';

import { usePanel } from '../../context';
import { Button } from '../shared/Button';

/** Maximum length of a reason. */
const MOST = 500;

/** The form that denies a request and gives the agent a reason. */
export function DenyForm(props: {
  id: string;
  inert: boolean;
  onSend: (reason: string) => void;
  onClose: () => void;
}): JSX.Element {
  const { trans } = usePanel();
  const [reason, setReason] = React.useState('');
  const field = React.useRef<HTMLTextAreaElement>(null);
  React.useEffect(() => field.current?.focus(), []);
  const send = () => {
    if (!props.inert) {
      props.onSend(reason.trim());
    }
  };
  return (
    <div
      id={props.id}
      className="jp-jmcp-DenyForm"
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          props.onClose();
        }
      }}
    >
      <label className="jp-jmcp-Field">
        <span>{trans.__('Tell the agent why')}</span>
        <textarea
          ref={field}
          className="jp-mod-styled"
          dir="auto"
          rows={2}
          maxLength={MOST}
          value={reason}
          placeholder={trans.__('Use the smaller data set')}
          onChange={event => setReason(event.target.value)}
          onKeyDown={event => {
            const composing = event.nativeEvent.isComposing;
            if (event.key === 'Enter' && !event.shiftKey && !composing) {
              event.preventDefault();
              if (event.nativeEvent.isTrusted) {
                send();
              }
            }
          }}
        />
      </label>
      <div className="jp-jmcp-Row">
        <Button inert={props.inert} onPress={send}>
          {trans.__('Deny and send')}
        </Button>
      </div>
    </div>
  );
}
