// The current page: the URL's fragment, so that it can be linked without support from the server.

export const PAGES = ['overview', 'workers', 'models', 'requests', 'playground', 'connect'] as const;
export type Page = (typeof PAGES)[number];

export class Route {
  page = $state<Page>(read());

  /** Follows the URL until the returned function is called. */
  start(): () => void {
    const follow = () => (this.page = read());
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }
}

export function href(page: Page): string {
  return `#/${page}`;
}

function read(): Page {
  const name = location.hash.replace(/^#\//, '');
  return PAGES.find((page) => page === name) ?? 'overview';
}
