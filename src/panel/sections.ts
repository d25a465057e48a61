import type { IPanelSection } from '../tokens';

/** The rank of a section that says none. */
const RANK = 100;

/** Why a section cannot be added, for the console of who wrote it; null when it can. */
export function wrongSection(
  section: IPanelSection,
  present: readonly IPanelSection[]
): string | null {
  const { id, title, render, widget } = section;
  if (!id || !title) {
    return 'A section of the agents panel needs an id and a title.';
  }
  if (present.some(each => each.id === id)) {
    return `The agents panel has a section '${id}' already.`;
  }
  if (!render === !widget) {
    return `The section '${id}' of the agents panel needs either render or widget.`;
  }
  return null;
}

/** Sections by rank; those of one rank in the order in which they came. */
export function sorted(sections: readonly IPanelSection[]): IPanelSection[] {
  return [...sections].sort((a, b) => (a.rank ?? RANK) - (b.rank ?? RANK));
}
