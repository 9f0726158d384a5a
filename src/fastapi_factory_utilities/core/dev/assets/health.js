// How the service and its components are, and how they came to be so.
import { fill, h } from "./dom.js";
import { clock, date, lasting } from "./format.js";

const STRIP_SECONDS = 30 * 60;
let box;
let drawn = "";

export function open(view) {
  box = h("div.sheet");
  drawn = "";
  view.append(box);
}

export async function update({ ask, service }) {
  const health = await ask("health.json");
  const now = service?.now ?? Date.now() / 1000;
  const text = JSON.stringify([health, Math.floor(now / 5)]); // "for 5 s" grows also when nothing happens
  if (text === drawn) return;
  drawn = text;
  fill(box,
    h(`div.verdict.${health.health}`, {},
      h("h2", {}, h(`span.dot.${health.health}`), capital(health.health), h("span.tag", {}, health.draining ? "draining" : health.readiness.replace("_", " ")), !health.alive && h("span.tag.error", {}, "event loop blocked")),
      h("p", {}, health.reason ?? "All is well", " ", h("span.quiet", { title: date(health.since) }, lasting(health.since, now)))),
    h("h3", {}, "Components"),
    health.components.length ? h("div.components", {}, health.components.map((component) => card(component, health.history, now))) : h("p.quiet", {}, "No plugin has one, and the service has no check of its own."),
    h("h3", {}, "What changed"),
    health.history.length ? h("ol.history", {}, health.history.map(transition)) : h("p.quiet", {}, "Nothing yet."));
}

function card(component, history, now) {
  return h("article.card", {},
    h("h4", {}, h(`span.dot.${component.health}`), h("bdi", {}, component.key), !component.required && h("span.tag", {}, "optional")),
    h("p", {}, component.health, ", ", component.readiness.replace("_", " "), " ", h("span.quiet", { title: date(component.since) }, lasting(component.since, now))),
    component.reason && h("p.reason", {}, component.reason),
    component.next_try_at && h("p.quiet", {}, `Tried again at ${clock(component.next_try_at)}.`),
    strip(component, history.filter((event) => event.component === component.key), now));
}

/** The last half hour, or as much of it as is known, from left to right. */
function strip(component, events, now) {
  const oldest = events.at(-1)?.at ?? component.since;
  const begin = Math.max(now - STRIP_SECONDS, oldest);
  const whole = Math.max(now - begin, 1);
  const pieces = [];
  let end = now;
  for (const event of events) {
    const start = Math.max(event.at, begin);
    pieces.unshift(piece(event.to, end - start, whole, `${event.to} from ${clock(event.at)} on`));
    end = start;
    if (event.at <= begin) break;
  }
  if (!events.length) pieces.push(piece(component.health, whole, whole, component.health));
  return [h("div.strip", {}, pieces), h("p.strip-ends.quiet", {}, h("span", {}, clock(begin)), h("span", {}, "now"))];
}

function piece(health, seconds, whole, title) {
  return h(`span.${health}`, { title, style: { "flex-grow": String(Math.max(seconds / whole, 0.004)) } });
}

function transition(event) {
  return h("li", {},
    h("span.number.quiet", { title: date(event.at) }, clock(event.at)),
    h("b", {}, h("bdi", {}, event.component ?? "the service")),
    h("span.change", {}, event.from === event.to
      ? h(`span.state.${event.to}`, {}, `${event.to}, ${event.readiness.replace("_", " ")}`)
      : [h(`span.state.${event.from}`, {}, event.from), " → ", h(`span.state.${event.to}`, {}, event.to)]),
    h("span.reason.quiet", {}, event.reason ?? ""));
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
