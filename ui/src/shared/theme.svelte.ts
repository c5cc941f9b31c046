// Light or dark: the system's theme until the user chooses the other.

type Theme = 'light' | 'dark';
const STORED = 'llamapool.theme';

export class ThemeChoice {
  #system = $state<Theme>('light');
  #chosen = $state<Theme | null>(null);
  readonly current: Theme = $derived(this.#chosen ?? this.#system);

  constructor(private root: HTMLElement = document.documentElement) {
    const dark = window.matchMedia('(prefers-color-scheme: dark)');
    this.#system = dark.matches ? 'dark' : 'light';
    dark.addEventListener('change', (event) => {
      this.#system = event.matches ? 'dark' : 'light';
      this.#show();
    });
    const stored = localStorage.getItem(STORED);
    this.#chosen = stored === 'light' || stored === 'dark' ? stored : null;
    this.#show();
  }

  /** Switches the theme. Back at the system's theme, the choice is cleared. */
  toggle() {
    const other = this.current === 'dark' ? 'light' : 'dark';
    this.#chosen = other === this.#system ? null : other;
    if (this.#chosen) localStorage.setItem(STORED, this.#chosen);
    else localStorage.removeItem(STORED);
    this.#show();
  }

  #show() {
    this.root.dataset.theme = this.current;
  }
}
