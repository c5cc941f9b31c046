// Every word of the desktop app's windows, in English. Another language is another object of this shape.

import * as f from '../../shared/format';
import type { Day, NoticeClass, OnBattery, PausedBy, TrayIcon, UpdateMode } from '../types';
import { pluralOf } from './plural';

const plural = pluralOf('en');
const requests = (n: number) => plural(n, { one: '# request', other: '# requests' });
const models = (n: number) => plural(n, { one: '# model', other: '# models' });

const notices: Record<NoticeClass, string> = {
  server_lost: 'The server has been away for two minutes',
  key_refused: 'The server refuses the key',
  runtime_gone: 'The runtime does not answer any more',
  update_ready: 'An update is ready',
  paused: 'Serving is paused by a rule, goes on, or is still paused when the app starts',
};

const icons: Record<TrayIcon, string> = {
  auto: 'As the system says',
  dark: 'For dark panels',
  light: 'For light panels',
  colour: 'In colour',
};

const updateModes: Record<UpdateMode, { name: string; text: string }> = {
  auto: { name: 'By themselves', text: 'Put in place when no request runs.' },
  ask: { name: 'When I say so', text: 'Fetched, then you are asked.' },
  off: { name: 'Never', text: 'You look for them yourself.' },
};

const batteryModes: Record<OnBattery, { name: string; text: string }> = {
  always: { name: 'Serve on battery too', text: 'Whatever is left of it.' },
  above: { name: 'Serve while the battery is not low', text: 'Paused until it is charged or plugged in.' },
  never: { name: 'Do not serve on battery', text: 'Only while plugged in.' },
};

const days: Record<Day, string> = {
  mon: 'Mon',
  tue: 'Tue',
  wed: 'Wed',
  thu: 'Thu',
  fri: 'Fri',
  sat: 'Sat',
  sun: 'Sun',
};

/** Why nothing is served, and when it is again. */
function pausedBy(by: PausedBy, until: string | null): { title: string; text: string } {
  switch (by.rule) {
    case 'on_battery':
      return { title: 'Paused: on battery', text: 'Serving goes on when this machine is plugged in.' };
    case 'battery_low':
      return {
        title: `Paused: battery at ${by.percent} %`,
        text: 'Serving goes on when it is charged or plugged in.',
      };
    case 'battery_saver':
      return { title: 'Paused: battery saver is on', text: 'Serving goes on when it is off.' };
    case 'program':
      return { title: `Paused: ${by.name} runs`, text: 'Serving goes on when it has ended.' };
    case 'hours':
      return {
        title: until === null ? 'Paused' : `Paused: until ${until}`,
        text: 'Serving goes on by itself then.',
      };
  }
}

