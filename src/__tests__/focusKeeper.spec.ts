import { FocusKeeper } from '../panel/focusKeeper';

const PANEL = `
  <ul class="strips"><li><button id="strip">Revoke</button></li></ul>
  <section><h3 id="needs" tabindex="-1">Needs you</h3><div id="cards">
    <article id="one" tabindex="-1"><button id="allow">Allow</button></article>
    <article id="two" tabindex="-1"><button>Allow</button></article>
  </div></section>
  <section><h3 id="activity" tabindex="-1">Activity</h3><ol>
    <li id="row"><button id="title">Edit</button><span id="foot"><button id="undo">Undo</button></span></li>
    <li><button id="other">Undo</button></li>
  </ol></section>`;

/** The observer is told once what runs now is over. */
const soon = async () => new Promise(resolve => setTimeout(resolve));

describe('the focus of a removed element', () => {
  let root: HTMLElement;
  let keeper: FocusKeeper;
  const get = (id: string) => document.getElementById(id) as HTMLElement;

  beforeEach(() => {
    root = document.createElement('div');
    root.id = 'root';
    root.tabIndex = -1;
    root.innerHTML = PANEL;
    document.body.append(root);
    keeper = new FocusKeeper(root);
  });

  afterEach(() => {
    keeper.dispose();
    root.remove();
  });

  it.each([
    ['undo', 'undo', 'title'],
    ['undo', 'row', 'activity'],
    ['other', 'other', 'activity'],
    ['allow', 'one', 'two'],
    ['allow', 'cards', 'needs'],
    ['strip', 'strip', 'root']
  ])('goes from %s, when %s is gone, to %s', async (from, gone, to) => {
    get(from).focus();
    get(gone).remove();
    await soon();
    expect(document.activeElement?.id).toBe(to);
  });

  it('is not moved when the person has moved it', async () => {
    const elsewhere = document.createElement('button');
    document.body.append(elsewhere);
    get('undo').focus();
    elsewhere.focus();
    get('row').remove();
    await soon();
    expect(document.activeElement).toBe(elsewhere);
    elsewhere.blur();
    root.append(document.createElement('p'));
    await soon();
    expect(document.activeElement).toBe(document.body);
    elsewhere.remove();
  });
});
