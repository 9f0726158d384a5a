// The frame around the views: which one is shown, and what the service says of itself.
import { fill, h } from "./dom.js";
import { plural } from "./format.js";
import * as configuration from "./configuration.js";
import * as health from "./health.js";
import * as requests from "./requests.js";
import * as routes from "./routes.js";

const VIEWS = { requests, health, configuration, routes };
const POLL_MS = 1000;
const view = document.getElementById("view");
let shown = null; // the view and what it was opened with
let known = "";
let list = [];
let service = null;
let timer = 0;

/** Asks the service; a problem becomes an error with its words. */
async function ask(place) {
  const response = await fetch(`_dev/${place}`, { headers: { accept: "application/json" }, cache: "no-store" });
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  throw Object.assign(new Error(problem.detail ?? problem.title ?? `status ${response.status}`), { status: response.status });
}

function place() {
  const [name, rest] = location.hash.replace(/^#\/?/, "").split("/");
  return { name: Object.hasOwn(VIEWS, name) ? name : "requests", rest: rest ?? "" };
}

async function show() {
  const { name, rest } = place();
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (shown !== name) {
    shown = name;
    view.className = name;
    view.replaceChildren();
    VIEWS[name].open(view);
  }
  if (service) await update(rest); // else there is nothing to show yet
}

async function update(rest = place().rest) {
  try {
    await VIEWS[shown].update({ ask, service, list, rest });
  } catch (error) {
    tell(error.message, "bad");
  }
}

async function poll() {
  clearTimeout(timer);
  try {
    const answer = await ask(`requests.json?known=${encodeURIComponent(known)}`);
    service = answer.service;
    known = `${service.life}-${service.store_version}`;
    list = answer.requests ?? list;
    introduce();
    tell(service.processes > 1 ? `process ${service.process}, one of ${service.processes}` : `process ${service.process}`, "good");
    await update();
  } catch (error) {
    tell(error.status ? error.message : "The service does not answer; trying again.", "bad");
  }
  if (!document.hidden) timer = setTimeout(poll, POLL_MS);
}

function introduce() {
  document.title = `${service.name} · development`;
  fill(document.getElementById("name"), h("span", {}, service.name));
  fill(document.getElementById("version"), h("span", {}, service.version), service.role === "web" ? null : h("span.tag", {}, service.role));
  const dot = document.getElementById("health");
  dot.className = `dot ${service.health}`;
  dot.title = `${service.health}, ${service.readiness.replace("_", " ")}; ${plural(service.plugins.length, "plugin")}`;
}

function tell(text, mood) {
  const line = document.getElementById("connection");
  if (line.textContent !== text) line.textContent = text;
  line.dataset.mood = mood;
}

addEventListener("hashchange", show);
document.addEventListener("visibilitychange", () => document.hidden || poll());
await show();
await poll();
