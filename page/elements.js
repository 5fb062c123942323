// What the pages' scripts have in common.

/**
 * @param {string} tag
 * @param {Element} parent
 * @param {string} [text]
 */
// biome-ignore lint/correctness/noUnusedVariables: other scripts of the page use it
function add(tag, parent, text = '') {
  const element = document.createElement(tag);
  element.textContent = text;
  parent.append(element);
  return element;
}
