import * as React from 'react';

import { usePanel } from '../../context';
import { refusalOf } from '../../../model/deciding';
import { requestTitle, visible } from '../../format';
import { useArming } from '../../clickGuard';
import type { ICall, IQuestion } from '../../../tokens';
import { Button } from '../shared/Button';
import { CardAgent } from './CardAgent';
import { ErrorLine } from '../shared/ErrorLine';
import { ClassIcon } from '../shared/Icon';
import { NotYours } from './NotYours';
import { useAction } from '../shared/useAction';
import { ShowInNotebook } from './ShowInNotebook';
import { Form } from '../shared/Form';

/** A question of code that an agent runs, and a field for the answer. */
export function InputCard(props: {
  call: ICall;
  question: IQuestion;
  onAnswered: () => void;
}): JSX.Element {
  const { call, question, onAnswered } = props;
  const { model, trans } = usePanel();
  const [value, setValue] = React.useState('');
  const card = React.useRef<HTMLElement>(null);
  const arming = useArming(question.id, card);
  const action = useAction();
  const inert = action.busy || !arming.armed;
  const answer = (words: string | null) => {
    if (!action.busy) {
      onAnswered();
      action.run(() => model.answer(call.id, question.id, words));
    }
  };
  const press = (words: string | null) => () => {
    if (arming.isArmed()) {
      answer(words);
    }
  };
  const refusal = refusalOf(call, model);
  const prompt = visible(question.prompt).text.trim();
  return (
    <article
      ref={card}
      className="jp-jmcp-Card"
      aria-label={requestTitle(call, trans)}
      aria-busy={action.busy}
      tabIndex={-1}
      data-call={call.id}
    >
      <header className="jp-jmcp-Card-header">
        <ClassIcon class={call.class} />
        <h4>{trans.__('Answer the code’s question')}</h4>
      </header>
      <CardAgent call={call} />
      <p dir="auto">{call.summary}</p>
      {refusal ? (
        <p dir="auto" className="jp-jmcp-Card-prompt">
          {prompt}
        </p>
      ) : (
        // A person who types into the field has seen what it is for, so the form need not rest first.
        <Form className="jp-jmcp-DenyForm" onSubmit={() => answer(value)}>
          <label className="jp-jmcp-Field">
            <span dir="auto" className="jp-jmcp-Card-prompt">
              {prompt === '' ? trans.__('Your answer') : prompt}
            </span>
            <input
              className="jp-mod-styled"
              type={question.password ? 'password' : 'text'}
              autoComplete="off"
              spellCheck={false}
              dir="auto"
              maxLength={10_000}
              value={value}
              onChange={event => setValue(event.target.value)}
            />
            <small>
              {question.password
                ? trans.__('Your answer goes to the code and is not shown.')
                : trans.__(
                    'Your answer goes to the code. The agent can see it too.'
                  )}
            </small>
          </label>
        </Form>
      )}
      <ShowInNotebook call={call} />
      <ErrorLine message={action.error} />
      {refusal ? (
        <NotYours refusal={refusal} call={call} />
      ) : (
        <div className="jp-jmcp-Card-answers">
          <Button kind="accept" inert={inert} onPress={press(value)}>
            {trans.__('Answer')}
          </Button>
          <Button
            inert={inert}
            title={trans.__('The code gets no input')}
            onPress={press(null)}
          >
            {trans.__('Do not answer')}
          </Button>
        </div>
      )}
    </article>
  );
}
