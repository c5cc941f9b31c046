// Entry of the desktop app's windows: `index.html?view=NAME`.

import '../shared/locale'; // must be the first import
import { mount } from 'svelte';
import '../shared/tokens.css';
import '../shared/base.css';
import './tokens.css';
import './desktop.css';
import App from './App.svelte';
import { platform } from './platform';
import { language } from './strings';

document.documentElement.dataset.platform = platform;
document.documentElement.lang = language;
mount(App, {
  target: document.getElementById('app')!,
  props: { view: new URLSearchParams(location.search).get('view') },
});
