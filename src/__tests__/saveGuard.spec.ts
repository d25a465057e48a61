import type { INotebookTracker } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';

import { FileCheck, PATIENCE_MS } from '../files/saveGuard';

const ASKED = { content: false, hash: true };

/** A page that knows one file, and a disk that may hold another. */
class Page {
  known = 'old';
  disk = 'old';
  asked = 0;
  collaborative = true;
  provider = {
    get: (path: string) => {
      this.asked += 1;
      return Promise.resolve({ path, hash: this.disk });
    }
  };

  constructor() {
    const contentsModel = () => ({ hash: this.known });
    const model = () => ({ collaborative: this.collaborative });
    const context = {
      get model() {
        return model();
      },
      path: 'a.ipynb',
      get contentsModel() {
        return contentsModel();
      }
    };
    const tracker = {
      size: 1,
      find: (test: (panel: unknown) => boolean) =>
        [{ context }].find(each => test(each)),
      widgetAdded: { connect: () => true }
    };
    const drive = {
      contentProviderRegistry: { getProvider: () => this.provider }
    };
    new FileCheck(
      tracker as unknown as INotebookTracker,
      { localPath: (path: string) => path } as Contents.IManager,
      drive as unknown as Contents.IDrive
    ).start();
  }

  ask(options: object = ASKED): Promise<{ hash: string }> {
    const get = this.provider.get as unknown as (
      path: string,
      options: object
    ) => Promise<{ hash: string }>;
    return get('a.ipynb', options);
  }
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

test('a file that the page knows is reported at once', async () => {
  const page = new Page();
  expect(await page.ask()).toMatchObject({ hash: 'old' });
  expect(page.asked).toBe(1);
});

test('a file that the page learns about later is reported then', async () => {
  const page = new Page();
  page.disk = 'new';
  const answer = page.ask();
  await jest.advanceTimersByTimeAsync(300);
  page.known = 'new';
  await jest.advanceTimersByTimeAsync(100);
  expect(await answer).toMatchObject({ hash: 'new' });
  expect(page.asked).toBe(1);
});

test('the file is read again when the page learned about another version', async () => {
  const page = new Page();
  page.disk = 'new';
  const answer = page.ask();
  await jest.advanceTimersByTimeAsync(100);
  page.disk = page.known = 'newer';
  await jest.advanceTimersByTimeAsync(100);
  expect(await answer).toMatchObject({ hash: 'newer' });
});

test('a file that the page never learns about is reported in the end', async () => {
  const page = new Page();
  page.disk = 'foreign';
  const answer = page.ask();
  await jest.advanceTimersByTimeAsync(PATIENCE_MS + 100);
  expect(await answer).toMatchObject({ hash: 'foreign' });
  expect(page.asked).toBeLessThan(7);
});

test('a request that does not compare does not wait', async () => {
  const page = new Page();
  page.disk = 'foreign';
  expect(await page.ask({ content: true, hash: true })).toBeTruthy();
  expect(await page.ask({ content: false })).toBeTruthy();
});

test('a page with autosave is told at once that the file has changed', async () => {
  const page = new Page();
  page.collaborative = false;
  page.disk = 'new';
  expect(await page.ask()).toMatchObject({ hash: 'new' });
  expect(page.asked).toBe(1);
});
