/**
 * A worker's process. Only the supervisor commands it: signals go to the whole process group, from a terminal or a
 * service manager, and must not reach a worker before it could say so. Hence the late import of everything else.
 */
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGUSR2'] as const) process.on(signal, () => {});

const { runWorker } = await import('./protocol.ts');
const { createGateway } = await import('./gateway.ts');
runWorker(createGateway);
