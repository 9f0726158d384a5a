// Quantities as people read them.

export function duration(seconds) {
  const ms = seconds * 1000;
  if (ms < 0.0005) return "0 ms";
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 10) return `${ms.toFixed(2)} ms`;
  if (ms < 100) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (seconds < 60) return `${seconds.toFixed(2)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DATE = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

export const clock = (at) => CLOCK.format(at * 1000);
export const date = (at) => DATE.format(at * 1000);

export function lasting(at, now) {
  const seconds = Math.max(0, now - at);
  if (seconds < 60) return `for ${Math.round(seconds)} s`;
  if (seconds < 3600) return `for ${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `for ${Math.floor(seconds / 3600)} h`;
  return `since ${date(at)}`;
}

export function octets(count) {
  if (count < 1000) return `${count} B`;
  if (count < 1e6) return `${(count / 1e3).toFixed(1)} kB`;
  return `${(count / 1e6).toFixed(1)} MB`;
}

export function value(thing) {
  return typeof thing === "string" ? thing : JSON.stringify(thing);
}

export const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
