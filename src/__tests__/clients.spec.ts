import { nullTranslator } from '@jupyterlab/translation';

import { CLIENTS, likelyClient } from '../panel/clients';

const trans = nullTranslator.load('jmcp_lab');
const endpoint = { url: 'http://127.0.0.1:8888/mcp', token: 'jml_secret' };
const byId = (id: string) => {
  const client = CLIENTS.find(item => item.id === id);
  if (!client) {
    throw new Error(`no client ${id}`);
  }
  return client;
};

describe('clients', () => {
  it.each(CLIENTS.map(client => [client.name, client] as const))(
    '%s gets the URL and the secret, never in the URL',
    (_, client) => {
      const snippet = client.snippet(endpoint);
      expect(snippet).toContain(endpoint.url);
      expect(snippet).toContain('Bearer jml_secret');
      expect(snippet).not.toContain('?token=');
      expect(snippet).toContain('jupyter');
      expect(client.where(trans)).not.toBe('');
    }
  );

  it('Claude Code gets its command line', () => {
    expect(byId('claude-code').snippet(endpoint)).toBe(
      'claude mcp add --transport http --scope user jupyter ' +
        'http://127.0.0.1:8888/mcp --header "Authorization: Bearer jml_secret"'
    );
  });

  it('Cline gets the type that it does not ignore', () => {
    const { mcpServers } = JSON.parse(byId('cline').snippet(endpoint)) as {
      mcpServers: Record<string, { type: string }>;
    };
    expect(mcpServers.jupyter.type).toBe('streamableHttp');
  });

  it.each([
    ['cursor', ['mcpServers', 'jupyter', 'url']],
    ['vscode', ['servers', 'jupyter', 'url']],
    ['opencode', ['mcp', 'jupyter', 'url']],
    ['windsurf', ['mcpServers', 'jupyter', 'serverUrl']],
    ['zed', ['context_servers', 'jupyter', 'url']],
    ['copilot-cli', ['mcpServers', 'jupyter', 'url']],
    ['cline', ['mcpServers', 'jupyter', 'url']],
    ['generic', ['mcpServers', 'jupyter', 'url']]
  ])('%s gets JSON with the URL in its place', (id, path) => {
    const parsed: unknown = JSON.parse(byId(id).snippet(endpoint));
    const found = path.reduce<unknown>(
      (value, key) => (value as Record<string, unknown>)[key],
      parsed
    );
    expect(found).toBe(endpoint.url);
  });

  it.each([
    ['Claude Code on my laptop', 'claude-code'],
    ['my codex', 'codex'],
    ['gemini at work', 'gemini-cli'],
    ['Cline 3', 'cline'],
    ['Copilot CLI', 'copilot-cli'],
    ['qwen', 'qwen-code'],
    ['something else', 'claude-code']
  ])('for %j guesses %s', (label, id) => {
    expect(likelyClient(label).id).toBe(id);
  });
});
