// What llama.vscode needs of VS Code's module `vscode`: settings, positions, and nothing to see.
//
// Settings are the defaults of the plugin's package.json and those of SPARK_VSCODE_SETTINGS (JSON).

import manifest from "plugin-manifest";

const sections = [manifest.contributes.configuration].flat();
const defaults = Object.assign({}, ...sections.map((each) => each.properties));
const set = JSON.parse(process.env.SPARK_VSCODE_SETTINGS ?? "{}");

export class Position {
  constructor(line, character) {
    this.line = line;
    this.character = character;
  }
}

export class Range {
  constructor(start, end) {
    this.start = start;
    this.end = end;
  }
}

export class InlineCompletionItem {
  constructor(insertText, range) {
    this.insertText = insertText;
    this.range = range;
  }
}

export const InlineCompletionTriggerKind = { Invoke: 0, Automatic: 1 };
export const ConfigurationTarget = { Global: 1 };

function told(text) {
  console.error(`the plugin says: ${text}`);
}

export const window = { showInformationMessage: told, showErrorMessage: told };
export const workspace = {
  getConfiguration: (section) => ({
    get: (name) => set[name] ?? defaults[`${section}.${name}`]?.default,
    update: () => undefined,
  }),
};
export default { Position, Range, InlineCompletionItem, InlineCompletionTriggerKind, ConfigurationTarget, window, workspace };
