// Elements from plain values. Texts only ever become text nodes, so nothing that a client sent becomes markup.

// What would hide or turn the text around it: controls, marks of reading direction, line ends.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Writes what cannot be seen as \uXXXX. */
export function visible(value) {
  return String(value).replace(UNSEEN, (sign) => "\\u" + sign.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** Makes an element: `h("a.row", {href: "#/"}, "text", child, null)`. */
export function h(name, properties, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.classList.add(...classes);
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "key") element.dataset.key = value;
    else if (key === "style") for (const [rule, setting] of Object.entries(value)) element.style.setProperty(rule, setting);
    else element.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat(3)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : visible(child));
  }
  return element;
}

/** Replaces the content of an element; what had the focus has it again, and what was scrolled stays so. */
export function fill(element, ...children) {
  const focused = element.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const { scrollTop, scrollLeft } = element;
  element.replaceChildren(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  element.scrollTop = scrollTop;
  element.scrollLeft = scrollLeft;
  if (focused) element.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

/** A search field that tells every change. */
export function searchField(label, value, onChange) {
  const field = h("input.search", { type: "search", placeholder: label, "aria-label": label, autocomplete: "off", spellcheck: "false" });
  field.value = value;
  field.addEventListener("input", () => onChange(field.value.trim().toLowerCase()));
  return field;
}

/** A switch with its label. */
export function toggle(label, checked, onChange) {
  const box = h("input", { type: "checkbox" });
  box.checked = checked;
  box.addEventListener("change", () => onChange(box.checked));
  return h("label.toggle", {}, box, label);
}
