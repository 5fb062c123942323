/** The parts of a page that are the same whatever it shows. */
export interface PageParts {
  /** The plotting library, and the script that draws with it. */
  readonly scripts: readonly string[];
  readonly style: string;
}

/** The page loads nothing, whatever the text of a file contains. */
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:";

/** A page up to its data, which follow as JSON (`dataText`). */
export function pageBeginning(title: string, heading: string, { style }: PageParts): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${title} · cellcheck</title>
<style>
${style}</style>
<body>
${heading}
<script type="application/json" id="data">
`;
}

/** The rest of a page, behind its data. */
export function* pageEnd({ scripts }: PageParts): Iterable<string> {
  yield '\n</script>\n';
  for (const script of scripts) yield `<script>\n${script}\n</script>\n`;
  yield '</body>\n</html>\n';
}

/** JSON that does not end the element it stands in. */
export function dataText(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

// A multiple of three bytes, so that the pieces can be joined.
const CHUNK = 3 * 2 ** 12;

/** Bytes as base64. */
export function base64(bytes: Uint8Array): string {
  let text = '';
  for (let from = 0; from < bytes.length; from += CHUNK) {
    text += btoa(String.fromCharCode(...bytes.subarray(from, from + CHUNK)));
  }
  return text;
}
