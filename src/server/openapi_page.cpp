// The browsable page: one file of plain HTML, style and script, which reads the document from this
// server and asks nobody else. Text of the document gets in by textContent alone, so nothing in it
// can become markup.
#include "base/digest.h"
#include "server/openapi.h"

namespace maie::server {
namespace {

constexpr char kStyle[] = R"css(
:root { --line: #d5d9e0; --soft: #f4f6f9; --text: #1c2430; --quiet: #5b6676; --accent: #2457c5; --paper: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --line: #384252; --soft: #1d2430; --text: #e4e8ef; --quiet: #9aa5b5; --accent: #86aaff; --paper: #141a23; }
}
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--paper); }
header { padding: 1.2rem 1.5rem; border-bottom: 1px solid var(--line); }
header p { max-width: 60rem; color: var(--quiet); margin: .3rem 0 .8rem; }
h1 { font-size: 1.35rem; margin: 0; }
h2 { font-size: 1.05rem; margin: 1.6rem 0 .5rem; }
h3 { font-size: .9rem; margin: 1rem 0 .3rem; color: var(--quiet); }
main { display: grid; grid-template-columns: 15rem minmax(0, 1fr); }
nav { padding: 1rem 1.5rem; position: sticky; top: 0; align-self: start; max-height: 100vh; overflow: auto; }
nav a { display: block; color: inherit; text-decoration: none; padding: .15rem 0; }
nav a:hover, a { color: var(--accent); }
section { padding: 0 1.5rem 3rem 0; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .4rem 0; background: var(--paper); }
summary { padding: .5rem .8rem; cursor: pointer; display: flex; gap: .7rem; align-items: baseline; flex-wrap: wrap; }
summary code { font-weight: 600; overflow-wrap: anywhere; }
summary .about { color: var(--quiet); }
details > div { padding: .2rem .9rem .9rem; border-top: 1px solid var(--line); }
.verb { font: 700 .75rem/1.6 ui-monospace, monospace; min-width: 4.2rem; text-align: center; border-radius: 4px; color: #fff; background: #6b7280; }
.get { background: #1f7a4d; } .post { background: #2457c5; } .put { background: #a15c00; } .delete { background: #b3261e; }
table { border-collapse: collapse; width: 100%; margin: .3rem 0; }
td, th { border-bottom: 1px solid var(--line); padding: .3rem .5rem .3rem 0; text-align: left; vertical-align: top; }
pre { background: var(--soft); border-radius: 5px; padding: .6rem .8rem; overflow: auto; max-height: 26rem; margin: .3rem 0; }
code, pre, textarea { font: .85rem/1.45 ui-monospace, monospace; }
input, textarea, select { font: inherit; width: 100%; max-width: 32rem; padding: .3rem .45rem; border: 1px solid var(--line); border-radius: 4px; background: var(--soft); color: var(--text); }
textarea { max-width: none; min-height: 9rem; }
button { font: inherit; padding: .35rem 1rem; border: 0; border-radius: 4px; background: var(--accent); color: var(--paper); cursor: pointer; margin: .6rem 0; }
.quiet { color: var(--quiet); }
.bad { color: #b3261e; }
@media (max-width: 50rem) { main { display: block; } nav { position: static; } section { padding: 0 1rem 3rem; } }
)css";

constexpr char kScript[] = R"js(
'use strict';
const at = id => document.getElementById(id);
const make = (tag, text, name) => {
  const node = document.createElement(tag);
  if (text !== undefined && text !== null) node.textContent = text;
  if (name) node.className = name;
  return node;
};
let spec = null;
const follow = value => {
  let seen = 0;
  while (value && value.$ref && seen++ < 20) {
    value = value.$ref.slice(2).split('/').reduce((part, key) => (part || {})[key], spec);
  }
  return value || {};
};
const refName = value => (value && value.$ref ? value.$ref.split('/').pop() : '');

// A value that fits the schema, to begin with.
function example(schema, depth) {
  schema = follow(schema);
  if (schema.example !== undefined) return schema.example;
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  const choice = schema.anyOf || schema.oneOf;
  if (choice) return example(choice[0], depth);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (depth > 5) return null;
  if (type === 'object') {
    const out = {};
    for (const [name, member] of Object.entries(schema.properties || {})) {
      if (depth > 1 || !schema.required || schema.required.includes(name)) out[name] = example(member, depth + 1);
    }
    return out;
  }
  if (type === 'array') return [example(schema.items || {}, depth + 1)];
  if (type === 'integer') return schema.minimum || 0;
  if (type === 'number') return schema.minimum || 0.5;
  if (type === 'boolean') return false;
  if (schema.format === 'uuid') return '00000000-0000-4000-8000-000000000000';
  if (schema.format === 'date-time') return '2026-01-01T00:00:00Z';
  return 'text';
}

function typeName(schema) {
  if (refName(schema)) return refName(schema);
  const choice = schema.anyOf || schema.oneOf;
  if (choice) return choice.map(typeName).join(' or ');
  if (schema.enum) return schema.enum.map(word => JSON.stringify(word)).join(', ');
  if (schema.type === 'array') return 'list of ' + typeName(schema.items || {});
  const type = Array.isArray(schema.type) ? schema.type.join(' or ') : schema.type || 'anything';
  return schema.format ? type + ' (' + schema.format + ')' : type;
}

function members(schema) {
  const whole = follow(schema);
  const table = make('table');
  for (const [name, member] of Object.entries(whole.properties || {})) {
    const row = make('tr');
    const left = make('td');
    left.append(make('code', name), make('span', (whole.required || []).includes(name) ? ' *' : ''));
    const right = make('td');
    right.append(make('span', typeName(member), 'quiet'));
    const about = member.description || follow(member).description;
    if (about) right.append(make('div', about));
    row.append(left, right);
    table.append(row);
  }
  return table;
}

function schemaView(schema) {
  const box = make('div');
  const name = typeName(schema);
  box.append(make('div', name, 'quiet'));
  if (follow(schema).properties) {
    box.append(members(schema), make('pre', JSON.stringify(example(schema, 0), null, 2)));
  }
  return box;
}

function parameterRow(parameter) {
  const row = make('tr');
  const left = make('td');
  left.append(make('code', parameter.name), make('span', parameter.required ? ' *' : ''),
              make('div', parameter.in + ', ' + typeName(parameter.schema), 'quiet'));
  const right = make('td');
  if (parameter.description) right.append(make('div', parameter.description));
  const input = make('input');
  input.setAttribute('aria-label', parameter.name);
  right.append(input);
  row.append(left, right);
  return {row, input, parameter};
}

// Inputs for the body; take() gives what fetch wants.
function bodyInputs(type, schema) {
  const box = make('div');
  if (type === 'multipart/form-data') {
    const table = make('table');
    const inputs = [];
    for (const [name, member] of Object.entries(follow(schema).properties || {})) {
      const row = make('tr');
      const input = make('input');
      input.setAttribute('aria-label', name);
      if (member.contentMediaType) input.type = 'file';
      const left = make('td');
      left.append(make('code', name), make('div', typeName(member), 'quiet'));
      const right = make('td');
      if (member.description) right.append(make('div', member.description));
      right.append(input);
      row.append(left, right);
      table.append(row);
      inputs.push([name, input]);
    }
    box.append(table);
    return {box, take: () => {
      const form = new FormData();
      for (const [name, input] of inputs) {
        if (input.type === 'file') {
          for (const file of input.files) form.append(name, file);
        } else if (input.value !== '') {
          form.append(name, input.value);
        }
      }
      return {body: form, headers: {}};
    }};
  }
  const area = make('textarea', JSON.stringify(example(schema, 0), null, 2));
  area.setAttribute('aria-label', 'body');
  box.append(members(schema), area);
  return {box, take: () => ({body: area.value, headers: {'Content-Type': type}})};
}

function address(path, rows) {
  const query = new URLSearchParams();
  for (const {input, parameter} of rows) {
    if (parameter.in === 'path') {
      path = path.replace('{' + parameter.name + '}', encodeURIComponent(input.value));
    } else if (parameter.in === 'query' && input.value !== '') {
      query.append(parameter.name, input.value);
    }
  }
  return path + (query.toString() ? '?' + query : '');
}

async function send(verb, path, operation, rows, body, out) {
  const given = body ? body.take() : {headers: {}};
  const headers = given.headers;
  for (const {input, parameter} of rows) {
    if (parameter.in === 'header' && input.value !== '') headers[parameter.name] = input.value;
  }
  if (at('key').value) headers['X-API-Key'] = at('key').value;
  out.replaceChildren(make('p', 'Waiting for an answer', 'quiet'));
  try {
    const begin = performance.now();
    const answer = await fetch(address(path, rows), {method: verb.toUpperCase(), headers, body: given.body});
    let text = await answer.text();
    const took = Math.round(performance.now() - begin);
    try { text = JSON.stringify(JSON.parse(text), null, 2); } catch (error) { /* no JSON */ }
    const lines = [...answer.headers].map(([name, value]) => name + ': ' + value).join('\n');
    out.replaceChildren(make('p', answer.status + ' ' + answer.statusText + ', ' + took + ' ms',
                             answer.ok ? '' : 'bad'),
                        make('pre', lines), make('pre', text));
  } catch (error) {
    out.replaceChildren(make('p', 'No answer: ' + error.message, 'bad'));
  }
}

function operationView(verb, path, operation) {
  const view = make('details');
  view.id = operation.operationId;
  const head = make('summary');
  head.append(make('span', verb.toUpperCase(), 'verb ' + verb), make('code', path),
              make('span', operation.summary + (operation.security && operation.security.length ? ' (key)' : ''), 'about'));
  view.append(head);
  const inside = make('div');
  view.append(inside);
  view.addEventListener('toggle', () => {
    if (!view.open || inside.childNodes.length) return;  // made when it is first looked at
    if (operation.description) inside.append(make('p', operation.description));
    const rows = (operation.parameters || []).map(parameterRow);
    if (rows.length) {
      const table = make('table');
      table.append(...rows.map(entry => entry.row));
      inside.append(make('h3', 'Parameters'), table);
    }
    let body = null;
    if (operation.requestBody) {
      const [type, content] = Object.entries(operation.requestBody.content)[0];
      body = bodyInputs(type, content.schema);
      inside.append(make('h3', 'Body: ' + type), body.box);
    }
    const button = make('button', 'Send');
    const out = make('div');
    button.addEventListener('click', () => send(verb, path, operation, rows, body, out));
    inside.append(button, out, make('h3', 'Answers'));
    for (const [status, response] of Object.entries(operation.responses)) {
      const whole = follow(response);
      const answer = make('details');
      const line = make('summary');
      line.append(make('code', status), make('span', whole.description, 'about'));
      const content = make('div');
      for (const [type, media] of Object.entries(whole.content || {})) {
        content.append(make('code', type), schemaView(media.schema || {}));
      }
      answer.append(line, content);
      inside.append(answer);
    }
  });
  return view;
}

function show() {
  at('title').textContent = spec.info.title + ' ' + spec.info.version;
  at('about').textContent = spec.info.description;
  document.title = spec.info.title;
  for (const tag of spec.tags) {
    const link = make('a', tag.name);
    link.href = '#tag-' + tag.name;
    at('nav').append(link);
    const title = make('h2', tag.name);
    title.id = 'tag-' + tag.name;
    at('operations').append(title);
    for (const [path, verbs] of Object.entries(spec.paths)) {
      for (const [verb, operation] of Object.entries(verbs)) {
        if (operation.tags[0] === tag.name) at('operations').append(operationView(verb, path, operation));
      }
    }
  }
  const schemas = make('h2', 'Schemas');
  schemas.id = 'schemas';
  at('operations').append(schemas);
  const link = make('a', 'Schemas');
  link.href = '#schemas';
  at('nav').append(link);
  for (const [name, schema] of Object.entries(spec.components.schemas)) {
    const view = make('details');
    const head = make('summary');
    head.append(make('code', name), make('span', schema.description || '', 'about'));
    const inside = make('div');
    inside.append(schemaView(schema));
    view.append(head, inside);
    at('operations').append(view);
  }
}

fetch('/schema/openapi.json').then(answer => answer.json()).then(document => { spec = document; show(); })
  .catch(error => { at('about').textContent = 'The document could not be read: ' + error.message; });
)js";

std::string make_page() {
  return std::string(R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>MAIE API</title>
<style>)") +
         kStyle +
         R"(</style>
</head>
<body>
<header>
<h1 id="title">MAIE API</h1>
<p id="about">Reading the document.</p>
<noscript><p>This page is drawn by a script. The same is at <a href="/schema/openapi.yaml">/schema/openapi.yaml</a>.</p></noscript>
<label>API key, kept on this page only <input id="key" type="password" autocomplete="off" spellcheck="false"></label>
<p><a href="/schema/openapi.json">openapi.json</a> <a href="/schema/openapi.yaml">openapi.yaml</a></p>
</header>
<main><nav id="nav"></nav><section id="operations"></section></main>
<script>)" +
         kScript +
         R"(</script>
</body>
</html>
)";
}

std::string base64(const std::string& hex) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes, out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += char(std::stoi(hex.substr(i, 2), nullptr, 16));
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? uint8_t(bytes[i + k]) : 0u);
    for (size_t k = 0; k < 4; ++k)
      out += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::string hash_source(std::string_view content) {
  Digest digest(Digest::Kind::kSha256);
  digest.add(content);
  return "'sha256-" + base64(digest.hex()) + "'";
}

}  // namespace

std::string_view openapi_page() {
  static const std::string page = make_page();
  return page;
}

std::string openapi_page_policy() {
  return "default-src 'none'; img-src data:; connect-src 'self'; script-src " +
         hash_source(kScript) + "; style-src " + hash_source(kStyle) +
         "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

}  // namespace maie::server
