// The spans of a trace over time.
import { h } from "./dom.js";
import { duration, plural, value } from "./format.js";

const TICKS = 4;
const LABELS = { server: "server", database: "database", messaging: "messages", http: "outgoing HTTP", internal: "own work" };

/** Draws the spans; one bar for the request itself where there are none. */
export function waterfall(item, seconds, opened, hasSpans, redraw) {
  const rows = item.spans.length ? ordered(item.spans) : [{ span: itself(item, seconds), depth: 0 }];
  const begin = Math.min(item.spans.length ? Infinity : item.at, ...rows.map(({ span }) => span.at));
  const end = Math.max(...rows.map(({ span }) => span.at + span.seconds), item.spans.length && item.seconds === null ? item.at + seconds : begin);
  const whole = Math.max(end - begin, 1e-6);
  const categories = [...new Set(rows.map(({ span }) => category(span)))];
  return h("section.waterfall", { "aria-label": "Waterfall" },
    h("div.heading", {}, h("h3", {}, "Waterfall"),
      h("ul.legend.quiet", {}, item.spans.length > 0 && Object.keys(LABELS).filter((name) => categories.includes(name)).map((name) => h("li", {}, h(`span.swatch.${name}`), LABELS[name])))),
    h("div.axis.quiet", { "aria-hidden": "true" }, h("span"), h("div.scale", {},
      Array.from({ length: TICKS + 1 }, (_, tick) => h("span", { style: { left: `${(100 * tick) / TICKS}%` } }, tick ? duration((whole * tick) / TICKS) : "0")))),
    rows.map(({ span, depth, detached }) => spanRow(span, depth, detached, begin, whole, opened, redraw)),
    item.more_spans > 0 && h("p.quiet", {}, `${plural(item.more_spans, "more span")} of this trace had no room here.`),
    item.spans.length === 0 && hint(item, hasSpans));
}

function hint(item, hasSpans) {
  if (hasSpans) return h("p.hint", {}, item.seconds === null ? "Spans appear here as they end." : "This request left no spans: it was not sampled, or its path is excluded from tracing.");
  return h("p.hint", {}, "For a waterfall of what happened inside, add ", h("code", {}, "OpenTelemetryPlugin()"),
    " to the builder's plugins, from ", h("code", {}, "core.plugins.opentelemetry_plugin"), "; its extra is installed by ",
    h("code", {}, "pip install 'fastapi-factory-utilities[otel]'"), ". No collector is needed.");
}

function itself(item, seconds) {
  return { id: "itself", name: `${item.method} ${item.route ?? item.title}`.trim(), kind: "server", at: item.at, seconds, error: item.failed, attributes: {}, events: [], links: [], description: "" };
}

/** Parents before children, in the order of their beginning; what has lost its parent stands for itself. */
function ordered(spans) {
  const ids = new Set(spans.map((span) => span.id));
  const children = new Map();
  const roots = [];
  for (const span of spans) {
    if (span.parent !== null && ids.has(span.parent) && span.parent !== span.id) {
      if (!children.has(span.parent)) children.set(span.parent, []);
      children.get(span.parent).push(span);
    } else roots.push(span);
  }
  const rows = [];
  const seen = new Set();
  const stack = roots.reverse().map((span) => ({ span, depth: 0, detached: span.parent !== null }));
  while (stack.length) {
    const row = stack.pop();
    if (seen.has(row.span.id)) continue;
    seen.add(row.span.id);
    rows.push(row);
    for (const child of (children.get(row.span.id) ?? []).toReversed()) stack.push({ span: child, depth: row.depth + 1, detached: false });
  }
  return rows;
}

function category(span) {
  const has = (name) => Object.hasOwn(span.attributes, name);
  if (has("db.system.name") || has("db.system")) return "database";
  if (has("messaging.system")) return "messaging";
  if (span.kind === "server") return "server";
  if (has("http.request.method")) return "http";
  return "internal";
}

function spanRow(span, depth, detached, begin, whole, opened, redraw) {
  const isOpen = opened.has(span.id);
  const left = (100 * (span.at - begin)) / whole;
  const width = (100 * span.seconds) / whole;
  const flip = () => {
    if (isOpen) opened.delete(span.id);
    else opened.add(span.id);
    redraw();
  };
  return [
    h("button.span", { type: "button", "aria-expanded": String(isOpen), key: `span-${span.id}`, onclick: flip },
      h("span.name", { style: { "--depth": Math.min(depth, 12) }, title: detached ? "Its parent is in another process, has not ended, or was not kept" : null },
        detached && h("span.quiet", {}, "↳ "), h("bdi", {}, span.name, h("span.quiet", {}, whither(span))), span.error && h("span.tag.error", {}, "error")),
      h("span.track", {},
        h(`span.mark.${category(span)}`, { style: { left: `${left}%`, width: `${width}%` } })),
      h("span.number.quiet", {}, duration(span.seconds))),
    isOpen && spanFacts(span, begin),
  ];
}

/** Outgoing requests are called by their method alone: where they went is worth as much. */
function whither(span) {
  const { "server.address": address, "http.response.status_code": status } = span.attributes;
  return category(span) === "http" && span.kind === "client" ? ` ${[address, status].filter(Boolean).join(" · ")}` : "";
}

function spanFacts(span, begin) {
  const facts = Object.entries(span.attributes);
  return h("div.span-facts", {},
    span.description && h("p.error-text", {}, span.description),
    h("dl.table", {},
      pair("kind", span.kind), pair("begins at", duration(span.at - begin)),
      facts.map(([name, content]) => pair(name, value(content)))),
    span.events.map((event) => h("div.event", {}, h("p", {}, h("span.quiet", {}, `+${duration(Math.max(0, event.at - begin))} `), h("b", {}, event.name)),
      h("dl.table", {}, Object.entries(event.attributes).map(([name, content]) => pair(name, value(content)))))),
    span.links.length > 0 && h("p.quiet", {}, "Linked to ", span.links.map((link) => h("code", {}, `${link.trace}/${link.span} `))));
}

function pair(name, content) {
  return [h("dt", {}, name), h("dd", {}, content)];
}
