import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './cli.js';

const DIST = path.join(ROOT, 'dist', 'src');

interface Declaration {
  readonly text: string;
  /** Names of types that the file imports, with the files that they are from. */
  readonly imported: ReadonlyMap<string, string>;
}

/** The declarations of a file by name. */
function declarationsIn(file: string): Map<string, Declaration> {
  const text = fs.readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  const imported = new Map(
    [...text.matchAll(/^import (?:type )?\{([^}]*)\} from '(\.[^']*)'/gm)].flatMap(([, names, target]) =>
      names.split(',').map((name): [string, string] => {
        const from = path.resolve(path.dirname(file), target.replace(/\.js$/, '.d.ts'));
        return [name.trim().replace(/^type /, ''), from];
      }),
    ),
  );
  const statements = text.split(/^(?=export |declare |interface |type |import )/m);
  return new Map(
    statements.flatMap((statement): [string, Declaration][] => {
      const name = /^(?:export )?(?:declare )?(?:interface|type|function|class|const) (\w+)/.exec(statement);
      return name ? [[name[1], { text: statement, imported }]] : [];
    }),
  );
}

/** What the library exports: names with their files. */
function exported(): Map<string, string> {
  const text = fs.readFileSync(path.join(DIST, 'index.d.ts'), 'utf8');
  return new Map(
    [...text.matchAll(/^export (?:type )?\{([^}]*)\} from '([^']*)'/gm)].flatMap(([, names, target]) =>
      names
        .split(',')
        .filter((name) => name.trim())
        .map((name): [string, string] => {
          const file = path.resolve(DIST, target.replace(/\.js$/, '.d.ts'));
          return [name.trim().replace(/^type /, ''), file];
        }),
    ),
  );
}

test('every type that an exported declaration names is exported', () => {
  const names = exported();
  expect(names.size).toBeGreaterThan(50);
  const missing = [...names].flatMap(([name, file]) => {
    const declarations = declarationsIn(file);
    const isType = (word: string) => !/^[A-Z_]+$/.test(word);
    const declaration = declarations.get(name);
    if (!declaration) return [`${name} is not declared in ${file}`];
    const words = new Set(declaration.text.match(/\b[A-Z]\w+/g));
    return [...words]
      .filter((word) => declarations.has(word) || declaration.imported.has(word))
      .filter((word) => isType(word) && !names.has(word))
      .map((word) => `${name} names ${word}`);
  });
  expect(missing).toEqual([]);
});
