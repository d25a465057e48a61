import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import { isOtherPort } from './otherPorts';

/** Rendered markdown and outputs, including trusted ones. */
const DRAWN = '.jp-MarkdownOutput, .jp-OutputArea, .jp-RenderedHTMLCommon';

/** Maximum length of an address that is shown. */
const SHOWN = 300;

/**
 * Asks before the browser follows a link in a cell to another port of this computer.
 *
 * The browser would send the login cookie to whatever program listens there.
 */
export class OtherPortLinks {
  /**
   * @param _isOn Whether there are agents that could have written the cell.
   * @param _open Opens an address in a window of its own.
   */
  constructor(
    private readonly _isOn: () => boolean,
    private readonly _trans: TranslationBundle,
    private readonly _open: (address: string) => void = address => {
      window.open(address, '_blank', 'noopener');
    }
  ) {}

  start(): void {
    // Act before JupyterLab and the browser do. The middle button sends an event of its own.
    for (const kind of ['click', 'auxclick'] as const) {
      document.addEventListener(kind, event => this._onClick(event), true);
    }
  }

  private _onClick(event: MouseEvent): void {
    const { target } = event;
    const link = target instanceof Element ? target.closest('a, area') : null;
    const address = link && leadsTo(link);
    if (
      !address ||
      event.button === 2 ||
      !link.closest(DRAWN) ||
      !this._isOn() ||
      this._allowed.has(address.origin) ||
      !isOtherPort(address.href, new URL(location.href))
    ) {
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.isTrusted) {
      void this._ask(address);
    }
  }

  private async _ask(address: URL): Promise<void> {
    const result = await showDialog({
      title: this._trans.__('Open this link?'),
      body: this._trans.__(
        '%1 is another port of this computer. The program that listens there gets your login to Jupyter. Open it only if you started that program.',
        address.href.slice(0, SHOWN)
      ),
      buttons: [
        Dialog.cancelButton({ label: this._trans.__('Cancel') }),
        Dialog.warnButton({ label: this._trans.__('Open') })
      ],
      defaultButton: 0
    });
    if (result.button.accept) {
      this._allowed.add(address.origin);
      this._open(address.href);
    }
  }

  private readonly _allowed = new Set<string>();
}

/** The address of a link in HTML or in SVG. */
function leadsTo(link: Element): URL | null {
  const address =
    link.getAttribute('href') ?? link.getAttribute('xlink:href') ?? '';
  try {
    return address ? new URL(address, document.baseURI) : null;
  } catch {
    return null;
  }
}
