/** Names of cases that mean something in HTML, XML, Markdown, or to a CI system or a terminal, unless they are escaped. */
export const HARMFUL_NAMES: readonly string[] = [
  '<b>bold<img src=x onerror=alert(1)>',
  '&amp;&lt;',
  'a "quoted" \'name\'',
  'a|b',
  'a`b`',
  '**bold** _it_ [link](x) @someone #1 ~~x~~',
  'two\nlines',
  '::error::x',
  'line\n::error title=x::y',
  '%0A%25',
  'a=b,c:d',
  '##[error]x',
  '\u001b[31mred\u001b[0m',
  '\u202eright to left',
  ']]> --> </script><!--',
];
