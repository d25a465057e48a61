/** Print how each client is configured, from src/panel/clients.ts, in Markdown. */
import { readFileSync } from 'node:fs';
import ts from 'typescript';

const source = readFileSync(
  new URL('../src/panel/clients.ts', import.meta.url),
  'utf8'
);
const { outputText } = ts.transpileModule(source, {
  compilerOptions: { module: 'ES2020', target: 'ES2022' }
});
const url = `data:text/javascript;base64,${Buffer.from(outputText).toString('base64')}`;
const { CLIENTS } = await import(url);

const trans = {
  __: (text, ...parts) =>
    text.replace(/%(\d)/g, (_, number) => `\`${parts[number - 1]}\``)
};
const endpoint = { url: 'http://127.0.0.1:8888/mcp', token: 'jml_…' };

/** The language of a snippet, for its colours. */
function language(snippet) {
  if (snippet.startsWith('{')) {
    return 'json';
  }
  return snippet.startsWith('[') ? 'toml' : 'bash';
}

const sections = CLIENTS.map(client => {
  const snippet = client.snippet(endpoint);
  const fence = '```';
  return (
    `### ${client.name}\n\n${client.where(trans)}\n\n` +
    `${fence}${language(snippet)}\n${snippet}\n${fence}\n`
  );
});
process.stdout.write(sections.join('\n'));
