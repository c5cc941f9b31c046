// Every string of the desktop app's windows, in English. Another language is another object of this shape.

import * as f from '../../shared/format';
import type { Day, NotificationKind, OnBattery, PausedBy, TrayIcon, UpdateMode } from '../types';
import { pluralOf } from './plural';

const plural = pluralOf('en');
const requests = (n: number) => plural(n, { one: '# request', other: '# requests' });
const models = (n: number) => plural(n, { one: '# model', other: '# models' });

const notificationKinds: Record<NotificationKind, string> = {
  server_lost: 'Server unreachable for 2 minutes',
  key_refused: 'Worker key rejected',
  runtime_gone: 'Runtime isn’t responding',
  update_ready: 'Update ready',
  paused: 'Sharing pauses or resumes automatically',
};

const icons: Record<TrayIcon, string> = {
  auto: 'Automatic',
  dark: 'For dark panels',
  light: 'For light panels',
  colour: 'In colour',
};

const updateModes: Record<UpdateMode, { name: string; text: string }> = {
  auto: { name: 'Automatically', text: 'When no requests are running.' },
  ask: { name: 'Ask me first', text: 'Updates are downloaded. You choose when to install them.' },
  off: { name: 'Manually', text: 'You check for updates yourself.' },
};

const batteryModes: Record<OnBattery, { name: string; text: string }> = {
  always: { name: 'Always', text: 'On battery, at any charge level.' },
  above: {
    name: 'On battery, until it gets low',
    text: 'Resumes when this computer is charged or plugged in.',
  },
  never: { name: 'Only when plugged in', text: 'Pauses on battery.' },
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

/** The rule that pauses sharing, and when sharing resumes. */
function pausedBy(by: PausedBy, until: string | null): { title: string; text: string } {
  switch (by.rule) {
    case 'on_battery':
      return { title: 'Paused: on battery', text: 'Sharing resumes when this computer is plugged in.' };
    case 'battery_low':
      return {
        title: `Paused: battery at ${by.percent} %`,
        text: 'Sharing resumes when this computer is charged or plugged in.',
      };
    case 'battery_saver':
      return { title: 'Paused: battery saver is on', text: 'Sharing resumes when battery saver is off.' };
    case 'program':
      return { title: `Paused: ${by.name} is running`, text: `Sharing resumes when you quit ${by.name}.` };
    case 'hours':
      return {
        title: until === null ? 'Paused' : `Paused until ${until}`,
        text: 'Sharing resumes automatically.',
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
  updateReady: 'Update ready',
  close: 'Close',
  dismiss: 'Dismiss',
  loading: 'Loading status…',
  again: 'Try again',
  noSnapshot: 'Couldn’t load the status',

  problem: {
    unexpected: 'Something went wrong',
    unexpectedFix: 'Try again. If it keeps happening, save a report under Diagnostics.',
    toDo: 'What to do',
    last: 'Last problem',
    ago: (seconds: number) => `${f.span(seconds)} ago`,
  },

  phase: {
    unconfigured: 'Not set up',
    stopped: 'Stopped',
    connecting: 'Connecting',
    waiting: 'Server unreachable',
    refused: 'Key rejected',
    not_ready: 'Runtime not ready',
    ready: 'Ready',
    busy: 'Running requests',
    draining: 'Not taking requests',
    paused: 'Paused',
    terminating: 'Stopping',
    failed: 'Failed',
  },

  hero: {
    unconfigured: {
      title: 'This computer isn’t set up yet',
      text: 'Connect it to your server to share its models. This takes about two minutes.',
    },
    stopped: { title: 'Stopped', text: 'Start sharing to take requests.' },
    connecting: { title: 'Connecting…', text: (host: string) => `Connecting to ${host}.` },
    waiting: {
      title: 'Server unreachable',
      text: (host: string, seconds: number | null) =>
        seconds === null || seconds <= 0
          ? `${host} isn’t responding. Reconnecting…`
          : `${host} isn’t responding. Reconnecting in ${f.span(seconds)}.`,
    },
    refused: {
      title: 'Worker key rejected',
      text: (host: string) => `${host} rejected this computer’s worker key.`,
    },
    not_ready: {
      title: (runtime: string) => `${runtime} isn’t responding`,
      text: 'This computer can’t take requests until the runtime responds.',
      anyRuntime: 'The runtime',
    },
    ready: {
      title: 'Ready',
      text: (shared: number) => `Sharing ${models(shared)}.`,
      noModels: 'Connected. The runtime has no models to share yet.',
      noneShared: 'No models are shared. Turn one on below.',
      noneOfService: 'No models are shared.',
    },
    busy: {
      title: 'Running requests',
      text: (running: number, most: number) => `${f.count(running)} of up to ${requests(most)} running.`,
    },
    draining: {
      title: (left: number) => (left > 0 ? `Finishing ${requests(left)}` : 'Not taking requests'),
      text: (left: number) => (left > 0 ? 'No new requests are accepted.' : 'All requests are finished.'),
    },
    paused: {
      title: 'Paused',
      text: (until: string | null) =>
        until === null ? 'Sharing is paused until you resume it.' : `Sharing resumes at ${until}.`,
      left: (running: number) => `Finishing ${requests(running)}.`,
      by: pausedBy,
    },
    terminating: {
      title: 'Stopping…',
      text: (left: number) => (left > 0 ? `Finishing ${requests(left)}.` : 'Disconnecting…'),
    },
    failed: {
      title: 'The worker couldn’t start',
      text: 'It keeps crashing, so automatic restarts are off. See the reason below.',
      below: 'See the reason below.',
    },
  },

  control: {
    label: 'Controls',
    setUp: 'Set up…',
    start: 'Start sharing',
    startAgain: 'Try again',
    stop: 'Stop',
    stopNow: 'Stop now',
    restart: 'Restart',
    resume: 'Resume sharing',
    anyway: 'Share anyway',
    rules: 'When to share…',
    pause: 'Pause sharing',
    pauseFor: {
      '30m': 'For 30 minutes',
      '1h': 'For 1 hour',
      tomorrow: 'Until tomorrow',
      resumed: 'Until I resume',
    },
    drain: 'Stop taking requests',
    undrain: 'Start taking requests',
    more: 'More',
    whenDone: 'Disconnect when finished',
    endService: 'Stop background service when finished',
    quit: 'Quit',
    quitNow: 'Quit now',
    leave: 'Quit (background service keeps running)',
    retry: 'Try again now',
    preferences: 'Open preferences',
    diagnostics: 'Run diagnostics',
  },

  figures: {
    label: 'At a glance',
    running: 'Running',
    runningOf: (most: number) => `up to ${f.count(most)} at a time`,
    latency: 'Latency',
    latencyNote: 'round trip',
    notConnected: 'not connected',
    requests: 'Requests today',
    requestsNote: 'since midnight',
    tokens: 'Tokens today',
    tokensNote: (input: string) => `output · ${input} input`,
  },

  connection: {
    title: 'Connection',
    server: 'Server',
    runtime: 'Runtime',
    resting: 'Not checked while stopped',
    noServer: 'Not set',
    noRuntime: 'Not responding',
    endpoint: 'API endpoint',
    worker: 'This computer',
    version: (version: string) => `version ${version}`,
    attached: 'The worker runs as a background service. This app controls it.',
    dashboard: 'Open dashboard',
    copyEndpoint: 'Copy API endpoint',
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
    note: (shared: number, all: number) => `${shared} of ${all} shared`,
    empty: 'No models yet',
    emptyText: (runtime: string) => `Install a model in ${runtime}, and it appears here.`,
    noRuntimeText: 'Models appear here when a runtime responds.',
    share: (name: string) => `Share ${name}`,
    serviceText:
      'To change which models are shared, edit the background service’s worker.yaml, then restart the service.',
    loaded: 'In memory',
    remote: 'cloud',
    remoteText: 'Served by the runtime’s vendor, not on this computer',
    context: (tokens: string) => `${tokens} context`,
  },

  live: {
    title: 'Running now',
    emptyText: 'No requests right now',
    noModel: 'no model',
    age: 'Running for',
    sent: 'Sent',
    state: { waiting: 'Waiting', streaming: 'Streaming', reading: 'Reading', queued: 'Queued' } as Record<
      string,
      string
    >,
  },

  load: {
    title: 'Last hour',
    running: 'Running requests',
    tokens: 'Tokens per second',
    summary: (title: string, now: string, most: string) => `${title}: now ${now}, peak ${most}`,
    now: 'now',
    peak: 'peak',
    empty: 'No requests in the last hour',
  },

  crash: {
    gaveUp: (times: number) =>
      `The worker crashed ${plural(times, { one: '# time', other: '# times' })} in 10 minutes. Automatic restarts are off.`,
    restarted: (times: number) =>
      `The worker crashed ${plural(times, { one: '# time', other: '# times' })} and was restarted.`,
    lines: 'Last log lines',
    logs: 'Open logs',
  },

  preferences: {
    app: 'App',
    sections: 'Sections',
    loading: 'Loading preferences…',
    file: (path: string) => `Worker settings: ${path}`,
    newFile: (path: string) => `Worker settings: ${path} (created when you save)`,
    openFolder: 'Open config folder',
    appFileProblem: 'desktop.yaml, where the app saves these preferences, has errors',
    appFileProblemText:
      'Check the preferences below. When you change one, the file is saved again with the values shown.',
    fileProblem: 'worker.yaml has errors',
    fileProblemText: 'Correct the file in a text editor. Until then, you can’t save changes here.',
    fileProblemGoesOn:
      'Correct the file in a text editor. Until then, you can’t save changes here, and the worker keeps its current settings.',
    warnings: 'Ignored in worker.yaml',
    now: 'Applies immediately',
    restart: 'Restarts the worker',
    service: 'Applies when the background service restarts',
    default: (value: string) => `Default: ${value}`,
    isDefault: 'Default',
    noDefault: 'Not set',
    toDefault: 'Use default',
    toDefaultOf: (label: string) => `Use default for ${label}`,
    locked: 'Set by an environment variable, so you can’t change it here.',
    changedInFile: (value: string) => `worker.yaml changed while you were editing. Its value is ${value}.`,
    changedToDefault: 'worker.yaml changed while you were editing. It no longer has this setting.',
    changedSecret: 'worker.yaml changed while you were editing. It has a different value.',
    useFileValue: 'Use file’s value',
    choose: { true: 'Yes', false: 'No' } as Record<string, string>,
    changed: 'Changed',
    wrong: 'Invalid value',
    secret: {
      set: 'Saved (hidden)',
      inKeychain: 'Saved in the system keychain',
      unset: 'Not set',
      unknown: 'Unknown',
      replace: 'Replace…',
      add: 'Enter…',
      clear: 'Remove',
      clearOf: (label: string) => `Remove ${label}`,
      replaceOf: (label: string) => `Replace ${label}`,
      addOf: (label: string) => `Enter ${label}`,
      willClear: 'Will be removed',
      cancel: 'Cancel',
      new: (label: string) => `New value for ${label}`,
    },
    bar: {
      changes: (n: number) => plural(n, { one: '# unsaved change', other: '# unsaved changes' }),
      now: 'Applies immediately.',
      restart: 'The worker finishes its requests, then restarts.',
      service: 'Applies when the background service restarts.',
      unreadable: 'Correct worker.yaml first.',
      secrets: 'Unsaved keys are discarded when you close the window.',
      wrong: (n: number) => plural(n, { one: '# value is invalid.', other: '# values are invalid.' }),
      checking: 'Checking…',
      save: 'Save',
      saving: 'Saving…',
      discard: 'Discard',
    },
    saved: 'Saved and applied.',
    savedRestarted: 'Saved. The worker restarts to apply it.',
    savedService: 'Saved. Applies when the background service restarts.',
    serve: {
      title: 'When to share',
      text: 'Outside these rules, llamapool finishes current requests and then pauses.',
      battery: 'Battery',
      batteryModes,
      low: 'Pause below',
      high: 'Resume at',
      percent: '%',
      saver: 'Pause when battery saver is on',
      saverText: 'Low Power Mode on macOS, power saver on Linux and Windows.',
      hours: 'Hours',
      onlyInHours: 'Share only during certain hours',
      onlyInHoursText: 'In this computer’s local time.',
      onDays: 'Days',
      days,
      from: 'From',
      to: 'To',
      overnight: 'Ends the next day.',
      programs: 'Apps',
      pauseWhile: 'Pause while any of these apps is running',
      pauseWhileText: 'App names, separated by commas, such as steam, blender',
    },
    startup: 'Startup',
    startAtLogin: 'Start at login',
    startAtLoginText: 'Starts in the tray, without a window.',
    sleep: 'Sleep',
    holdSleep: 'Keep this computer awake while it’s answering',
    holdSleepText: 'Closing the lid still puts it to sleep.',
    icon: 'Tray icon',
    iconStyle: 'Icon style',
    iconText: 'Change this if the icon is hard to see.',
    icons,
    notifications: 'Notifications',
    notify: 'Notify me about',
    notificationKinds,
    keys: 'Keys',
    keychain: 'Store keys in the system keychain',
    keychainText:
      'When this is off, keys are stored in worker.yaml, readable only by you. A worker without the app needs them there.',
    noKeychain: 'No system keychain found. Keys are stored in worker.yaml, readable only by you.',
    details: 'Details',
    updates: 'Updates',
    updateMode: 'Install updates',
    updateModes,
    managed: (why: string) => `llamapool doesn’t update itself: ${why}.`,
  },

  logs: {
    title: 'Logs',
    level: 'Show',
    allLevels: 'All',
    levels: { ERROR: 'Error', WARN: 'Warning', INFO: 'Info', DEBUG: 'Debug', TRACE: 'Trace' },
    recorded: 'Log level',
    recordedText: 'How much detail the worker writes to the log',
    search: 'Find in logs',
    hint: (keys: string) => `Find (${keys})`,
    matches: (at: number, all: number) => (all === 0 ? 'No matches' : `${f.exact(at)} of ${f.exact(all)}`),
    previous: 'Previous match',
    next: 'Next match',
    pause: 'Pause',
    resume: 'Resume',
    paused: (n: number) =>
      n === 0 ? 'Paused' : `Paused – ${plural(n, { one: '# new line', other: '# new lines' })}`,
    copy: 'Copy',
    copied: 'Copied',
    copyTitle: (n: number) => `Copy ${plural(n, { one: '# line', other: '# lines' })}`,
    wrap: 'Wrap lines',
    toEnd: 'Jump to end',
    newLines: (n: number) => plural(n, { one: '# new line', other: '# new lines' }),
    lines: (n: number) => plural(n, { one: '# line', other: '# lines' }),
    folder: 'Open log folder',
    empty: 'No log lines yet',
    none: 'No lines at this level',
    noneText: 'Choose All to see every line.',
    region: 'Log lines',
  },

  diagnostics: {
    title: 'Diagnostics',
    text: 'Checks the connection to the server and to the runtime, step by step.',
    run: 'Run diagnostics',
    rerun: 'Run again',
    running: (n: number) => (n === 0 ? 'Checking…' : `Checking… ${n} done`),
    outcome: { ok: 'Passed', warning: 'Warning', failed: 'Failed', skipped: 'Skipped' },
    allPassed: (n: number) => plural(n, { one: '# check passed', other: 'All # checks passed' }),
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
      'A zip file with logs and settings that you can share when you ask for help. Keys are removed, and you review everything before you save it. Nothing is sent.',
    make: 'Review report…',
    making: 'Collecting…',
    preview: 'Report contents',
    files: 'Files in the report',
    previewText: 'This is everything that the report contains.',
    size: (bytes: number) => f.bytes(bytes),
    save: 'Save report',
    saving: 'Saving…',
    cancel: 'Cancel',
    saved: 'Report saved',
    show: 'Show in folder',
  },

  about: {
    title: 'About and updates',
    tagline: 'All your LLM machines behind one API.',
    version: (version: string) => `Version ${version}`,
    build: (sha: string, date: string) =>
      [sha.slice(0, 9), date].filter((part) => part && part !== 'unknown').join(' · '),
    licence: (licence: string) => `Licence: ${licence}`,
    documentation: 'Documentation',
    releaseNotes: 'Release notes',
    updates: 'Updates',
    check: 'Check for updates',
    state: {
      off: 'Updates are off.',
      idle: 'llamapool is up to date.',
      never: 'Not checked yet',
      checking: 'Checking for updates…',
      staging: (version: string) => `Downloading version ${version}…`,
      staged: (version: string) => `Version ${version} is ready to install`,
      available: (version: string) => `Version ${version} is available`,
      failed: 'Couldn’t check for updates',
    },
    managed: (why: string) => `llamapool doesn’t update itself: ${why}.`,
    checked: (seconds: number) => `Last checked ${f.span(seconds)} ago.`,
    get: 'Open releases page',
    getText: 'This copy of llamapool can’t update itself. Download the new version from the releases page.',
    restart: 'Restart to update',
    restartText:
      'Current requests finish first. If the new version doesn’t start, the previous one is restored.',
    notes: 'What’s new',
    thirdParty: 'Acknowledgements',
    thirdPartyList: 'Licences',
    thirdPartyText: 'Open-source software used in llamapool, and its licences.',
  },

  welcome: {
    title: 'Welcome to llamapool',
    step: (at: number, all: number) => `Step ${at} of ${all}`,
    steps: {
      start: 'Overview',
      server: 'Your server',
      models: 'Your models',
      machine: 'This computer',
      test: 'Try it',
    },
    back: 'Back',
    next: 'Continue',
    skip: 'Skip',
    begin: 'Get started',
    done: 'Done',
    showStatus: 'Show status',

    start: {
      title: 'Share this computer’s models',
      text: 'Your apps can use the models on this computer from anywhere, through your own server. This computer connects out to the server, so you don’t need to open any ports.',
      path: 'How it works',
      app: 'Your apps',
      server: 'Your server',
      here: 'This computer',
      runtime: 'Your models',
      leaves: 'What leaves this computer',
      leavesList: [
        'Responses to the requests that your server sends',
        'Names and sizes of the models you share',
        'Its name, operating system, processor, memory and load',
      ],
      stays: 'What stays here',
      staysList: [
        'Your files, and models you don’t share',
        'Your runtime’s API key',
        'Logs, which never contain prompts or responses',
      ],
    },
    server: {
      title: 'Connect to your server',
      how: 'How to connect',
      byLink: 'Join link',
      byHand: 'Address and key',
      link: 'Join link',
      linkHelp:
        'Get one from your server’s administrator. You can also open the link in a browser on this computer.',
      linkPlaceholder: 'llamapool://join?server=…',
      url: 'Server address',
      urlHelp: 'For example wss://pool.example.com, or only host:port.',
      urlPlaceholder: 'wss://pool.example.com',
      key: 'Worker key',
      keyHelp: 'The key that lets computers join. Leave it empty if your server doesn’t require one.',
      keyFromLink: 'Using the worker key from the join link.',
      otherKey: 'Enter another key',
      test: 'Test connection',
      testing: 'Connecting…',
      works: (ms: string) => `Connected (${ms})`,
      version: (version: string) => `llamapool server ${version}`,
      endpoint: (url: string) => `API endpoint for your apps: ${url}`,
      arrived: 'You opened a join link. llamapool contacts its server only when you continue.',
    },
    models: {
      title: 'Choose what to share',
      looking: 'Looking for runtimes on this computer…',
      runtimes: 'Runtime',
      none: 'No runtime found on this computer',
      noneText:
        'Start Ollama, LM Studio, llama.cpp or vLLM, then choose Look again. You can also continue: llamapool connects to the runtime when it starts.',
      again: 'Look again',
      elsewhere: 'Use another address',
      elsewhereHelp: 'An OpenAI-compatible API that this computer can reach.',
      elsewherePlaceholder: 'http://127.0.0.1:8000/v1',
      found: (n: number) => models(n),
      shared: 'Models to share',
      sharedHelp: 'You can change this later, here or in the tray menu.',
      all: 'All',
      nothing: 'None',
      noModels: 'This runtime has no models yet. Models that you install are shared automatically.',
    },
    machine: {
      title: 'Startup and notifications',
      name: 'Computer name',
      nameHelp: 'Shown on the server’s dashboard. Leave it empty to use this computer’s own name.',
      login: 'Start at login',
      loginText: 'Starts in the tray, without a window. Off by default.',
      notifications: 'Notifications',
      notificationsText:
        'Only when something needs your attention: server unreachable, key rejected, runtime not responding.',
      where: {
        macos: 'llamapool stays in the menu bar when you close its windows. To stop it, choose Quit.',
        windows:
          'llamapool stays in the notification area when you close its windows. To stop it, choose Quit.',
        linux: 'llamapool stays in the tray when you close its windows. To stop it, choose Quit.',
      },
    },
    test: {
      title: 'Try it',
      setting: 'Starting the worker…',
      text: 'Send a short request through your server, as your apps will.',
      model: 'Model',
      any: 'First available',
      apiKey: 'API key of the server',
      apiKeyHelp: 'Used for this test only, and not saved.',
      send: 'Send a test request',
      sendAgain: 'Send another',
      sending: 'Waiting for the response…',
      answer: 'Response',
      speed: 'Tokens per second',
      first: 'Time to first token',
      total: 'Total time',
      works: 'It works. Your server returned a response.',
      skipped:
        'You haven’t connected to a server yet, so there is nothing to test. Go back to connect, or do it later from the Status view.',
      waiting: (state: string) => `This computer: ${state}`,
    },
  },
};

export type Strings = typeof en;
