// The routes, the service's own first, and what each of them needs.
import { fill, h, searchField } from "./dom.js";
import { plural } from "./format.js";

const state = { filter: "", routes: null };
let box;

export function open(view) {
  state.routes = null;
  box = h("div.table-box");
  view.append(h("div.sheet", {},
    h("div.bar", {}, searchField("Filter by path, method, handler, dependency or scheme", state.filter, (text) => { state.filter = text; draw(); })),
    box));
}

export async function update({ ask, service }) {
  if (state.routes && state.life === service?.life) return;
  state.life = service?.life;
  state.routes = (await ask("routes.json")).routes;
  draw();
}

function draw() {
  if (!state.routes) return;
  const routes = state.routes.filter((route) => JSON.stringify(route).toLowerCase().includes(state.filter));
  fill(box,
    h("p.quiet", {}, routes.length === state.routes.length ? plural(routes.length, "route") : `${routes.length} of ${plural(state.routes.length, "route")}`),
    routes.filter((route) => route.own).map(card),
    routes.some((route) => !route.own) && h("h3", {}, "From this library and FastAPI"),
    routes.filter((route) => !route.own).map(card));
}

function card(route) {
  return h("article.route", {},
    h("h3", {},
      route.kind === "http" ? shortened(route.methods).map((method) => h(`span.method.${method.toLowerCase()}`, {}, method)) : h("span.method", {}, route.kind),
      h("bdi.path", {}, route.path.split(/(\{[^}]*\})/).map((part) => (part.startsWith("{") ? h("em", {}, part) : part))),
      route.deprecated && h("span.tag.warning", {}, "deprecated"),
      route.tags.map((tag) => h("span.tag", {}, tag))),
    route.summary && h("p", {}, route.summary),
    h("p.quiet.from", {}, route.handler),
    h("dl.needs", {},
      need("Parameters", route.parameters, (one) => h("span.pair", {}, h("span.quiet", {}, `${one.in} `), one.name, one.required ? null : h("span.quiet", {}, "?"))),
      need("Depends on", route.dependencies, (one) => h("span.pair", { style: { "margin-left": `${Math.min(one.depth, 6) * 0.9}rem` } }, one.name)),
      need("Security", route.security, (one) => h("span.pair.lock", {}, one.scheme, one.scopes.length > 0 && h("span.quiet", {}, ` ${one.scopes.join(" ")}`)))));
}

function need(name, things, make) {
  return things.length ? h("div", {}, h("dt", {}, name), things.map((thing) => h("dd", {}, make(thing)))) : null;
}

/** HEAD comes with GET. */
function shortened(methods) {
  const named = methods.filter((method) => method !== "HEAD" || !methods.includes("GET"));
  return named.length ? named : ["ANY"];
}
