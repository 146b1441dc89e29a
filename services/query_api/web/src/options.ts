import type { Clock, Wakes } from "./clock.ts";
import type { Credential } from "./credentials.ts";
import type { Pace } from "./stream.ts";

export interface ObzvonOptions {
  /** Where the API is, like `https://obzvon.example`; in a browser, the page's own origin. */
  readonly baseUrl?: string | undefined;
  /** A cookie is only ever sent to the page's own origin. */
  readonly credential?: Credential | undefined;
  /** Milliseconds within which an answer must have come, or a stream have begun. */
  readonly timeoutMs?: number | undefined;
  /** How streams come back; what is left out is as usual. */
  readonly pace?: Partial<Pace> | undefined;
  readonly fetch?: ((request: Request) => Promise<Response>) | undefined;
  readonly clock?: Clock | undefined;
}

export interface Asking {
  readonly signal?: AbortSignal | undefined;
}

export interface Streaming extends Asking {
  /** Calls when a connection may have been lost without a word: the stream is opened at once. */
  readonly wakes?: Wakes | undefined;
}

/** Whether it is a URL, or one relative to `base`. */
export function isUrl(text: string, base: string | undefined): boolean {
  try {
    return Boolean(new URL(text, base));
  } catch {
    return false;
  }
}
