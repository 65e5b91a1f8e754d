/** What Linux tells about running processes, and the promise that none that a test started outlives it. */
import { readdirSync, readFileSync } from 'node:fs';

const groups = new Set<number>();
let watching = false;

/** Kills the process group `pid` leads when this process ends, however it ends. */
export function killGroupAtExit(pid: number): void {
  groups.add(pid);
  if (watching) return;
  watching = true;
  process.on('exit', killGroups);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
}

/** Kills what is left of the group, at once. */
export function killGroup(pid: number): void {
  groups.delete(pid);
  signalOrIgnore(-pid, 'SIGKILL');
}

/** True while the process exists and is no zombie. */
export function isRunning(pid: number): boolean {
  return !['', 'Z'].includes(stateOf(pid));
}

/** True while the process is held by SIGSTOP. */
export function isStopped(pid: number): boolean {
  return stateOf(pid) === 'T';
}

/** Children of `pid` whose command line contains `text`. */
export function childrenOf(pid: number, text: string): number[] {
  const children: number[] = [];
  for (const entry of readdirSync('/proc')) {
    const child = Number(entry);
    if (!Number.isInteger(child)) continue;
    try {
      const stat = readFileSync(`/proc/${child}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      if (parent === pid && readFileSync(`/proc/${child}/cmdline`, 'utf8').includes(text)) children.push(child);
    } catch {
      // It has ended between the two looks.
    }
  }
  return children.sort((a, b) => a - b);
}

/** Resident memory of a process, in bytes: now, and at its highest. */
export function residentBytes(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
  return { now: kilobytes('VmRSS') * 1024, peak: kilobytes('VmHWM') * 1024 };
}

/** One letter; empty: there is no such process. */
function stateOf(pid: number): string {
  try {
    return /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}

function killGroups(): void {
  for (const pid of groups) signalOrIgnore(-pid, 'SIGKILL');
}

function signalOrIgnore(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Nothing of it is left.
  }
}
