/**
 * How long the supervisor's event loop is held up. nodejs_eventloop_lag_* speak of the same loop, but count the distance
 * of two ticks instead of a delay, and begin anew with every scrape, so that two who scrape take from each other.
 */
import { watchEventLoop } from '../src/overload/loop-delay.ts';
import type { MetricsRegistry } from './metrics-registry.ts';

export function watchOwnLoop(registry: Pick<MetricsRegistry, 'observe'>): void {
  const look = watchEventLoop();
  setInterval(() => registry.observe('supervisor_event_loop_delay_ms', [], look().longestMs), 1000).unref();
}
