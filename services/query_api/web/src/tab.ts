import type { Wakes } from "./clock.ts";
import type { Tab } from "./live.ts";

/** The tab this page is in. */
export function browserTab(): Tab {
  return {
    isHidden: () => document.visibilityState === "hidden",
    onVisibility: (call) => listen(document, "visibilitychange", call),
    onWake: (call) => {
      const fromCache = (event: PageTransitionEvent) => event.persisted && call();
      window.addEventListener("pageshow", fromCache);
      const ends = [
        () => window.removeEventListener("pageshow", fromCache),
        listen(window, "online", call),
      ];
      return () => {
        for (const end of ends) end();
      };
    },
    wallNow: () => Date.now(),
  };
}

function listen(target: EventTarget, name: string, call: () => void): ReturnType<Wakes> {
  target.addEventListener(name, call);
  return () => target.removeEventListener(name, call);
}
