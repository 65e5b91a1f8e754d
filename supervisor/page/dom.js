/** Making elements. Whatever text comes from the gateway ends as text: nothing here reads markup. */

/**
 * `text`: its content, null for none.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {string} classes
 * @param {string | null} text
 * @param {...Element} children
 */
export function make(tag, classes = '', text = null, ...children) {
  const element = document.createElement(tag);
  if (classes !== '') element.className = classes;
  if (text !== null) element.textContent = text;
  element.append(...children);
  return element;
}

/**
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Readonly<Record<string, string>>} attributes
 */
export function draw(tag, attributes) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** The element of index.html with this id. @param {string} id */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`no #${id}`);
  return element;
}

/** Leaves alone what is the same: a selection, and the screen reader, stay where they are. @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {string} text @param {'good' | 'warn' | 'bad' | ''} tone */
export function badge(text, tone) {
  return make('span', `badge ${tone}`, text);
}
