// llama.vscode's own code without VS Code: types in a document, takes the suggestion, asks its chat.
//
// Bundled by scripts/try_llama_vscode.py with the plugin's sources as `plugin/…` and
// llama_vscode_editor.js as `vscode`.  The last line on stdout is JSON.

import fs from "fs";
import { Completion } from "plugin/completion";
import { Configuration } from "plugin/configuration";
import { ExtraContext } from "plugin/extra-context";
import { LlamaServer } from "plugin/llama-server";
import { LRUCache } from "plugin/lru-cache";
import { Prompts } from "plugin/prompts";
import { Position, window } from "vscode";

const given = JSON.parse(fs.readFileSync(0, "utf8"));
const silent = new Proxy({}, { get: () => () => undefined });

function documentOf(fileName, text) {
  const lines = text.split("\n");
  const lineAt = (n) => ({ text: lines[n] });
  return { fileName, isDirty: false, languageId: "python", lineCount: lines.length, lineAt };
}

const app = { statusbar: silent, logger: silent, isChatModelSelected: () => true };
app.getComplModel = app.getChatModel = () => ({});
app.configuration = new Configuration();
app.lruResultCache = new LRUCache(app.configuration.max_cache_keys);
app.prompts = new Prompts(app);
app.extraContext = new ExtraContext(app);
app.llamaServer = new LlamaServer(app);
app.completion = new Completion(app);

async function idle(milliseconds) {
  await new Promise((done) => setTimeout(done, milliseconds));
}

async function suggested() {
  const position = new Position(given.line, given.column);
  const began = Date.now();
  const document = documentOf(given.file, given.text);
  const token = { isCancellationRequested: false };
  const items = await app.completion.getCompletionItems(document, position, { triggerKind: 1 }, token);
  return { items: (items ?? []).map((item) => item.insertText), took_ms: Date.now() - began };
}

// What the plugin does when the person leaves the other file.
window.activeTextEditor = { document: documentOf(given.other_file, given.other) };
app.extraContext.pickChunkAroundCursor(3, window.activeTextEditor.document);
app.extraContext.lastComplStartTime = 0;
app.extraContext.periodicRingBufferUpdate();
await idle(given.ahead_ms);
const { items, took_ms } = await suggested();
await idle(given.ahead_ms); // it asks for what may follow
const answers = {};
if (given.chat) {
  const edited = await app.llamaServer.getChatEditCompletion(given.instruction, given.line_text, "", [], 0);
  const said = await app.llamaServer.getChatCompletion(given.instruction);
  answers.edit = edited.choices[0].message.content;
  answers.chat = said.choices[0].message.content;
}
console.log(JSON.stringify({ items, took_ms, ...answers }));
process.exit(0);
