import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

/** Call `watch` with each notebook that is open, and with each one that is opened later. */
export function watchPanels(
  tracker: INotebookTracker,
  watch: (panel: NotebookPanel) => void
): void {
  tracker.forEach(watch);
  tracker.widgetAdded.connect((_, panel) => watch(panel));
}
