import createClient, { type Client } from "openapi-fetch";
import { type Clock, SYSTEM_CLOCK } from "./clock.ts";
import { authorization, type Credential, isRenewed } from "./credentials.ts";
import { ObzvonProblem, ObzvonUnreachable, tooLate } from "./errors.ts";
import { fileOf, type ReportFile } from "./files.ts";
import { type Fresh, renewed } from "./fresh.ts";
import { type Asking, isUrl, type ObzvonOptions, type Streaming } from "./options.ts";
import {
  type ContactFileQuery,
  type ContactQuery,
  type FileFormat,
  type FilterQuery,
  given,
  type HoursQuery,
  type ReportFileQuery,
  type ReportQuery,
} from "./queries.ts";
import type {
  ContactPage,
  ContactRow,
  Days,
  Hours,
  Liveness,
  Me,
  Pickers,
  paths,
  Readiness,
  Report,
  WallboardSession,
} from "./schema.ts";
import { type Linked, linked, reasonOf } from "./signals.ts";
import { follow, PACE, type Pace, type StreamEvent } from "./stream.ts";

interface Kept {
  readonly etag: string;
  readonly figures: Fresh;
}

type FiguresPath = "/api/v1/report" | "/api/v1/hours" | "/api/v1/days";

/** Reports, courses and days, by what was asked, that are kept to be shown again on a 304. */
const KEPT = 32;

/** What an answer of openapi-fetch comes down to. */
interface Answer<Data> {
  readonly data?: Data;
  readonly error?: unknown;
  readonly response: Response;
}

/**
 * A client of the query API.
 *
 * Every call throws an `ObzvonProblem` where the API says no, an `ObzvonUnreachable` where nothing
 * that can be read has come, and the signal's own reason where the caller gave up.
 */
