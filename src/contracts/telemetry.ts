/** What is sent to a collector. */
export type TelemetrySignal = 'traces' | 'metrics' | 'logs';
