// Text in GitHub-flavoured Markdown. Names and messages come from files: none of it may become markup.

/** A name that a code span shows as it is, in a table too. */
const PLAIN = /^[\w./+~:,=()[\]{}"'#@ -]+$/;

/** Punctuation that may be markup. An underscore within a word and a colon before a blank are none. */
const MARKUP = /(?!(?<=\w)_(?=\w)|:(?= )|[.,()/-])[!-/:-@[-`{-~]/g;

/** The same as character references. */
function referenced(text: string): string {
  return text.replace(MARKUP, (character) => `&#${character.codePointAt(0)};`);
}

/** Text in a fixed-width font; as an HTML element where Markdown is not read, as in a summary. */
export function codeSpan(text: string, as: 'markdown' | 'html' = 'markdown'): string {
  return as === 'markdown' && PLAIN.test(text) && text.trim() === text
    ? `\`${text}\``
    : `<code>${referenced(text)}</code>`;
}

/** A paragraph or a cell of plain text, that mentions nobody and links nothing. */
export function plainText(text: string): string {
  return referenced(text.replaceAll('\n', ' ')).replace(/(?<=&#(?:64|35);)/g, '&#8203;');
}

/** Lines in a fixed-width font. */
export function codeBlock(text: string): string {
  const runs = text.match(/`+/g) ?? [];
  const fence = '`'.repeat(Math.max(3, ...runs.map(({ length }) => length + 1)));
  return `${fence}text\n${text}\n${fence}`;
}
