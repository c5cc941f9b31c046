// The current time, updated once a second, for ages and countdowns.

export class Clock {
  /** Unix milliseconds. */
  now = $state(Date.now());

  /** Ticks until the returned function is called. */
  start(): () => void {
    const timer = setInterval(() => (this.now = Date.now()), 1000);
    return () => clearInterval(timer);
  }
}
