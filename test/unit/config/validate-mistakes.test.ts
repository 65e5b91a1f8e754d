/** Mistakes in `validate`: named with the place in the schema, in the config or in the schema's own file. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { describeMistakes } from './describe-mistakes.ts';
import { judge } from './judge.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-schemas-'));
after(() => rmSync(folder, { recursive: true }));

function config(...validate: readonly string[]): string {
  return [
    'upstreams: [{ name: api, url: "http://api:8080" }]',
    'routes:',
    '  - path: /a',
    '    upstream: api',
    ...validate,
  ].join('\n');
}

const types = 'expected a media type such as application/json, text/* or application/*+json, without parameters';

describeMistakes([
  {
    title: 'media types, and a file that is not there',
    config: config(
      '    validate: { body: missing.json, contentTypes: [json, "a/b;c=d", "*/json", application/*+json, "*/*"] }',
    ),
    lines: [
      'proxy.yml:5:23 routes[0].validate.body: "missing.json" can\'t be read: there is no such file',
      `proxy.yml:5:52 routes[0].validate.contentTypes[0]: "json" is no media type; ${types}`,
      `proxy.yml:5:58 routes[0].validate.contentTypes[1]: "a/b;c=d" is no media type; ${types}`,
      `proxy.yml:5:69 routes[0].validate.contentTypes[2]: "*/json" has "*" where it means nothing; ${types}`,
    ],
  },
  {
    title: 'mistakes inside of schemas, all at once',
    config: config(
      '    validate:',
      '      query: { type: objekt }',
      '      body:',
      '        requierd: [id]',
      '        properties:',
      '          id: { $ref: "#/$defs/idd" }',
      '          at: { format: date_time }',
      '          re: { pattern: "^(a+)+$" }',
      '        $defs: { id: { minLength: s3cret } }',
    ),
    lines: [
      'proxy.yml:6:22 routes[0].validate.query.type: "objekt" is no type; did you mean "object"?',
      'proxy.yml:8:9 routes[0].validate.body.requierd: "requierd" is no keyword of JSON Schema; did you mean "required"?',
      'proxy.yml:10:23 routes[0].validate.body.properties.id["$ref"]: "#/$defs/idd" is no place of a schema in here; did you mean "#/$defs/id"?',
      'proxy.yml:11:25 warning: routes[0].validate.body.properties.at.format: the format "date_time" is not known and not checked; did you mean "date-time"?',
      'proxy.yml:12:26 warning: routes[0].validate.body.properties.re.pattern: repeats something that is itself repeated: some texts will take very long to be checked',
      'proxy.yml:13:35 routes[0].validate.body["$defs"].id.minLength: is no count; expected a whole number from 0 on',
    ],
  },
  {
    title: 'names of fields that can never come',
    config: config(
      '    validate:',
      '      headers: { required: [X-B], properties: { X-Tenant: { type: string } }, additionalProperties: false }',
    ),
    lines: [
      'proxy.yml:6:7 warning: routes[0].validate.headers: allows no other fields, but every request has some, such as Host',
      'proxy.yml:6:28 routes[0].validate.headers.required: "X-B" is the name of no field: names of fields are in lower case here; did you mean "x-b"?',
      'proxy.yml:6:49 routes[0].validate.headers.properties.X-Tenant: "X-Tenant" is the name of no field: names of fields are in lower case here; did you mean "x-tenant"?',
    ],
  },
  {
    title: 'a validate that asks for nothing',
    config: config('    validate: { mode: shadow }'),
    lines: [
      'proxy.yml:5:5 warning: routes[0].validate: asks for nothing; expected contentTypes, headers, query or body',
    ],
  },
]);

test('a mistake in a schema file is told once, with the lines of that file', () => {
  const file = write(
    'order.json',
    '{\n  "type": "object",\n  "properties": {\n    "id": { "tpye": "integer" }\n  }\n}\n',
  );
  const twice = config(
    `    validate: { body: ${file} }`,
    '  - path: /b',
    '    upstream: api',
    `    validate: { body: ${file} }`,
  );
  assert.deepEqual(judge(twice), [
    `${file}:4:13 properties.id.tpye: "tpye" is no keyword of JSON Schema; did you mean "type"?`,
  ]);
});

test('a schema file that is no JSON or YAML, or empty, is told with its own lines', () => {
  const broken = write('broken.json', '{ "type": "object"\n"properties": {} }\n');
  assert.match(
    judge(config(`    validate: { body: ${broken} }`)).join('\n'),
    new RegExp(`^${broken}:2:1 is not valid YAML: `),
  );
  const empty = write('empty.json', '');
  assert.deepEqual(judge(config(`    validate: { body: ${empty} }`)), [
    `${empty}:1:1 is empty; it has to hold a JSON Schema, as JSON or YAML`,
  ]);
});

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}