export class Obzvon {
  readonly #baseUrl: string;
  readonly #api: Client<paths>;
  readonly #credential: Credential;
  readonly #timeoutMs: number;
  readonly #pace: Pace;
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor(options: ObzvonOptions = {}) {
    this.#baseUrl = (options.baseUrl ?? "").replace(/\/+$/, "");
    if (!isUrl(this.#baseUrl, globalThis.location?.href)) {
      throw new TypeError(`baseUrl ${JSON.stringify(this.#baseUrl)} is not the URL of an API`);
    }
    this.#credential = options.credential ?? "cookie";
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    this.#pace = { ...PACE, ...options.pace };
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#api = createClient<paths>({
      baseUrl: this.#baseUrl,
      credentials: this.#credential === "cookie" ? "same-origin" : "omit",
      // A browser's own cache would answer with the freshness of long ago.
      cache: "no-store",
      ...(options.fetch && { fetch: options.fetch }),
    });
  }

  /**
   * The report of a date, or of a range.
   *
   * While the figures stay, only their freshness is sent, and `operators` and `totals` are the
   * same objects as the time before.
   */
  async report(query: ReportQuery = {}, { signal }: Asking = {}): Promise<Report> {
    return this.#figures<Report>("/api/v1/report", query, signal);
  }

  /** The course of a date, hour by hour; each column sums to the report's figure. */
  async hours(query: HoursQuery = {}, { signal }: Asking = {}): Promise<Hours> {
    return this.#figures<Hours>("/api/v1/hours", query, signal);
  }

  /** The totals of each single day of a range, as its report gives them now. */
  async days(query: ReportQuery = {}, { signal }: Asking = {}): Promise<Days> {
    return this.#figures<Days>("/api/v1/days", query, signal);
  }

  /** Who this client is to the API, and what they may see. */
  async me({ signal }: Asking = {}): Promise<Me> {
    return this.#data<Me>(signal, (init) => this.#api.GET("/api/v1/me", init));
  }

  /** The report as it changes, until `signal` says stop or the loop is left. */
  stream(
    query: ReportQuery = {},
    { signal, wakes }: Streaming = {},
  ): AsyncGenerator<StreamEvent, void> {
    return follow((lastEventId, connection) => this.#open(query, lastEventId, connection), {
      signal,
      wakes,
      clock: this.#clock,
      pace: this.#pace,
      renews: isRenewed(this.#credential),
    });
  }

  /** The rows behind a figure, over all pages. */
  async *contacts(
    query: ContactQuery = {},
    asking: Asking = {},
  ): AsyncGenerator<ContactRow, void, undefined> {
    for await (const page of this.contactPages(query, asking)) yield* page.items;
  }

  /** The same a page at a time, for those who show the `total`. */
  async *contactPages(
    query: ContactQuery = {},
    asking: Asking = {},
  ): AsyncGenerator<ContactPage, void, undefined> {
    let cursor: string | null = null;
    do {
      const page: ContactPage = await this.#page(query, cursor, asking);
      yield page;
      cursor = page.next_cursor;
    } while (cursor !== null);
  }

  /** What there is to choose from in the filters of a date, or of a range. */
  async filters(query: FilterQuery = {}, { signal }: Asking = {}): Promise<Pickers> {
    return this.#data<Pickers>(signal, (init) =>
      this.#api.GET("/api/v1/filters", { ...init, params: { query: given(query) } }),
    );
  }

  /** The address of the report as a file: for a link, where the browser has a session. */
  fileUrl(format: FileFormat, query: ReportFileQuery = {}): string {
    return this.#url(`/api/v1/report.${format}`, query);
  }

  /** The address of rows as a file, as `fileUrl`. */
  contactFileUrl(format: FileFormat, query: ContactFileQuery = {}): string {
    return this.#url(`/api/v1/contacts.${format}`, query);
  }

  /** The report as a file: for those who bring a token. */
  async file(
    format: FileFormat,
    query: ReportFileQuery = {},
    { signal }: Asking = {},
  ): Promise<ReportFile> {
    const answer = await this.#ask<Blob>(signal, (init) =>
      this.#api.GET(`/api/v1/report.${format}`, {
        ...init,
        params: { query: given(query) },
        parseAs: "blob",
      }),
    );
    return fileOf(answer, format);
  }

  /** The rows behind a figure as a file. */
  async contactFile(
    format: FileFormat,
    query: ContactFileQuery = {},
    { signal }: Asking = {},
  ): Promise<ReportFile> {
    const answer = await this.#ask<Blob>(signal, (init) =>
      this.#api.GET(`/api/v1/contacts.${format}`, {
        ...init,
        params: { query: given(query) },
        parseAs: "blob",
      }),
    );
    return fileOf(answer, format);
  }

  /** Exchange a wallboard's key for this browser's cookie; the answer says how long it is good. */
  async openWallboard(key: string, { signal }: Asking = {}): Promise<WallboardSession> {
    return this.#data<WallboardSession>(signal, (init) =>
      this.#api.POST("/api/v1/wallboard/session", { ...init, body: { key } }),
    );
  }

  async liveness({ signal }: Asking = {}): Promise<Liveness> {
    return this.#data<Liveness>(signal, (init) => this.#api.GET("/livez", init));
  }

  async readiness({ signal }: Asking = {}): Promise<Readiness> {
    return this.#data<Readiness>(signal, (init) => this.#api.GET("/readyz", init));
  }

  /** In Prometheus' text format. */
  async metrics({ signal }: Asking = {}): Promise<string> {
    return this.#data<string>(signal, (init) =>
      this.#api.GET("/metrics", { ...init, parseAs: "text" }),
    );
  }

  async #page(
    query: ContactQuery,
    cursor: string | null,
    { signal }: Asking,
  ): Promise<ContactPage> {
    return this.#data<ContactPage>(signal, (init) =>
      this.#api.GET("/api/v1/contacts", {
        ...init,
        params: { query: { ...given(query), ...(cursor !== null && { cursor }) } },
      }),
    );
  }

  async #open(
    query: ReportQuery,
    lastEventId: string | undefined,
    connection: AbortSignal,
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const begun = linked(connection); // ends the stream with the connection, for as long as it lasts
    const stopTimer = this.#giveUpLate(begun);
    // Some antivirus programs hold back every answer that was not asked for as a stream.
    const accept = { Accept: "text/event-stream" };
    try {
      const header = lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId };
      const { data, response } = await this.#answer<ReadableStream<Uint8Array<ArrayBuffer>> | null>(
        begun.signal,
        (init) =>
          this.#api.GET("/api/v1/stream", {
            ...init,
            headers: { ...init.headers, ...accept },
            params: { query: given(query), header },
            parseAs: "stream",
          }),
      );
      const type = response.headers.get("Content-Type") ?? "none";
      if (!data || !type.startsWith("text/event-stream")) {
        throw new ObzvonUnreachable(`The stream has the content type ${type}`);
      }
      return data;
    } finally {
      stopTimer();
    }
  }

  async #data<Data>(
    signal: AbortSignal | undefined,
    call: (init: Init) => Promise<Answer<Data>>,
  ): Promise<Data> {
    const { data } = await this.#ask(signal, call);
    if (data === undefined) throw new ObzvonUnreachable("The API answered with nothing");
    return data;
  }

  async #ask<Data>(
    signal: AbortSignal | undefined,
    call: (init: Init) => Promise<Answer<Data>>,
  ): Promise<Answer<Data>> {
    const asked = linked(signal);
    const stopTimer = this.#giveUpLate(asked);
    try {
      return await this.#answer(asked.signal, call);
    } catch (error) {
      if (signal?.aborted) throw reasonOf(signal);
      if (asked.reason) throw tooLate(this.#timeoutMs, error);
      throw error;
    } finally {
      stopTimer();
      asked.release();
    }
  }

  #giveUpLate(asked: Linked): () => void {
    return this.#clock.after(this.#timeoutMs, () => asked.giveUp(tooLate(this.#timeoutMs)));
  }

  async #answer<Data>(
    signal: AbortSignal,
    call: (init: Init) => Promise<Answer<Data>>,
  ): Promise<Answer<Data>> {
    const headers = await authorization(this.#credential);
    let answer: Answer<Data>;
    try {
      answer = await call({ signal, headers });
    } catch (error) {
      if (error instanceof ObzvonUnreachable) throw error;
      throw new ObzvonUnreachable("No answer of the API that can be read", { cause: error });
    }
    const { response } = answer;
    if (response.ok || response.status === 304) return answer;
    throw new ObzvonProblem(response, answer.error);
  }

  /** Figures with an ETag: on a 304 those of the time before, as fresh as its headers say. */
  async #figures<Data extends Fresh>(
    path: FiguresPath,
    query: object,
    signal: AbortSignal | undefined,
  ): Promise<Data> {
    const asked = this.#url(path, query);
    const kept = this.#kept.get(asked);
    const { data, response } = await this.#ask<Data>(
      signal,
      (init) =>
        this.#api.GET(path, {
          ...init,
          params: { query: given(query), ...(kept && { header: { "If-None-Match": kept.etag } }) },
        }) as Promise<Answer<Data>>,
    );
    // What was kept under an address is what that address answered.
    const figures =
      kept && response.status === 304 ? renewed(kept.figures as Data, response.headers) : data;
    const etag = response.headers.get("ETag") ?? kept?.etag;
    if (!figures) throw new ObzvonUnreachable("The API answered with an empty report");
    this.#kept.delete(asked);
    if (etag) this.#kept.set(asked, { etag, figures });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break;
      this.#kept.delete(oldest);
    }
    return figures;
  }

  #url(path: string, query: object): string {
    const parameters = Object.entries(given(query)).map(([name, value]) => [name, String(value)]);
    const text = new URLSearchParams(parameters);
    return `${this.#baseUrl}${path}${parameters.length ? `?${text}` : ""}`;
  }
}

/** What every request has; an interface would not do, since openapi-fetch asks for an index. */
type Init = {
  readonly signal: AbortSignal;
  readonly headers: Record<string, string>;
};
