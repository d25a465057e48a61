/** How each MCP client is told where the server is. Data, not code. */
import type { TranslationBundle } from '@jupyterlab/translation';

/** The name of the server in every client. Some clients cannot parse `_` in it. */
const NAME = 'jupyter';

/** The URL that an agent connects to, and its token. */
export interface IEndpoint {
  readonly url: string;
  readonly token: string;
}

/** One MCP client and its configuration. */
export interface IClient {
  readonly id: string;
  /** The client's own name; not translated. */
  readonly name: string;
  /** Where the snippet goes. */
  where(trans: TranslationBundle): string;
  /** What to copy, complete. */
  snippet(endpoint: IEndpoint): string;
}

const bearer = (endpoint: IEndpoint) => `Bearer ${endpoint.token}`;

const json = (value: object) => JSON.stringify(value, null, 2);

const headers = (endpoint: IEndpoint) => ({ Authorization: bearer(endpoint) });

/** The command of Gemini CLI, and of what was made from it. */
const addedBy = (program: string) => (endpoint: IEndpoint) =>
  `${program} mcp add --scope user --transport http` +
  ` --header "Authorization: ${bearer(endpoint)}" ${NAME} ${endpoint.url}`;

/** An entry of the usual list, with the client's word for streamable HTTP. */
const listedAs = (type: string) => (endpoint: IEndpoint) =>
  json({
    mcpServers: {
      [NAME]: { type, url: endpoint.url, headers: headers(endpoint) }
    }
  });

/** The clients in the order in which they are offered; the last fits any other. */
export const CLIENTS: readonly IClient[] = [
  {
    id: 'claude-code',
    name: 'Claude Code',
    where: trans => trans.__('Run this in a terminal.'),
    snippet: endpoint =>
      `claude mcp add --transport http --scope user ${NAME} ${endpoint.url}` +
      ` --header "Authorization: ${bearer(endpoint)}"`
  },
  {
    id: 'cursor',
    name: 'Cursor',
    where: trans =>
      trans.__(
        'Add this to %1, then turn it on in the settings.',
        '~/.cursor/mcp.json'
      ),
    snippet: endpoint =>
      json({
        mcpServers: {
          [NAME]: { url: endpoint.url, headers: headers(endpoint) }
        }
      })
  },
  {
    id: 'vscode',
    name: 'VS Code',
    where: trans =>
      trans.__(
        'Run “MCP: Open User Configuration” in VS Code and add this to the file.'
      ),
    snippet: endpoint =>
      json({
        servers: {
          [NAME]: {
            type: 'http',
            url: endpoint.url,
            headers: headers(endpoint)
          }
        }
      })
  },
  {
    id: 'codex',
    name: 'Codex',
    where: trans => trans.__('Add this to %1.', '~/.codex/config.toml'),
    snippet: endpoint =>
      [
        `[mcp_servers.${NAME}]`,
        `url = ${JSON.stringify(endpoint.url)}`,
        `http_headers = { "Authorization" = ${JSON.stringify(bearer(endpoint))} }`,
        'tool_timeout_sec = 600'
      ].join('\n')
  },
  {
    id: 'gemini-cli',
    name: 'Gemini CLI',
    where: trans => trans.__('Run this in a terminal.'),
    snippet: addedBy('gemini')
  },
  {
    id: 'opencode',
    name: 'opencode',
    where: trans =>
      trans.__('Add this to %1.', '~/.config/opencode/opencode.json'),
    snippet: endpoint =>
      json({
        mcp: {
          [NAME]: {
            type: 'remote',
            url: endpoint.url,
            enabled: true,
            oauth: false,
            headers: headers(endpoint),
            timeout: 60000
          }
        }
      })
  },
  {
    id: 'qwen-code',
    name: 'Qwen Code',
    where: trans => trans.__('Run this in a terminal.'),
    snippet: addedBy('qwen')
  },
  {
    id: 'copilot-cli',
    name: 'Copilot CLI',
    where: trans => trans.__('Add this to %1.', '~/.copilot/mcp-config.json'),
    snippet: listedAs('http')
  },
  {
    id: 'cline',
    name: 'Cline',
    where: trans =>
      trans.__(
        'In Cline, choose “Configure MCP Servers” and add this to the file.'
      ),
    // It ignores a server of any other type without a word.
    snippet: listedAs('streamableHttp')
  },
  {
    id: 'windsurf',
    name: 'Windsurf',
    where: trans =>
      trans.__('Add this to %1.', '~/.codeium/windsurf/mcp_config.json'),
    snippet: endpoint =>
      json({
        mcpServers: {
          [NAME]: { serverUrl: endpoint.url, headers: headers(endpoint) }
        }
      })
  },
  {
    id: 'zed',
    name: 'Zed',
    where: trans => trans.__('Add this to the settings of Zed.'),
    snippet: endpoint =>
      json({
        context_servers: {
          [NAME]: { url: endpoint.url, headers: headers(endpoint) }
        }
      })
  },
  {
    id: 'generic',
    name: 'Generic JSON',
    where: trans =>
      trans.__('For any other client that speaks MCP over streamable HTTP.'),
    snippet: listedAs('http')
  }
];

/** The client that the name of the connection mentions; otherwise the first one. */
export function likelyClient(label: string): IClient {
  const said = label.toLowerCase();
  return (
    CLIENTS.find(client => said.includes(client.name.toLowerCase())) ??
    CLIENTS.find(client =>
      said.includes(client.name.toLowerCase().split(' ')[0])
    ) ??
    CLIENTS[0]
  );
}
