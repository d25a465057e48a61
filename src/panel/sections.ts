import type { Widget } from '@lumino/widgets';
import type * as React from 'react';

/** A section of the panel that another extension brings. */
export interface IPanelSection {
  /** Names it among all sections; begins with the name of the extension. */
  readonly id: string;
  /** The heading, translated by the extension. */
  readonly title: string;
  /** Sections are drawn in the order of their ranks; 100 when left out. */
  readonly rank?: number;
  /** Whether it is folded at first. */
  readonly folded?: boolean;
  /** Draws the content, each time that the panel draws; may use hooks of React. */
  readonly render?: () => React.ReactNode;
  /** The content, in place of `render`. Whoever made it disposes of it. */
  readonly widget?: Widget;
}

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
    return `The agents panel already has a section '${id}'.`;
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
