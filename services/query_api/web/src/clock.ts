/** Time as timers and streams see it; tests put their own in its place. */
export interface Clock {
  /** Milliseconds on a clock that only moves forward. */
  now(): number;
  /** Calls once after so many milliseconds, unless what it returns is called before. */
  after(milliseconds: number, call: () => void): () => void;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  after: (milliseconds, call) => {
    const timer = setTimeout(call, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** Resolves after so many milliseconds, or as soon as the signal or a wake ends the wait. */
export function sleep(
  clock: Clock,
  milliseconds: number,
  { signal, wakes }: { signal?: AbortSignal | undefined; wakes?: Wakes | undefined } = {},
): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const over = () => {
      stopTimer();
      stopWaking?.();
      signal?.removeEventListener("abort", over);
      resolve();
    };
    const stopTimer = clock.after(milliseconds, over);
    const stopWaking = wakes?.(over);
    signal?.addEventListener("abort", over);
  });
}

/** Calls whenever there is reason to believe that connections were lost; ends when called back. */
export type Wakes = (call: () => void) => () => void;