export const en = {
  name: 'llamapool',
  navigation: 'Views',
  skip: 'Skip to content',
  views: {
    status: 'Status',
    preferences: 'Preferences',
    logs: 'Logs',
    diagnostics: 'Diagnostics',
    about: 'About',
    welcome: 'Welcome',
  },
  title: (view: string) => `${view} – llamapool`,
  unsaved: 'Unsaved changes',
  updateReady: 'An update is ready',
  close: 'Close',
  dismiss: 'Dismiss',
  loading: 'Waiting for the worker…',
  again: 'Try again',
  noSnapshot: 'The worker’s state cannot be read',

  problem: {
    unexpected: 'That did not work',
    unexpectedFix: 'Try again. If it stays, save a report under Diagnostics and look at it.',
    toDo: 'What to do',
  },

  phase: {
    unconfigured: 'Not set up',
    stopped: 'Stopped',
    connecting: 'Connecting',
    waiting: 'No connection',
    refused: 'Refused',
    not_ready: 'Not ready',
    ready: 'Ready',
    busy: 'Working',
    draining: 'Finishing',
    paused: 'Paused',
    terminating: 'Stopping',
    failed: 'Failed',
  },

  hero: {
    unconfigured: {
      title: 'This machine is not set up yet',
      text: 'Tell it which server to work for. That takes about two minutes.',
    },
    stopped: { title: 'Stopped', text: 'This machine takes no requests until you start it.' },
    connecting: { title: 'Connecting…', text: (host: string) => `Calling ${host}.` },
    waiting: {
      title: 'The server cannot be reached',
      text: (host: string, seconds: number | null) =>
        seconds === null || seconds <= 0
          ? `${host} does not answer. Trying again…`
          : `${host} does not answer. Next try in ${f.span(seconds)}.`,
    },
    refused: {
      title: 'The server turned this machine away',
      text: (host: string) => `${host} did not accept the client key.`,
    },
    not_ready: {
      title: 'Connected, but nothing to offer',
      text: (why: string | null) =>
        why === null
          ? 'No runtime answers on this machine.'
          : 'The LLM runtime of this machine does not answer.',
    },
    ready: {
      title: 'Ready',
      text: (offered: number) => `${models(offered)} offered to the pool.`,
      noModels: 'Connected. The runtime has no model to offer yet.',
      noneOffered: 'No model is offered. Switch one on below.',
      noneOfService: 'No model is offered.',
    },
    busy: {
      title: 'Working',
      text: (running: number, most: number) => `${f.count(running)} of at most ${requests(most)} running.`,
    },
    draining: {
      title: (left: number) => (left > 0 ? 'Finishing' : 'Drained'),
      text: (left: number) =>
        left > 0
          ? `${requests(left)} left. Nothing new is taken.`
          : 'All requests are finished. Nothing new is taken.',
    },
    paused: {
      title: 'Paused',
      text: (until: string | null) =>
        until === null ? 'Until you resume.' : `Serving goes on by itself at ${until}.`,
      left: (running: number) => `${requests(running)} still finishing.`,
      by: pausedBy,
    },
    terminating: {
      title: 'Stopping…',
      text: (left: number) =>
        left > 0 ? `${requests(left)} left to finish.` : 'Taking leave of the server.',
    },
    failed: {
      title: 'The worker does not start',
      text: 'It failed again and again, so it was given up. The reason is below.',
      below: 'Something is in its way. The reason is below.',
    },
  },

  control: {
    label: 'Controls',
    setUp: 'Set up…',
    start: 'Start serving',
    startAgain: 'Start again',
    stop: 'Stop',
    stopNow: 'Stop now',
    restart: 'Restart',
    resume: 'Resume serving',
    anyway: 'Serve anyway',
    rules: 'When to serve…',
    pause: 'Pause serving',
    pauseFor: {
      '30m': 'For 30 minutes',
      '1h': 'For 1 hour',
      tomorrow: 'Until tomorrow',
      resumed: 'Until I resume',
    },
    drain: 'Finish current requests and stop',
    undrain: 'Take requests again',
    more: 'More',
    whenDone: 'Shut the worker down when done',
    endService: 'Shut the worker service down when done',
    quit: 'Quit',
    quitNow: 'Quit now',
    leave: 'Quit (the worker service goes on)',
    retry: 'Try again now',
    preferences: 'Open preferences',
    diagnostics: 'Run diagnostics',
  },

  figures: {
    label: 'At a glance',
    running: 'Running',
    runningOf: (most: number) => `of ${f.count(most)} at a time`,
    latency: 'To the server',
    latencyNote: 'there and back',
    notConnected: 'not connected',
    requests: 'Requests today',
    requestsNote: 'since midnight',
    tokens: 'Tokens today',
    tokensNote: (read: string) => `written · ${read} read`,
  },

  connection: {
    title: 'Connection',
    server: 'Server',
    runtime: 'Runtime',
    resting: 'Not looked for while nothing runs',
    noServer: 'None yet',
    noRuntime: 'None found',
    endpoint: 'Its API',
    worker: 'This machine',
    version: (version: string) => `version ${version}`,
    attached: 'The worker runs as a service of this machine; these windows control it.',
    dashboard: 'Open dashboard',
    copyEndpoint: 'Copy endpoint address',
    copied: 'Copied',
  },

  kinds: {
    ollama: 'Ollama',
    lm_studio: 'LM Studio',
    llama_cpp: 'llama.cpp',
    vllm: 'vLLM',
    openai: 'OpenAI-compatible',
    demo: 'Built-in demo',
  } as Record<string, string>,

  models: {
    title: 'Models',
    note: (offered: number, all: number) => `${offered} of ${all} offered`,
    empty: 'No models yet',
    emptyText: (runtime: string) => `${runtime} has none. Install one there, and it appears here.`,
    noRuntimeText: 'As soon as a runtime answers, its models appear here.',
    offer: (name: string) => `Offer ${name} to the pool`,
    serviceText: 'The worker service reads worker.yaml when it starts: what it offers is not switched here.',
    loaded: 'Loaded',
    context: (tokens: string) => `${tokens} context`,
  },

  live: {
    title: 'Running now',
    emptyText: 'Nothing. Requests are listed here while this machine works on them.',
    noModel: 'no model named',
    age: 'Running for',
    sent: 'Sent back',
    state: { waiting: 'Waiting', streaming: 'Streaming', reading: 'Reading', queued: 'Queued' } as Record<
      string,
      string
    >,
  },

  load: {
    title: 'Last hour',
    running: 'Requests running',
    tokens: 'Tokens per second',
    summary: (title: string, now: string, most: string) => `${title}: now ${now}, at most ${most}`,
    now: 'now',
    peak: 'peak',
    empty: 'No requests in the last hour.',
  },

  trouble: {
    title: 'Last trouble',
    ago: (seconds: number) => `${f.span(seconds)} ago`,
  },

  crash: {
    gaveUp: (times: number) =>
      `It stopped ${plural(times, { one: '# time', other: '# times' })} and is not started again by itself.`,
    restarted: (times: number) =>
      `The worker stopped ${plural(times, { one: '# time', other: '# times' })} and was started again.`,
    lines: 'Last lines of its log',
    logs: 'All of the log',
  },

  preferences: {
    app: 'App',
    sections: 'Sections',
    loading: 'Reading the configuration…',
    file: (path: string) => `Kept in ${path}`,
    newFile: (path: string) => `${path} is made when you save`,
    openFolder: 'Open config folder',
    appFileProblem: 'Something in desktop.yaml is wrong, where the app keeps these preferences',
    appFileProblemText: 'Choose again what is not as you want it: then the file is written anew.',
    fileProblem: 'The configuration file cannot be used as it is',
    fileProblemText: 'Correct the file with a text editor. Until then nothing can be saved here.',
    fileProblemGoesOn:
      'Correct the file with a text editor. Until then nothing can be saved here, and the worker goes on with what it had.',
    warnings: 'Not understood in the configuration file, and not used',
    now: 'Applies at once',
    restart: 'Restarts the worker',
    service: 'Applies when the worker service starts again',
    default: (value: string) => `Default: ${value}`,
    isDefault: 'Default',
    noDefault: 'Not set',
    toDefault: 'Use default',
    toDefaultOf: (label: string) => `Use default for ${label}`,
    locked: 'Set by the environment, so it cannot be changed here.',
    changedInFile: (value: string) => `The file was changed meanwhile: it says ${value}.`,
    changedToDefault: 'The file was changed meanwhile: it does not set this any more.',
    changedSecret: 'The file was changed meanwhile: it has another value.',
    takeTheirs: 'Take that',
    choose: { true: 'Yes', false: 'No' } as Record<string, string>,
    changed: 'Changed',
    wrong: 'Wrong value',
    secret: {
      set: 'Set, never shown',
      inKeychain: 'Kept in the system’s keychain',
      unset: 'Not set',
      unknown: 'Not known',
      replace: 'Replace…',
      add: 'Enter…',
      clear: 'Clear',
      clearOf: (label: string) => `Clear ${label}`,
      replaceOf: (label: string) => `Replace ${label}`,
      addOf: (label: string) => `Enter ${label}`,
      willClear: 'Will be cleared',
      keep: 'Keep it',
      new: (label: string) => `New value of ${label}`,
    },
    bar: {
      changes: (n: number) => plural(n, { one: '# unsaved change', other: '# unsaved changes' }),
      now: 'Applies at once.',
      restart: 'The worker restarts, after finishing what it runs.',
      service: 'The worker service reads them when it starts again.',
      unreadable: 'The configuration file must be corrected first.',
      secrets: 'A key that is not saved is forgotten when the window closes.',
      wrong: (n: number) => plural(n, { one: 'One value is wrong.', other: '# values are wrong.' }),
      checking: 'Checking…',
      save: 'Save',
      saving: 'Saving…',
      discard: 'Discard',
    },
    saved: 'Saved. It applies already.',
    savedRestarted: 'Saved. The worker restarts with it.',
    savedService: 'Saved. The worker service reads it when it starts again.',
    serve: {
      title: 'When to serve',
      text: 'Where a rule says no, what runs is finished and nothing new is taken, as in a pause.',
      battery: 'Battery',
      batteryModes,
      low: 'Pause below',
      high: 'Go on from',
      percent: '%',
      saver: 'Pause while the battery saver is on',
      saverText: 'Low Power Mode of macOS, the power saver of Linux and Windows.',
      hours: 'Hours',
      onlyInHours: 'Serve at certain hours only',
      onlyInHoursText: 'By the clock of this machine.',
      onDays: 'On',
      days,
      from: 'From',
      to: 'To',
      overnight: 'Ends on the next day.',
      programs: 'Programs',
      pauseWhile: 'Pause while one of these runs',
      pauseWhileText: 'Names with commas between them, as in steam, blender. Looked for every 15 seconds.',
    },
    startup: 'Start',
    startAtLogin: 'Start at login',
    startAtLoginText: 'In the tray, without a window.',
    sleep: 'Sleep',
    holdSleep: 'Stay awake while requests run',
    holdSleepText: 'The machine does not fall asleep by itself then. Closing the lid still works.',
    icon: 'Tray icon',
    iconLook: 'Look',
    iconText: 'If it cannot be seen well on your panel, choose another.',
    icons,
    notifications: 'Notifications',
    notify: 'Tell me when',
    notices,
    keys: 'Keys',
    keychain: 'Keep keys in the system’s keychain',
    keychainText:
      'Off: in worker.yaml, which nobody but you can read. A worker without the app needs them there.',
    noKeychain: (why: string) =>
      `There is no keychain to use (${why}): keys are in worker.yaml, which nobody but you can read.`,
    updates: 'Updates',
    updateMode: 'Install updates',
    updateModes,
    managed: (why: string) => `llamapool does not update itself: ${why}.`,
  },

  logs: {
    title: 'Logs',
    level: 'From level',
    levels: { ERROR: 'Error', WARN: 'Warning', INFO: 'Info', DEBUG: 'Debug', TRACE: 'Trace' },
    recorded: 'Record',
    recordedText: 'How much the worker writes to its log',
    search: 'Find in logs',
    hint: (keys: string) => `Find (${keys})`,
    matches: (at: number, all: number) => (all === 0 ? 'No match' : `${f.exact(at)} of ${f.exact(all)}`),
    previous: 'Previous match',
    next: 'Next match',
    pause: 'Pause',
    resume: 'Resume',
    paused: (n: number) =>
      n === 0 ? 'Paused.' : `Paused. ${plural(n, { one: '# new line', other: '# new lines' })} since.`,
    copy: 'Copy',
    copied: 'Copied',
    copyTitle: (n: number) => `Copy ${plural(n, { one: '# line', other: '# lines' })}`,
    wrap: 'Wrap',
    toEnd: 'To the end',
    newLines: (n: number) => plural(n, { one: '# new line', other: '# new lines' }),
    lines: (n: number) => plural(n, { one: '# line', other: '# lines' }),
    folder: 'Open log folder',
    empty: 'Nothing was logged yet',
    none: 'No line of this level',
    noneText: 'Choose a lower level to see more.',
    region: 'Log lines',
  },

  diagnostics: {
    title: 'Diagnostics',
    text: 'Checks the way from this machine to the server and to the runtime, step by step.',
    run: 'Run diagnostics',
    rerun: 'Run again',
    running: (n: number) => (n === 0 ? 'Checking…' : `Checking… ${n} done`),
    outcome: { ok: 'Good', warning: 'Look at this', failed: 'Failed', skipped: 'Skipped' },
    allWell: (n: number) => `All is well: ${plural(n, { one: '# check', other: '# checks' })} passed.`,
    found: (failed: number, warnings: number) =>
      [
        failed > 0 && `${failed} failed`,
        warnings > 0 && plural(warnings, { one: '# warning', other: '# warnings' }),
      ]
        .filter(Boolean)
        .join(', '),
    fix: 'What to do',
    took: (ms: number) => f.millis(ms),
    copy: 'Copy as text',
    copied: 'Copied',
    report: 'Report',
    reportText:
      'A zip file with logs and settings, for whoever helps you. Keys are taken out. Look at all of it before it is saved; it is sent nowhere.',
    make: 'Show what is in it…',
    making: 'Putting it together…',
    preview: 'What the report holds',
    files: 'Files of the report',
    previewText: 'This is all of it, as it will be saved.',
    size: (bytes: number) => f.bytes(bytes),
    save: 'Save report',
    saving: 'Saving…',
    cancel: 'Cancel',
    saved: 'Report saved',
    show: 'Show in folder',
  },

  about: {
    title: 'About and updates',
    tagline: 'Your own machines, one API.',
    version: (version: string) => `Version ${version}`,
    build: (sha: string, date: string) =>
      [sha.slice(0, 9), date].filter((told) => told && told !== 'unknown').join(' · '),
    licence: (licence: string) => `Licence: ${licence}`,
    documentation: 'Documentation',
    releaseNotes: 'Release notes',
    updates: 'Updates',
    check: 'Check for updates',
    state: {
      off: 'Updates are off.',
      idle: 'llamapool is up to date.',
      never: 'Nobody has looked for updates yet.',
      checking: 'Checking for updates…',
      staging: (version: string) => `Fetching ${version}…`,
      staged: (version: string) => `Version ${version} is ready`,
      available: (version: string) => `Version ${version} is available`,
      failed: 'The last look for updates failed.',
    },
    managed: (why: string) => `llamapool does not update itself: ${why}.`,
    checked: (seconds: number) => `Last looked ${f.span(seconds)} ago.`,
    get: 'Get it…',
    getText: 'It is on the releases page: llamapool cannot put it in place here by itself.',
    restart: 'Restart to update',
    restartText:
      'Requests that run are finished first. If the new version does not start, the old one comes back.',
    notes: 'What is new',
    thirdParty: 'Software of others in llamapool',
    thirdPartyList: 'Licences',
    thirdPartyText: 'Made with open source. These are the licences of what is inside.',
  },

  welcome: {
    title: 'Welcome to llamapool',
    step: (at: number, all: number) => `Step ${at} of ${all}`,
    steps: {
      start: 'What this does',
      server: 'Your server',
      models: 'Your models',
      machine: 'This machine',
      test: 'Try it',
    },
    back: 'Back',
    next: 'Continue',
    skip: 'Skip',
    begin: 'Get started',
    done: 'Done',
    showStatus: 'Show status',

    start: {
      title: 'Put this machine in your pool',
      text: 'llamapool lets your apps use the models on this machine from anywhere, through your own server. It calls the server; nobody has to reach into your network.',
      path: 'The way of a request',
      app: 'Your apps',
      server: 'Your server',
      here: 'This machine',
      runtime: 'Your models',
      leaves: 'What leaves this machine',
      leavesList: [
        'answers to the requests that your server sends here',
        'names and sizes of the models you offer',
        'how busy it is; its name, system, processor and memory',
      ],
      stays: 'What stays here',
      staysList: [
        'your files, and models you do not offer',
        'the key of your runtime',
        'what is asked and answered: it is never written to a log',
      ],
    },
    server: {
      title: 'Which server does it work for?',
      how: 'How to connect',
      byLink: 'Join link',
      byHand: 'Address and key',
      link: 'Join link',
      linkHelp: 'From whoever runs the server. Opening the link in a browser on this machine works too.',
      linkPlaceholder: 'llamapool://join?server=…',
      url: 'Server address',
      urlHelp: 'As wss://pool.example.com; host:port is enough.',
      urlPlaceholder: 'wss://pool.example.com',
      key: 'Worker key',
      keyHelp: 'The key that lets machines into the pool. Leave it empty if the server asks for none.',
      keyFromLink: 'The key of the join link is used. It is not shown.',
      otherKey: 'Type another key',
      test: 'Test connection',
      testing: 'Calling the server…',
      works: (ms: string) => `Connected, ${ms} there and back`,
      version: (version: string) => `llamapool server ${version}`,
      endpoint: (url: string) => `Your apps will find it at ${url}`,
      arrived: 'A join link was opened. Nothing is sent to its server before you go on.',
      readLink: 'Reading the link…',
    },
    models: {
      title: 'What does it offer?',
      looking: 'Looking for runtimes on this machine…',
      runtimes: 'Runtime',
      none: 'No runtime answers on this machine',
      noneText:
        'Start Ollama, LM Studio, llama.cpp or vLLM, then look again. You may also go on: it is found as soon as it runs.',
      again: 'Look again',
      elsewhere: 'At another address',
      elsewhereHelp: 'An OpenAI-compatible API that this machine reaches.',
      elsewherePlaceholder: 'http://127.0.0.1:8000/v1',
      found: (n: number) => models(n),
      offered: 'Models to offer',
      offeredHelp: 'Changed at any time, here or in the tray.',
      all: 'All',
      nothing: 'None',
      noModels: 'It has no models yet. They are offered as you install them.',
    },
    machine: {
      title: 'How should it behave?',
      name: 'Name in the pool',
      nameHelp: 'Empty: the name of this machine.',
      login: 'Start at login',
      loginText: 'In the tray, without a window. Off unless you want it.',
      notifications: 'Notifications',
      notificationsText:
        'Only when something needs you: the server is lost, the key refused, the runtime gone.',
      where: {
        macos: 'llamapool stays in the menu bar. Closing a window does not stop it; Quit does.',
        windows: 'llamapool stays in the notification area. Closing a window does not stop it; Quit does.',
        linux: 'llamapool stays in the tray. Closing a window does not stop it; Quit does.',
      },
    },
    test: {
      title: 'Try it',
      setting: 'Starting the worker…',
      text: 'Sends one small request the way your apps will: to your server, and back here to a model.',
      model: 'Model',
      any: 'The first that is ready',
      apiKey: 'API key of the server',
      apiKeyHelp: 'For this test only: it is not kept.',
      send: 'Send a test request',
      sendAgain: 'Send another',
      sending: 'Waiting for the answer…',
      answer: 'Answer',
      speed: 'Tokens per second',
      first: 'First byte',
      total: 'In all',
      works: 'It works. This machine serves your pool.',
      skipped:
        'Without a server there is nothing to try. Go back to enter one, or do it later from the status window.',
      waiting: (state: string) => `The worker: ${state}`,
    },
  },
};

export type Strings = typeof en;
