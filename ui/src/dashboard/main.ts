// The server's dashboard.

import '../shared/locale'; // must be the first import
import { mount } from 'svelte';
import '../shared/tokens.css';
import '../shared/base.css';
import App from './App.svelte';

mount(App, { target: document.getElementById('app')! });
