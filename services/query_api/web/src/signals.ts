/** What AbortSignal.any, AbortSignal.timeout and `reason` do, for browsers that lack them. */

export interface Linked {
  readonly signal: AbortSignal;
  /** Why `giveUp` was called; undefined if it was not. */
  readonly reason: Error | undefined;
  giveUp(reason: Error): void;
  /** Ends the link to the signal it came from. Call it, or that signal keeps this one alive. */
  release(): void;
}

/** A signal that aborts with another one, or when it is given up. */
export function linked(to: AbortSignal | undefined): Linked {
  const controller = new AbortController();
  const abort = () => controller.abort(to?.reason);
  if (to?.aborted) abort();
  else to?.addEventListener("abort", abort);
  let reason: Error | undefined;
  return {
    signal: controller.signal,
    get reason() {
      return reason;
    },
    giveUp(why) {
      if (controller.signal.aborted) return;
      reason = why;
      controller.abort(why);
    },
    release: () => to?.removeEventListener("abort", abort),
  };
}

/** Why a signal has aborted, also where the browser does not keep it. */
export function reasonOf(signal: AbortSignal): unknown {
  return signal.reason ?? new DOMException("The operation was aborted.", "AbortError");
}
