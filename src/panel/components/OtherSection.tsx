import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

import { usePanel } from '../context';
import type { IPanelSection } from '../../tokens';
import { ErrorLine } from './shared/ErrorLine';
import { Section } from './shared/Section';

/** A section that another extension brings. An error in it takes nothing else of the panel away. */
export function OtherSection(props: { section: IPanelSection }): JSX.Element {
  const { section } = props;
  const { trans } = usePanel();
  const { render, widget } = section;
  return (
    <Section name={section.title} folded={section.folded ?? false}>
      <Boundary
        id={section.id}
        words={trans.__(
          'This section cannot be shown. It comes from another extension; the browser console says what went wrong.'
        )}
      >
        {widget ? <Attached widget={widget} /> : <Rendered render={render} />}
      </Boundary>
    </Section>
  );
}

/** A component of its own, so that hooks and errors of the extension stay in it. */
function Rendered(props: { render: IPanelSection['render'] }): JSX.Element {
  return <>{props.render?.()}</>;
}

/** A widget in a place that React draws; it is detached, not disposed of, when that goes. */
function Attached(props: { widget: Widget }): JSX.Element {
  const { widget } = props;
  const host = React.useRef<HTMLDivElement>(null);
  React.useLayoutEffect(() => {
    const place = host.current;
    if (!place || widget.isDisposed) {
      return;
    }
    // Not Widget.attach: in a panel that is not in the page yet it throws.
    MessageLoop.sendMessage(widget, Widget.Msg.BeforeAttach);
    place.append(widget.node);
    MessageLoop.sendMessage(widget, Widget.Msg.AfterAttach);
    return () => {
      if (widget.isDisposed || !place.contains(widget.node)) {
        return;
      }
      MessageLoop.sendMessage(widget, Widget.Msg.BeforeDetach);
      widget.node.remove();
      MessageLoop.sendMessage(widget, Widget.Msg.AfterDetach);
    };
  }, [widget]);
  return <div ref={host} />;
}

type BoundaryProps = {
  readonly id: string;
  readonly words: string;
  readonly children: React.ReactNode;
};

/** Shows a sentence in place of what cannot be drawn. */
class Boundary extends React.Component<BoundaryProps, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override componentDidCatch(error: unknown): void {
    console.error(
      `The section '${this.props.id}' of the agents panel failed.`,
      error
    );
  }

  override render(): React.ReactNode {
    return this.state.failed ? (
      <ErrorLine message={this.props.words} />
    ) : (
      this.props.children
    );
  }
}
